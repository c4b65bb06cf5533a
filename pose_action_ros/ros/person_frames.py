"""People as frames of tf2, if it is installed: `person_<track_id>` on `/tf`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pose_action_ros.ros.target_frame import load_tf2
from pose_action_ros.ros.topic_errors import naming_topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geometry_msgs.msg import TransformStamped
    from rclpy.node import Node

__all__ = ['PersonFrames']


class PersonFrames:
    """Sends the frames of people.

    Args:
        node: The node that sends them.

    Raises:
        ConfigError: tf2 is not installed.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        tf2: Any = load_tf2('publish_tf is true', 'set publish_tf to false')
        with naming_topic(node, '/tf', 'publisher'):
            self._broadcaster = tf2.TransformBroadcaster(node)

    def send(self, frames: Sequence[TransformStamped]) -> None:
        """Send the frames of one image."""
        if frames:
            self._broadcaster.sendTransform(list(frames))

    def close(self) -> None:
        """Destroy the publisher."""
        self._node.destroy_publisher(self._broadcaster.pub_tf)
