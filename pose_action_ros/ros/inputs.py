"""The node's subscriptions: images, calibration, depth, and boxes of people.

The callbacks store and return; the worker reads. They run in the executor's thread.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.messages.camera import calibration_from_msg
from pose_action_ros.messages.depth import DepthImages
from pose_action_ros.messages.matched_inputs import MatchedInputs
from pose_action_ros.messages.stamp import stamp_from_msg
from pose_action_ros.ros.fitting_subscription import FittingSubscription
from pose_action_ros.ros.frame_ids import FrameIds
from pose_action_ros.ros.frame_slot import ArrivedImage, PublisherGaps
from pose_action_ros.ros.remaps import is_remapped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rclpy.node import Node

    from pose_action_ros.ros.box_topic import BoxTopic
    from pose_action_ros.ros.diagnostics import NodeStatistics
    from pose_action_ros.ros.frame_slot import FrameSlot
    from pose_action_ros.ros.settings import NodeSettings

__all__ = ['Inputs']

_COMPRESSED = '/compressed'


class Inputs:
    """The node's subscriptions and their last messages.

    Args:
        node: The node that owns them.
        settings: They select the subscriptions.
        boxes: The topic with boxes of people; None: there is none.
        statistics: Counts the images.

    Attributes:
        slot: Receives the images; None if there is no worker.
        enabled: Images are handed on.
        matched: The inputs beside the images.
        image_topic: Topic of the images.
        camera_info_topic: Topic of their calibration.

    Raises:
        ConfigError: A topic is refused; then there is no subscription.
    """

    def __init__(
        self,
        node: Node,
        settings: NodeSettings,
        boxes: BoxTopic | None,
        statistics: NodeStatistics,
    ) -> None:
        self.slot: FrameSlot | None = None
        self.enabled = True
        self._node = node
        self._statistics = statistics
        self._rectified = settings.image_rectified
        self._info: CameraInfo | None = None
        self._gaps = PublisherGaps()
        self._subscriptions: dict[str, FittingSubscription] = {}
        self.matched = MatchedInputs(boxes=boxes.source if boxes else None)
        image = node.resolve_topic_name('image')
        raw = image.removesuffix(_COMPRESSED)
        compressed = node.resolve_topic_name(raw + _COMPRESSED)  # a rule may be for it alone
        if settings.image_transport == 'compressed':
            self.image_topic = compressed
            self._other = (raw, 'raw')
            if compressed.endswith(_COMPRESSED):
                self._other = (compressed.removesuffix(_COMPRESSED), 'raw')
            images = CompressedImage, raw + _COMPRESSED
        else:
            self.image_topic, self._other = image, (compressed, 'compressed')
            images = Image, 'image'
        self.camera_info_topic = _camera_info_topic(node, self.image_topic)
        self._depth_topic = node.resolve_topic_name('depth')
        self._frame_ids = FrameIds()
        try:
            self._add(*images, self._on_image)
            self._add(CameraInfo, self.camera_info_topic, self._on_camera_info)
            if settings.use_depth:
                self.matched.depth = DepthImages()
                self._add(Image, 'depth', self._on_depth)
            if boxes is not None:
                self._add(boxes.message_type, boxes.name, self._on_boxes)
        except ConfigError:
            self.close()
            raise

    def close(self) -> None:
        """Destroy the subscriptions."""
        for subscription in self._subscriptions.values():
            subscription.close()
        self._subscriptions.clear()

    def fit(self) -> None:
        """Fit each subscription to the present publishers of its topic."""
        for subscription in self._subscriptions.values():
            subscription.fit()

    def change(self, settings: NodeSettings) -> None:
        """Read the last calibration again, with other settings."""
        self._rectified = settings.image_rectified
        if self._info is not None:
            self.matched.calibration = calibration_from_msg(self._info, rectified=self._rectified)

    def silence(self, for_s: float) -> str:
        """Return a text: no image for this time, and another topic that may have images."""
        text, (topic, transport) = f'no image on {self.image_topic} for {for_s:g} s', self._other
        if not self._node.count_publishers(topic):
            return text
        return f'{text}, but {topic} is published: try image_transport:={transport}'

    def misfits(self) -> dict[str, str]:
        """Return the publishers that do not fit, by topic."""
        return {f'qos {topic}': s.misfit for topic, s in self._subscriptions.items()}

    def frame_problems(self) -> dict[str, str]:
        """Return the frames that do not fit the image, by input."""
        return self._frame_ids.problems(self.camera_info_topic, self._depth_topic)

    def _on_image(self, msg: Image | CompressedImage, info: Mapping[str, Any]) -> None:
        stamp_ns, arrival_ns = stamp_from_msg(msg.header.stamp), time.monotonic_ns()
        self._statistics.count_arrival(stamp_ns, msg.header.frame_id)
        self._frame_ids.image = msg.header.frame_id
        self.matched.note_image(stamp_ns, arrival_ns)
        missed = self._gaps.missed(info)
        if self.slot is not None and self.enabled:
            self.slot.put(ArrivedImage(msg, stamp_ns, arrival_ns), missed)

    def _on_camera_info(self, msg: CameraInfo, _: Mapping[str, Any]) -> None:
        self._info = msg
        self._frame_ids.camera_info = msg.header.frame_id
        self.matched.calibration = calibration_from_msg(msg, rectified=self._rectified)

    def _on_depth(self, msg: Image, _: Mapping[str, Any]) -> None:
        self._frame_ids.depth = msg.header.frame_id
        if self.matched.depth is not None:
            stamp_ns = stamp_from_msg(msg.header.stamp)
            self.matched.depth.items.put(stamp_ns, msg, time.monotonic_ns())
            self._wake()

    def _on_boxes(self, msg: Any, _: Mapping[str, Any]) -> None:
        if self.matched.boxes is not None:
            stamp_ns = stamp_from_msg(msg.header.stamp) if hasattr(msg, 'header') else 0
            self.matched.boxes.put(stamp_ns, msg, time.monotonic_ns())
            self._wake()

    def _wake(self) -> None:
        if self.slot is not None:
            self.slot.wake()

    def _add(self, message_type: type, topic: str, callback: Callable) -> None:
        fitting = FittingSubscription(self._node, message_type, topic, callback)
        self._subscriptions[topic] = fitting


def _camera_info_topic(node: Node, image_topic: str) -> str:
    """The sibling of the resolved image topic, unless a rule was given for it."""
    resolved, namespace = node.resolve_topic_name('camera_info'), node.get_namespace()
    is_default = resolved == f'{namespace.rstrip("/")}/camera_info'
    if not is_default or is_remapped('camera_info', node.get_name(), namespace, sys.argv):
        return resolved
    image = image_topic.removesuffix(_COMPRESSED)
    return node.resolve_topic_name(f'{image.rpartition("/")[0]}/camera_info')
