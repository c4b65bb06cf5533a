"""Results to messages and back."""

import math

import numpy as np
import pytest

from pose_action_ros.core.predictions import (
    ActionScores,
    PersonBox,
    PersonPrediction,
    ScaleSource,
)
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.geometry import Camera
from pose_action_ros.messages.action import action_to_msg
from pose_action_ros.messages.camera import calibration_from_msg, camera_to_msg
from pose_action_ros.messages.detections import box_from_region
from pose_action_ros.messages.pose import SourceImage, box_to_msg, pose_to_msg
from pose_action_ros.messages.stamp import duration_to_msg, stamp_from_msg, stamp_to_msg


@pytest.fixture
def source(header):
    return SourceImage(header, (640, 480), 'mpii')


@pytest.fixture
def kind(make):
    return make.type_of('pose_action_ros/Pose3D')


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
def test_stamps_survive_the_round_trip(make, stamp_ns):
    assert stamp_from_msg(stamp_to_msg(make, stamp_ns)) == stamp_ns


def test_durations_are_rounded_to_nanoseconds(make):
    duration = duration_to_msg(make, 1.25)
    assert (duration.sec, duration.nanosec) == (1, 250_000_000)


def test_scale_sources_are_the_message_constants(kind):
    assert ScaleSource.NONE == kind.SCALE_NONE
    assert ScaleSource.BODY == kind.SCALE_BODY
    assert ScaleSource.DEPTH == kind.SCALE_DEPTH


def test_image_only_pose_has_nan_positions(make, source, kind):
    msg = pose_to_msg(make, person(), PA17J, source)
    assert msg.reference == kind.REFERENCE_IMAGE
    assert all(math.isnan(joint.position.z) for joint in msg.joints)
    assert [joint.name for joint in msg.joints] == list(PA17J.joint_names)
    assert (msg.joints[2].u, msg.joints[2].v) == (4.0, 5.0)
    assert msg.header == source.header
    assert msg.confidence == pytest.approx(0.5)


def test_camera_frame_wins_over_root_relative(make, source, kind):
    root = np.zeros((17, 3), np.float32)
    camera = root + np.float32([0.5, 0.25, 3.0])
    relative = pose_to_msg(
        make, person(joints_root_m=root, scale_source=ScaleSource.BODY), PA17J, source
    )
    seen = person(joints_root_m=root, joints_camera_m=camera, scale_source=ScaleSource.DEPTH)
    metric = pose_to_msg(make, seen, PA17J, source)
    assert relative.reference == kind.REFERENCE_ROOT
    assert metric.reference == kind.REFERENCE_CAMERA
    assert (metric.joints[0].position.x, metric.joints[0].position.z) == (0.5, 3.0)
    assert metric.scale_source == kind.SCALE_DEPTH


def test_action_carries_all_scores_and_the_clip(make, header):
    action = ActionScores(
        labels=('sit', 'stand'),
        scores=np.float32([0.25, 0.75]),
        clip_start_ns=1_000_000_000,
        clip_end_ns=2_500_000_000,
        frames_used=16,
        valid=True,
        best=1,
    )
    msg = action_to_msg(make, action, 7, header, 'ntu')
    assert (msg.label, msg.confidence, msg.track_id, msg.frames_used) == ('stand', 0.75, 7, 16)
    assert list(msg.scores) == [0.25, 0.75]
    assert (msg.clip_end.sec, msg.clip_end.nanosec) == (2, 500_000_000)


def test_box_is_clipped_to_the_image(make):
    roi = box_to_msg(make, PersonBox(10, 240, 400), (640, 480))
    assert (roi.x_offset, roi.y_offset, roi.width, roi.height) == (0, 40, 210, 400)


def test_empty_roi_means_the_whole_image(make):
    assert box_from_region(make('sensor_msgs/RegionOfInterest')) is None
    box = box_from_region(
        make('sensor_msgs/RegionOfInterest', x_offset=10, y_offset=20, width=30, height=40)
    )
    assert box == PersonBox(25.0, 40.0, 40.0)


def test_camera_survives_the_round_trip(make, header):
    camera = Camera(
        600.0, 610.0, 315.0, 245.0, 640, 480, (0.1, -0.2, 0.001, 0.002, 0.05), 'plumb_bob'
    )
    assert calibration_from_msg(camera_to_msg(make, camera, header)).camera == camera
