"""Results to messages and back."""

import math

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')
pytestmark = pytest.mark.ros

from sensor_msgs.msg import RegionOfInterest  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from pose_action_ros.core.predictions import (  # noqa: E402
    ActionScores,
    PersonBox,
    PersonPrediction,
    ScaleSource,
)
from pose_action_ros.core.skeleton import PA17J  # noqa: E402
from pose_action_ros.geometry import Camera, read_calibration  # noqa: E402
from pose_action_ros.msg import Pose3D  # noqa: E402
from pose_action_ros.ros import conversions  # noqa: E402

HEADER = Header(stamp=conversions.stamp_to_msg(12_345_678_901), frame_id='left_optical')


def person(**changes):
    joints = np.arange(34, dtype=np.float32).reshape(17, 2)
    values = {
        'track_id': 3,
        'box': PersonBox(320, 240, 400),
        'layout': 'pa17j',
        'joints_image_px': joints,
        'confidence': np.linspace(0, 1, 17, dtype=np.float32),
    }
    return PersonPrediction(**{**values, **changes})


@pytest.mark.parametrize('stamp_ns', [0, 1, 999_999_999, 1_000_000_000, 1_700_000_000_123_456_789])
def test_stamps_survive_the_round_trip(stamp_ns):
    assert conversions.stamp_from_msg(conversions.stamp_to_msg(stamp_ns)) == stamp_ns


def test_scale_sources_are_the_message_constants():
    assert ScaleSource.NONE == Pose3D.SCALE_NONE
    assert ScaleSource.BODY == Pose3D.SCALE_BODY
    assert ScaleSource.DEPTH == Pose3D.SCALE_DEPTH


def test_image_only_pose_has_nan_positions():
    msg = conversions.pose_to_msg(person(), PA17J, HEADER, (640, 480), 'mpii')
    assert msg.reference == Pose3D.REFERENCE_IMAGE
    assert all(math.isnan(joint.position.z) for joint in msg.joints)
    assert [joint.name for joint in msg.joints] == list(PA17J.joint_names)
    assert (msg.joints[2].u, msg.joints[2].v) == (4.0, 5.0)
    assert msg.header == HEADER
    assert msg.confidence == pytest.approx(0.5)


def test_camera_frame_wins_over_root_relative():
    root = np.zeros((17, 3), np.float32)
    camera = root + np.float32([0.5, 0.25, 3.0])
    relative = conversions.pose_to_msg(
        person(joints_root_m=root, scale_source=ScaleSource.BODY), PA17J, HEADER, (640, 480), 'm'
    )
    metric = conversions.pose_to_msg(
        person(joints_root_m=root, joints_camera_m=camera, scale_source=ScaleSource.DEPTH),
        PA17J, HEADER, (640, 480), 'm',
    )  # fmt: skip
    assert relative.reference == Pose3D.REFERENCE_ROOT
    assert metric.reference == Pose3D.REFERENCE_CAMERA
    assert (metric.joints[0].position.x, metric.joints[0].position.z) == (0.5, 3.0)
    assert metric.scale_source == Pose3D.SCALE_DEPTH


def test_action_carries_all_scores_and_the_clip():
    action = ActionScores(
        labels=('sit', 'stand'),
        scores=np.float32([0.25, 0.75]),
        clip_start_ns=1_000_000_000,
        clip_end_ns=2_500_000_000,
        frames_used=16,
        valid=True,
        best=1,
    )
    msg = conversions.action_to_msg(action, 7, HEADER, 'ntu')
    assert (msg.label, msg.confidence, msg.track_id, msg.frames_used) == ('stand', 0.75, 7, 16)
    assert list(msg.scores) == [0.25, 0.75]
    assert (msg.clip_end.sec, msg.clip_end.nanosec) == (2, 500_000_000)


def test_box_is_clipped_to_the_image():
    roi = conversions.box_to_msg(PersonBox(10, 240, 400), (640, 480))
    assert (roi.x_offset, roi.y_offset, roi.width, roi.height) == (0, 40, 210, 400)


def test_empty_roi_means_the_whole_image():
    assert conversions.box_from_msg(RegionOfInterest()) is None
    box = conversions.box_from_msg(RegionOfInterest(x_offset=10, y_offset=20, width=30, height=40))
    assert box == PersonBox(25.0, 40.0, 40.0)


def test_camera_survives_the_round_trip():
    camera = Camera(
        600.0, 610.0, 315.0, 245.0, 640, 480, (0.1, -0.2, 0.001, 0.002, 0.05), 'plumb_bob'
    )
    assert read_calibration(conversions.camera_to_msg(camera, HEADER)).camera == camera
