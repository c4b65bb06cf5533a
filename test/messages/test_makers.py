"""Both makers fill messages alike: byte for byte the same from the same result."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')
pytest.importorskip('rosbags', reason='needs the extra `bag`')

from rclpy.serialization import serialize_message

from pose_action_ros.core.predictions import (
    ActionScores,
    FramePrediction,
    PersonBox,
    PersonPrediction,
    ScaleSource,
)
from pose_action_ros.core.skeleton import PA17J, SKELETONS, get_skeleton
from pose_action_ros.geometry import Camera
from pose_action_ros.messages.camera import calibration_from_msg, camera_to_msg
from pose_action_ros.messages.frames import person_frame_to_msg
from pose_action_ros.messages.image import image_to_msg
from pose_action_ros.messages.markers import MarkerSettings
from pose_action_ros.messages.pose import SourceImage, layout_to_msg
from pose_action_ros.messages.results import ResultBuilder
from pose_action_ros.recordings.message_types import RecordedMessageMaker, load_types
from pose_action_ros.ros.message_types import MAKE

pytestmark = pytest.mark.ros
RECORDED = RecordedMessageMaker(load_types())


def header(make):
    stamp = make('builtin_interfaces/Time', sec=17, nanosec=999_999_999)
    return make('std_msgs/Header', stamp=stamp, frame_id='head_optical')


def person(layout='pa17j', unseen=(), root=False, camera=False, action=True):
    rng = np.random.default_rng(5)
    count = len(get_skeleton(layout).joint_names)
    joints = rng.normal(0, 1, (count, 3)).astype(np.float32)
    joints[list(unseen)] = np.nan
    scores = ActionScores(
        labels=('sit', 'stand', 'wave'),
        scores=np.float32([0.2, 0.5, 0.3]),
        clip_start_ns=1_000_000_001,
        clip_end_ns=2_500_000_000,
        frames_used=16,
        valid=True,
        best=2,
    )
    return PersonPrediction(
        track_id=7,
        box=PersonBox(30.4, 240.6, 401.3),
        layout=layout,
        joints_image_px=joints[:, :2] * 100 + 200,
        confidence=rng.uniform(0, 1, count).astype(np.float32),
        joints_root_m=joints if root else None,
        joints_camera_m=joints + np.float32([0, 0, 3]) if camera else None,
        root_m=rng.normal(0, 1, 3) if camera else np.full(3, np.nan),
        root_covariance_m2=rng.normal(0, 1, (3, 3)) if camera else np.full((3, 3), np.nan),
        velocity_m_per_s=rng.normal(0, 1, 3) if camera else np.full(3, np.nan),
        scale_source=ScaleSource.BODY if root else ScaleSource.NONE,
        action=scores if action else None,
    )


PERSONS = {
    'image only': person(),
    'root-relative': person(root=True, unseen=[3]),
    'camera': person(root=True, camera=True, unseen=[5, 16]),
    'head unseen': person(root=True, camera=True, unseen=range(2, 17)),
    'another layout': person('pa16j', root=True, action=False),
    'clip not full': replace(
        person(camera=True), action=replace(person().action, valid=False, best=0)
    ),
}


def assert_same(build):
    """`build` makes a message with each maker."""
    recorded, live = build(RECORDED), build(MAKE)
    kind, store = recorded.__msgtype__, RECORDED.store
    # ROS leaves anything in the padding: read and written once more it is zero there too.
    read = store.deserialize_cdr(serialize_message(live), kind)
    assert bytes(store.serialize_cdr(recorded, kind)) == store.serialize_cdr(read, kind)


@pytest.mark.parametrize('seen', PERSONS.values(), ids=PERSONS)
def test_poses_actions_and_markers(seen):
    skeleton = get_skeleton(seen.layout)

    def results(make):
        source = SourceImage(header(make), (640, 480), 'compact')
        prediction = FramePrediction(0, (seen,), (4, 9), clip_frames=16)
        return ResultBuilder(make, skeleton, MarkerSettings()).build(prediction, source)

    assert_same(lambda make: results(make).people)
    assert_same(lambda make: results(make).poses[0])
    assert_same(lambda make: make('visualization_msgs/MarkerArray', markers=results(make).markers))
    if seen.action is not None:
        assert_same(lambda make: results(make).actions[0])
    if seen.joints_camera_m is not None:
        assert_same(lambda make: person_frame_to_msg(make, results(make).poses[0], skeleton))


def test_nobody():
    def people(make):
        builder = ResultBuilder(make, PA17J, MarkerSettings())
        source = SourceImage(header(make), (640, 480), 'compact')
        return builder.build(FramePrediction(0), source).people

    assert_same(people)


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)
def test_layouts(skeleton):
    assert_same(lambda make: layout_to_msg(make, skeleton))


def test_images():
    rgb = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    assert_same(lambda make: image_to_msg(make, rgb, header(make), 'rgb8'))


@pytest.mark.parametrize('rectified', [False, True])
@pytest.mark.parametrize('focal', [0.0, 600.0])
def test_cameras_are_read_the_same(rectified, focal):
    camera = Camera(
        600.0, 610.0, 315.0, 245.0, 640, 480, (0.1, -0.2, 0.001, 0.002, 0.05), 'plumb_bob'
    )
    assert_same(lambda make: camera_to_msg(make, camera, header(make)))
    fields = {
        'height': 480,
        'width': 640,
        'distortion_model': 'plumb_bob',
        'd': [0.1, -0.2, 0.001, 0.002, 0.05],
        'k': [focal, 0.0, 315.0, 0.0, 610.0, 245.0, 0.0, 0.0, 1.0],
        'p': [590.0, 0.0, 310.0, 0.0, 0.0, 595.0, 240.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        'binning_x': 2,
        'binning_y': 2,
    }
    roi = {'x_offset': 10, 'y_offset': 20, 'width': 400, 'height': 300}
    live, recorded = (
        calibration_from_msg(
            make(
                'sensor_msgs/CameraInfo', **fields, roi=make('sensor_msgs/RegionOfInterest', **roi)
            ),
            rectified=rectified,
        )
        for make in (MAKE, RECORDED)
    )
    assert live == recorded
    assert (live.camera is None) == (focal == 0.0 and not rectified)
