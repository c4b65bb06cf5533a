"""The action in the common messages of `vision_msgs`, where that is installed.

`classification` repeats the action, and the latched `label_info` names its class ids.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.messages.action import classification_to_msg, label_info_to_msg
from pose_action_ros.ros.message_types import MAKE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rclpy.lifecycle import LifecycleNode
    from std_msgs.msg import Header

    from pose_action_ros.core.predictions import ActionScores

__all__ = [
    'Classifications',
    'find_vision_msgs',
    'require_vision_msgs',
]


def find_vision_msgs() -> Any:
    """Return the module `vision_msgs.msg`, None where it is not installed."""
    try:
        return import_module('vision_msgs.msg')
    except ImportError:
        return None


def require_vision_msgs() -> Any:
    """Return the module `vision_msgs.msg`.

    Raises:
        ConfigError: It is not installed.
    """
    module = find_vision_msgs()
    if module is None:
        raise ConfigError(
            'person_source is detections, but vision_msgs does not import; install it '
            '(ros-$ROS_DISTRO-vision-msgs), or set person_source to track or roi'
        )
    return module


class Classifications:
    """Publishes `classification` and, once and latched, `label_info`.

    Args:
        node: The node that owns the publishers.
        labels: The network's classes.
    """

    def __init__(self, node: LifecycleNode, labels: Sequence[str]) -> None:
        self._node = node
        options = QoSOverridingOptions.with_default_policies()
        self._scores = node.create_lifecycle_publisher(
            MAKE.type_of('vision_msgs/Classification'),
            'classification',
            QoSProfile(depth=10),
            qos_overriding_options=options,
        )
        # Latched before the node is active, so this one is no lifecycle publisher.
        self._info = node.create_publisher(
            MAKE.type_of('vision_msgs/LabelInfo'),
            'label_info',
            QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL),
            qos_overriding_options=options,
        )
        self._info.publish(label_info_to_msg(MAKE, labels))

    def watched(self) -> bool:
        """Tell whether anyone subscribes to the classification."""
        return self._scores.get_subscription_count() > 0

    def publish(self, action: ActionScores, header: Header) -> None:
        """Publish the action of one person, once the clip is full."""
        if action.valid and self.watched():
            self._scores.publish(classification_to_msg(MAKE, action, header))

    def close(self) -> None:
        """Destroy the publishers."""
        self._node.destroy_lifecycle_publisher(self._scores)
        self._node.destroy_publisher(self._info)
