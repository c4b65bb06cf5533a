"""The demo's camera: publishes `image`, `camera_info` and, on demand, `image/compressed`.

For simulated actors it also publishes the truth: `~/truth/poses` and `~/truth/actions`, with one
message for each actor in the image and with its stamp. If tf2_msgs is installed, a transform on
`/tf_static` places the camera in `world`. A robot uses its camera's own driver.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from pose_action_ros.core.actions import SIMULATED_ACTIONS
from pose_action_ros.core.errors import PoseActionError
from pose_action_ros.core.predictions import (
    ActionScores,
    PersonBox,
    PersonPrediction,
    ScaleSource,
)
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.demo.camera_settings import CameraSettings
from pose_action_ros.demo.camera_sources import Shot, TrueActor, open_source
from pose_action_ros.messages.action import action_to_msg
from pose_action_ros.messages.camera import camera_to_msg
from pose_action_ros.messages.frames import transform_to_msg
from pose_action_ros.messages.image import image_to_msg
from pose_action_ros.messages.pose import SourceImage, pose_to_msg
from pose_action_ros.messages.stamp import stamp_from_msg, stamp_to_msg
from pose_action_ros.msg import ActionLabel, Pose3D
from pose_action_ros.ros.message_types import MAKE, find_messages
from pose_action_ros.ros.parameters import declare_settings, read_settings
from pose_action_ros.ros.stopping import run_node
from pose_action_ros.ros.topic_errors import naming_topic

__all__ = ['CameraNode', 'main']

_JPEG_QUALITY = 90
_TRUTH = 'truth'


class CameraNode(Node):
    """Films a source in real time.

    Raises:
        PoseActionError: The source does not open, or a parameter is out of range.
    """

    def __init__(self) -> None:
        super().__init__('camera')
        declare_settings(self, CameraSettings())
        self._settings = read_settings(self, CameraSettings)
        self._source = open_source(self._settings)
        self._image = self._publisher(Image, 'image')
        self._compressed = self._publisher(CompressedImage, 'image/compressed')
        self._info = self._publisher(CameraInfo, 'camera_info')
        self._truth_poses = self._publisher(Pose3D, '~/truth/poses')
        self._truth_actions = self._publisher(ActionLabel, '~/truth/actions')
        self._place()
        self._start = self.get_clock().now()
        self._ready: tuple[int, Shot] | None = None  # made ahead, sent at its moment
        self._timer = self.create_timer(0.1 / self._source.rate_hz, self._on_timer)
        self.get_logger().info(
            f'filming {self._settings.source} at {self._source.rate_hz:g} images per second'
        )

    def _place(self) -> None:
        """Publish the place of the camera once; tf2 keeps it for late subscribers."""
        tf2_msgs = find_messages('tf2_msgs')
        if tf2_msgs is None or not self._settings.world_frame_id:
            return
        self._tf_static = self.create_publisher(
            tf2_msgs.TFMessage,
            '/tf_static',
            QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL),
        )
        header = Header(
            stamp=self.get_clock().now().to_msg(), frame_id=self._settings.world_frame_id
        )
        transform = transform_to_msg(MAKE, header, self._settings.frame_id, self._source.placement)
        self._tf_static.publish(tf2_msgs.TFMessage(transforms=[transform]))

    def _publisher(self, message_type: type, topic: str) -> rclpy.publisher.Publisher:
        with naming_topic(self, topic, 'publisher'):
            return self.create_publisher(
                message_type,
                topic,
                QoSProfile(depth=5),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )

    def _on_timer(self) -> None:
        elapsed_s = (self.get_clock().now() - self._start).nanoseconds * 1e-9
        rate_hz = self._source.rate_hz
        if self._ready is None:
            self._make_ready(int(elapsed_s * rate_hz) + 1)
            return
        number, shot = self._ready
        if elapsed_s < number / rate_hz:
            return
        stamp_ns = self._start.nanoseconds + round(number / rate_hz * 1e9)
        self._publish(
            shot, Header(stamp=stamp_to_msg(MAKE, stamp_ns), frame_id=self._settings.frame_id)
        )
        # A machine that can't keep up skips moments of the film; it never sends them late.
        self._make_ready(max(number, int(elapsed_s * rate_hz)) + 1)

    def _make_ready(self, number: int) -> None:
        self._ready = None
        try:
            shot = self._source.shoot(number / self._source.rate_hz)
        except PoseActionError as error:
            self.get_logger().error(str(error), throttle_duration_sec=1.0)
            return
        if shot is None:
            self.get_logger().info('the film has ended')
            self._timer.cancel()
            return
        self._ready = number, shot

    def _publish(self, shot: Shot, header: Header) -> None:
        height, width = shot.image_rgb.shape[:2]
        if self._source.camera is not None:
            self._info.publish(camera_to_msg(MAKE, self._source.camera, header))
        else:
            self._info.publish(CameraInfo(header=header, width=width, height=height))
        for actor in shot.actors:
            pose, action = truth_to_msgs(actor, (width, height), header)
            self._truth_poses.publish(pose)
            self._truth_actions.publish(action)
        self._image.publish(image_to_msg(MAKE, shot.image_rgb, header, 'rgb8'))
        if self._compressed.get_subscription_count():
            bgr = cv2.cvtColor(shot.image_rgb, cv2.COLOR_RGB2BGR)
            _, data = cv2.imencode('.jpg', bgr, (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY))
            self._compressed.publish(
                CompressedImage(
                    header=header, format='rgb8; jpeg compressed bgr8', data=data.tobytes()
                )
            )


def truth_to_msgs(
    actor: TrueActor, size: tuple[int, int], header: Header
) -> tuple[Pose3D, ActionLabel]:
    """Return the true pose and action of a simulated actor, in the node's message types.

    Args:
        actor: The truth.
        size: Width and height of the image.
        header: That of the image.
    """
    width, height = size
    person = PersonPrediction(
        track_id=actor.number,
        box=PersonBox(width / 2, height / 2, float(max(width, height))),
        layout=PA17J.name,
        joints_image_px=actor.joints_image_px,
        confidence=actor.visible.astype(np.float32),
        person_confidence=float(actor.visible.any()),
        joints_root_m=actor.joints_camera_m - actor.joints_camera_m[0],
        joints_camera_m=actor.joints_camera_m,
        scale_source=ScaleSource.DEPTH,
        root_m=actor.joints_camera_m[0].astype(np.float64),
        root_covariance_m2=np.zeros((3, 3)),
    )
    stamp_ns = stamp_from_msg(header.stamp)
    action = ActionScores(
        labels=SIMULATED_ACTIONS,
        scores=np.array([name == actor.action for name in SIMULATED_ACTIONS], np.float32),
        clip_start_ns=stamp_ns,
        clip_end_ns=stamp_ns,
        frames_used=1,
        valid=True,
        best=SIMULATED_ACTIONS.index(actor.action),
    )
    return (
        pose_to_msg(MAKE, person, PA17J, SourceImage(header, size, _TRUTH)),
        action_to_msg(MAKE, action, actor.number, header, _TRUTH),
    )


def main() -> int:
    """Run the camera until it is told to stop; 1 if the source does not open or fails."""
    return run_node(CameraNode, 'camera')


if __name__ == '__main__':
    sys.exit(main())
