"""The node's publishers: people, poses, actions, markers and the debug image.

The latched `~/skeleton` names the joints. If vision_msgs is installed, the action of the only
tracked person is also published as `classification`, and the latched `label_info` names its class
ids. Messages are built only while there are subscribers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.inference.annotate import annotate
from pose_action_ros.messages.action import (
    classification_to_msg,
    label_info_to_msg,
    only_action,
)
from pose_action_ros.messages.frames import person_frame_to_msg
from pose_action_ros.messages.image import image_to_msg
from pose_action_ros.messages.pose import SourceImage, layout_to_msg
from pose_action_ros.messages.results import ResultBuilder
from pose_action_ros.msg import ActionLabel, PersonArray, Pose3D
from pose_action_ros.ros.message_types import MAKE, find_vision_msgs
from pose_action_ros.ros.topic_errors import naming_topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from rclpy.lifecycle import LifecycleNode, LifecyclePublisher
    from rclpy.publisher import Publisher
    from std_msgs.msg import Header
    from visualization_msgs.msg import Marker

    from pose_action_ros.core.predictions import FramePrediction
    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.messages.markers import MarkerSettings
    from pose_action_ros.ros.person_frames import PersonFrames
    from pose_action_ros.ros.target_frame import TargetFrame

__all__ = ['Outputs']


class Outputs:
    """The node's publishers. They exist before the network is loaded.

    Args:
        node: The node that owns them.
        target: The frame of the results; None: that of the image.
        frames: Publishes people on /tf; None: they are not published there.

    Raises:
        ConfigError: A topic is refused; then there is no publisher.
    """

    def __init__(
        self, node: LifecycleNode, target: TargetFrame | None, frames: PersonFrames | None
    ) -> None:
        self._node = node
        self._target = target
        self._frames = frames
        self._publishers: list[LifecyclePublisher] = []
        self._latched: list[Publisher] = []
        try:
            self._people = self._publisher(PersonArray, 'people')
            self._poses = self._publisher(Pose3D, 'poses')
            self._actions = self._publisher(ActionLabel, 'actions')
            self._markers = self._publisher(MarkerArray, 'markers')
            self._debug_image = self._publisher(Image, '~/debug_image')
        except ConfigError:
            self.close()
            raise
        self._classification: LifecyclePublisher | None = None

    def describe(
        self, skeleton: Skeleton, model: str, labels: Sequence[str], markers: MarkerSettings
    ) -> None:
        """Prepare for the results of a network.

        Args:
            skeleton: Its joint layout.
            model: Its name in the messages.
            labels: Its actions.
            markers: Style of the markers.
        """
        self._skeleton, self._model = skeleton, model
        self._results = ResultBuilder(MAKE, skeleton, markers)
        self._latched.append(self._latch('~/skeleton', layout_to_msg(MAKE, skeleton)))
        vision_msgs = find_vision_msgs() if labels else None
        if vision_msgs is not None:
            self._classification = self._publisher(vision_msgs.Classification, 'classification')
            self._latched.append(self._latch('label_info', label_info_to_msg(MAKE, labels)))

    def _publisher(self, message_type: type, topic: str) -> LifecyclePublisher:
        with naming_topic(self._node, topic, 'publisher'):
            publisher = self._node.create_lifecycle_publisher(
                message_type,
                topic,
                QoSProfile(depth=10),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
        self._publishers.append(publisher)
        return publisher

    def _latch(self, topic: str, message: Any) -> Publisher:
        """Publish a latched message, by a plain publisher: the node is not active yet."""
        with naming_topic(self._node, topic, 'publisher'):
            publisher = self._node.create_publisher(
                type(message),
                topic,
                QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
        publisher.publish(message)
        return publisher

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in self._publishers:
            self._node.destroy_lifecycle_publisher(publisher)
        for latched in self._latched:
            self._node.destroy_publisher(latched)

    def redraw(self, markers: MarkerSettings) -> None:
        """Change the style of the markers."""
        self._results.redraw(markers)

    def watched(self) -> bool:
        """Tell whether a result has a subscriber, or people are published on /tf."""
        subscribed = any(publisher.get_subscription_count() for publisher in self._publishers)
        return subscribed or self._frames is not None

    def publish(
        self, header: Header, image_rgb: NDArray[np.uint8], prediction: FramePrediction
    ) -> None:
        """Publish one processed frame.

        Args:
            header: Header of the image message.
            image_rgb: Its (H, W, 3) uint8 pixels.
            prediction: The results for the image.
        """
        height, width = image_rgb.shape[:2]
        messages = self._results.build(
            prediction,
            SourceImage(header, (width, height), self._model),
            self._target.at(header) if self._target else None,
            with_markers=self._markers.get_subscription_count() > 0,
        )
        for pose in messages.poses:
            self._poses.publish(pose)
        for action in messages.actions:
            self._actions.publish(action)
        self._publish_frames(messages.poses)
        self._people.publish(messages.people)
        self._publish_classification(prediction, header)
        self._publish_markers(messages.markers)
        if self._debug_image.get_subscription_count():
            image = annotate(image_rgb, prediction)
            self._debug_image.publish(image_to_msg(MAKE, image[..., ::-1], header, 'bgr8'))

    def delete_markers(self) -> None:
        """Remove every person from RViz."""
        self._publish_markers(self._results.delete_all())

    def _publish_frames(self, poses: Sequence[Pose3D]) -> None:
        if self._frames is not None:
            found = (person_frame_to_msg(MAKE, pose, self._skeleton) for pose in poses)
            self._frames.send([frame for frame in found if frame is not None])

    def _publish_classification(self, prediction: FramePrediction, header: Header) -> None:
        publisher, action = self._classification, only_action(prediction)
        if action is not None and publisher is not None and publisher.get_subscription_count():
            publisher.publish(classification_to_msg(MAKE, action, header))

    def _publish_markers(self, markers: list[Marker]) -> None:
        if markers:
            self._markers.publish(MarkerArray(markers=markers))
