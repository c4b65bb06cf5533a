"""Results to messages and back."""

import math

import numpy as np
import pytest

from pose_action_ros.core.predictions import (
    ActionScores,
    FramePrediction,
    PersonBox,
    PersonPrediction,
    ScaleSource,
)
from pose_action_ros.core.skeleton import COCO17J, PA17J
from pose_action_ros.geometry import Camera
from pose_action_ros.messages.action import action_to_msg
from pose_action_ros.messages.camera import calibration_from_msg, camera_to_msg
from pose_action_ros.messages.detections import box_from_region
from pose_action_ros.messages.markers import MarkerSettings
from pose_action_ros.messages.pose import SourceImage, box_to_msg, layout_to_msg, pose_to_msg
from pose_action_ros.messages.results import ResultBuilder
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
        'person_confidence': 0.25,
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


def rows(vectors):
    return np.array([(v.x, v.y, v.z) for v in vectors])


def placed(offset=(0.5, 0.25, 3.0), unseen=(4,), **changes):
    """A person in metres, some of whose joints are not seen."""
    relative = np.linspace(0.0, 1.0, 51).reshape(17, 3).astype(np.float32)
    relative -= relative[0]
    pixels = np.arange(34, dtype=np.float32).reshape(17, 2)
    for joints in (relative, pixels):
        joints[list(unseen)] = np.nan
    values = {
        'joints_image_px': pixels,
        'joints_root_m': relative,
        'joints_camera_m': relative + np.float32(offset),
        'root_m': np.array(offset),
        'root_covariance_m2': np.arange(9.0).reshape(3, 3),
        'velocity_m_per_s': np.array([0.1, -0.2, 0.3]),
        'scale_source': ScaleSource.DEPTH,
    }
    return person(**{**values, **changes})


def test_an_image_alone_has_no_metres(make, source, kind):
    msg = pose_to_msg(make, person(), PA17J, source)
    assert msg.reference == kind.REFERENCE_IMAGE
    for vectors in ([j.position for j in msg.joints], [j.from_root for j in msg.joints]):
        assert np.isnan(rows(vectors)).all()
    assert np.isnan(rows([msg.root, msg.velocity])).all()
    assert np.isnan(msg.root_covariance).all()
    assert len(msg.root_covariance) == 9
    assert [joint.name for joint in msg.joints] == list(PA17J.joint_names)
    assert (msg.joints[2].u, msg.joints[2].v) == (4.0, 5.0)
    assert msg.header == source.header
    assert msg.confidence == pytest.approx(0.25)


def test_a_root_relative_pose_has_no_places(make, source, kind):
    relative = placed(joints_camera_m=None, root_m=np.full(3, np.nan))
    msg = pose_to_msg(make, relative, PA17J, source)
    assert msg.reference == kind.REFERENCE_ROOT
    np.testing.assert_array_equal(rows(j.from_root for j in msg.joints), relative.joints_root_m)
    assert np.isnan(rows(j.position for j in msg.joints)).all()
    assert np.isnan(rows([msg.root])).all()


def test_a_placed_pose_has_everything(make, source, kind):
    seen = placed()
    msg = pose_to_msg(make, seen, PA17J, source)
    assert msg.reference == kind.REFERENCE_CAMERA
    np.testing.assert_array_equal(rows(j.position for j in msg.joints), seen.joints_camera_m)
    np.testing.assert_array_equal(rows(j.from_root for j in msg.joints), seen.joints_root_m)
    assert rows([msg.root, msg.velocity]).tolist() == [[0.5, 0.25, 3.0], [0.1, -0.2, 0.3]]
    assert list(msg.root_covariance) == list(range(9))  # row by row
    assert msg.scale_source == kind.SCALE_DEPTH


def test_a_joint_that_is_not_seen_keeps_its_confidence(make, source):
    joint = pose_to_msg(make, placed(), PA17J, source).joints[4]
    assert np.isnan(rows([joint.position, joint.from_root])).all()
    assert math.isnan(joint.u)
    assert joint.confidence == np.float32(0.25)


def action(**changes):
    values = {
        'labels': ('sit', 'stand'),
        'scores': np.float32([0.25, 0.75]),
        'clip_start_ns': 1_000_000_000,
        'clip_end_ns': 2_500_000_000,
        'frames_used': 16,
        'valid': True,
        'best': 1,
    }
    return ActionScores(**{**values, **changes})


def test_action_carries_all_scores_and_the_clip(make, header):
    msg = action_to_msg(make, action(), 7, header, 'ntu')
    assert (msg.label, msg.confidence, msg.track_id, msg.frames_used) == ('stand', 0.75, 7, 16)
    assert list(msg.scores) == [0.25, 0.75]
    assert (msg.clip_end.sec, msg.clip_end.nanosec) == (2, 500_000_000)


def test_an_action_is_silent_until_it_is_valid(make, header):
    msg = action_to_msg(make, action(valid=False), 7, header, 'ntu')
    assert (msg.valid, msg.label, msg.confidence) == (False, '', 0.0)
    assert list(msg.scores) == [0.25, 0.75]
    assert list(msg.labels) == ['sit', 'stand']


def test_a_layout_names_joints_and_bones(make):
    msg = layout_to_msg(make, PA17J)
    assert (msg.name, msg.root) == ('pa17j', 0)
    assert msg.joint_names == list(PA17J.joint_names)
    bones = zip(msg.bone_from, msg.bone_to, strict=True)
    names = {(msg.joint_names[start], msg.joint_names[end]) for start, end in bones}
    assert ('left_elbow', 'left_wrist') in names
    assert ('pelvis', 'left_hip') in names
    assert layout_to_msg(make, COCO17J).root == -1


class TestPeople:
    @pytest.fixture
    def build(self, make, source):
        builder = ResultBuilder(make, PA17J, MarkerSettings())
        return lambda *args, **options: builder.build(
            FramePrediction(0, *args, clip_frames=16), source, **options
        )

    def test_nobody_is_a_message_too(self, build, header):
        messages = build()
        assert (messages.people.header, messages.people.model) == (header, 'mpii')
        assert (messages.people.people, list(messages.people.ended_tracks)) == ([], [])
        assert messages.people.clip_frames == 16
        assert messages.poses == messages.actions == messages.markers == []

    def test_everybody_with_pose_and_action(self, build, make, source):
        seen = (placed(action=action()), placed(track_id=5, action=action(valid=False)))
        messages = build(seen)
        first, second = messages.people.people
        assert [p.track_id for p in (first, second)] == [3, 5]
        assert [p.pose.track_id for p in (first, second)] == [3, 5]
        assert [p.action.label for p in (first, second)] == ['stand', '']
        assert first.confidence == first.pose.confidence == pytest.approx(0.25)
        assert messages.poses == [first.pose, second.pose]
        assert messages.actions == [first.action, second.action]

    def test_without_actions_there_are_none(self, build):
        messages = build((placed(),))
        assert messages.actions == []
        (only,) = messages.people.people
        assert (only.action.track_id, only.action.label, only.action.valid) == (3, '', False)

    def test_who_has_gone_is_told_and_not_drawn(self, build, make):
        kind = make.type_of('visualization_msgs/Marker')
        build((placed(), placed(track_id=5)))
        gone = build((placed(track_id=5),), (3, 4))
        assert list(gone.people.ended_tracks) == [3, 4]
        deleted = {m.id for m in gone.markers if m.action == kind.DELETE}
        assert deleted == {3}  # the other was never drawn
        assert build((), (5,), with_markers=False).markers  # also when nobody draws any more


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


def test_somebody_who_waits_stays_in_people_as_they_were_seen_last(make, header):
    builder = ResultBuilder(make, PA17J, MarkerSettings())
    ana, ben = person(track_id=1), person(track_id=2)
    results = []
    for stamp_ns, persons, waiting in ((1, (ana, ben), ()), (2, (ana,), (ben,)), (3, (ana,), ())):
        stamped = make('std_msgs/Header', frame_id='camera', stamp=stamp_to_msg(make, stamp_ns))
        prediction = FramePrediction(stamp_ns, persons, waiting=waiting)
        results.append(builder.build(prediction, SourceImage(stamped, (640, 480), 'mpii')))
    first, second, third = results
    stamps = [
        {p.track_id: stamp_from_msg(p.pose.header.stamp) for p in result.people.people}
        for result in results
    ]
    assert stamps == [{1: 1, 2: 1}, {1: 2, 2: 1}, {1: 3}]
    assert [len(result.poses) for result in (first, second, third)] == [2, 1, 1]
