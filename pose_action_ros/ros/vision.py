"""To and from `vision_msgs`, where it is installed: people in, classifications out.

`people` (Detection2DArray) says where people are; `classification` repeats the action in the
common message, and the latched `label_info` names its class ids.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions

from pose_action_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rclpy.lifecycle import LifecycleNode
    from std_msgs.msg import Header

    from pose_action_ros.core.predictions import ActionScores

__all__ = [
    'Classifications',
    'find_vision_msgs',
    'label_info_to_msg',
    'require_vision_msgs',
    'scores_to_msg',
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


def scores_to_msg(module: Any, action: ActionScores, header: Header) -> Any:
    """Return a Classification: all classes, the most probable first; ids are their numbers."""
    results = [
        module.ObjectHypothesis(class_id=str(index), score=float(action.scores[index]))
        for index in (-action.scores).argsort(kind='stable')
    ]
    return module.Classification(header=header, results=results)


def label_info_to_msg(module: Any, labels: Sequence[str]) -> Any:
    """Return the LabelInfo that names the class ids of our classifications."""
    classes = [
        module.VisionClass(class_id=index, class_name=name) for index, name in enumerate(labels)
    ]
    return module.LabelInfo(class_map=classes, threshold=0.0)


class Classifications:
    """Publishes `classification` and, once and latched, `label_info`.

    Args:
        node: The node that owns the publishers.
        module: `vision_msgs.msg`.
        labels: The network's classes.
    """

    def __init__(self, node: LifecycleNode, module: Any, labels: Sequence[str]) -> None:
        self._node = node
        self._module = module
        options = QoSOverridingOptions.with_default_policies()
        self._scores = node.create_lifecycle_publisher(
            module.Classification,
            'classification',
            QoSProfile(depth=10),
            qos_overriding_options=options,
        )
        # Latched before the node is active, so this one is no lifecycle publisher.
        self._info = node.create_publisher(
            module.LabelInfo,
            'label_info',
            QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL),
            qos_overriding_options=options,
        )
        self._info.publish(label_info_to_msg(module, labels))

    def watched(self) -> bool:
        """Tell whether anyone subscribes to the classification."""
        return self._scores.get_subscription_count() > 0

    def publish(self, action: ActionScores, header: Header) -> None:
        """Publish the action of one person, once the clip is full."""
        if action.valid and self.watched():
            self._scores.publish(scores_to_msg(self._module, action, header))

    def close(self) -> None:
        """Destroy the publishers."""
        self._node.destroy_lifecycle_publisher(self._scores)
        self._node.destroy_publisher(self._info)
