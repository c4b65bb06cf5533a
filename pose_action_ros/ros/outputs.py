"""The node's publishers: poses, actions, markers and the debug image.

Where vision_msgs is installed the action is repeated in its common message, `classification`, and
the latched `label_info` names the class ids.

Built only for those who watch: a topic without a subscriber costs a count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from pose_action_ros.inference.annotate import annotate
from pose_action_ros.messages.action import (
    action_to_msg,
    classification_to_msg,
    label_info_to_msg,
)
from pose_action_ros.messages.image import image_to_msg
from pose_action_ros.messages.markers import MarkerBuilder, person_text
from pose_action_ros.messages.pose import SourceImage, pose_to_msg
from pose_action_ros.msg import ActionLabel, Pose3D
from pose_action_ros.ros.message_types import MAKE, find_vision_msgs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from rclpy.lifecycle import LifecycleNode, LifecyclePublisher
    from rclpy.publisher import Publisher
    from std_msgs.msg import Header
    from visualization_msgs.msg import Marker

    from pose_action_ros.core.predictions import FramePrediction, PersonPrediction
    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.messages.markers import MarkerSettings
    from pose_action_ros.ros.target_frame import TargetFrame

__all__ = ['Outputs']


class Outputs:
    """The node's publishers: there before the network is, whose results they need.

    Args:
        node: The node that owns them.
        target: The frame that poses and markers are wanted in; None: that of the image.
    """

    def __init__(self, node: LifecycleNode, target: TargetFrame | None) -> None:
        self._node = node
        self._target = target
        self._shown: dict[int, Header] = {}  # tracks that have markers in RViz
        self._poses = self._publisher(Pose3D, 'poses')
        self._actions = self._publisher(ActionLabel, 'actions')
        self._markers = self._publisher(MarkerArray, 'markers')
        self._debug_image = self._publisher(Image, '~/debug_image')
        self._publishers = [self._poses, self._actions, self._markers, self._debug_image]
        self._label_info: Publisher | None = None

    def describe(
        self, skeleton: Skeleton, model: str, labels: Sequence[str], markers: MarkerSettings
    ) -> None:
        """Get ready for the results of a network.

        Args:
            skeleton: Its joint layout.
            model: Its name, as it stands in the messages.
            labels: Its actions.
            markers: How a person is drawn.
        """
        self._skeleton, self._model = skeleton, model
        self.redraw(markers)
        vision_msgs = find_vision_msgs() if labels else None
        if vision_msgs is not None:
            self._classification = self._publisher(vision_msgs.Classification, 'classification')
            self._publishers.append(self._classification)
            # Latched before the node is active, so this one is no lifecycle publisher.
            self._label_info = self._node.create_publisher(
                vision_msgs.LabelInfo,
                'label_info',
                QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
            self._label_info.publish(label_info_to_msg(MAKE, labels))

    def _publisher(self, message_type: type, topic: str) -> LifecyclePublisher:
        return self._node.create_lifecycle_publisher(
            message_type,
            topic,
            QoSProfile(depth=10),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in self._publishers:
            self._node.destroy_lifecycle_publisher(publisher)
        if self._label_info is not None:
            self._node.destroy_publisher(self._label_info)

    def redraw(self, markers: MarkerSettings) -> None:
        """Draw markers anew from now on."""
        self._marker_builder = MarkerBuilder(MAKE, self._skeleton, markers)

    def watched(self) -> bool:
        """Tell whether anyone subscribes to any result."""
        return any(publisher.get_subscription_count() for publisher in self._publishers)

    def publish(
        self, header: Header, image_rgb: NDArray[np.uint8], prediction: FramePrediction
    ) -> None:
        """Publish one processed frame.

        Args:
            header: Of the image message.
            image_rgb: Its (H, W, 3) uint8 pixels.
            prediction: The results for the image.
        """
        height, width = image_rgb.shape[:2]
        source = SourceImage(header, (width, height), self._model)
        markers: list[Marker] = []
        with_markers = self._markers.get_subscription_count() > 0
        persons = prediction.persons
        transform = self._target.at(header) if self._target and persons else None
        for person in persons:
            pose = pose_to_msg(MAKE, person, self._skeleton, source)
            drawn = self._marker_builder.build(pose, person_text(person)) if with_markers else []
            if transform is not None and transform.move_pose(pose):
                transform.move_markers(drawn)
            self._poses.publish(pose)
            self._publish_action(person, header)
            if with_markers:
                markers += drawn
                self._shown[person.track_id] = header
        lost = [track for track in prediction.lost_tracks if track in self._shown]
        self._publish_markers(markers, lost, header)
        if self._debug_image.get_subscription_count():
            image = annotate(image_rgb, prediction)
            self._debug_image.publish(image_to_msg(MAKE, image[..., ::-1], header, 'bgr8'))

    def _publish_action(self, person: PersonPrediction, header: Header) -> None:
        if person.action is None:
            return
        label = action_to_msg(MAKE, person.action, person.track_id, header, self._model)
        self._actions.publish(label)
        is_watched = self._label_info and self._classification.get_subscription_count()
        if person.action.valid and is_watched:
            self._classification.publish(classification_to_msg(MAKE, person.action, header))

    def delete_markers(self) -> None:
        """Remove every person from RViz."""
        header = next(iter(self._shown.values()), None)
        if header is not None:
            self._publish_markers([], list(self._shown), header)

    def _publish_markers(self, markers: list[Marker], lost: list[int], header: Header) -> None:
        for track in lost:
            markers = markers + self._marker_builder.delete(header, track)
            self._shown.pop(track, None)
        if markers:
            self._markers.publish(MarkerArray(markers=markers))
