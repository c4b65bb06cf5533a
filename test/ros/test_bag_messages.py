"""A recording's messages are the node's: byte for byte the same from the same result."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')
pytest.importorskip('rosbags', reason='needs the extra `bag`')
pytestmark = pytest.mark.ros

from builtin_interfaces.msg import Time  # noqa: E402
from rclpy.serialization import serialize_message  # noqa: E402
from sensor_msgs.msg import CameraInfo, RegionOfInterest  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from visualization_msgs.msg import MarkerArray  # noqa: E402

from pose_action_ros.core.predictions import (  # noqa: E402
    ActionScores,
    PersonBox,
    PersonPrediction,
    ScaleSource,
)
from pose_action_ros.core.skeleton import get_skeleton  # noqa: E402
from pose_action_ros.geometry import read_calibration  # noqa: E402
from pose_action_ros.recordings.markers import (  # noqa: E402
    delete_markers,
    person_markers,
    person_text,
)
from pose_action_ros.recordings.message_types import (  # noqa: E402
    MessageFactory,
    SourceImage,
    action_message,
    load_types,
    pose_message,
)
from pose_action_ros.ros.conversions import (  # noqa: E402
    action_to_msg,
    pose_to_msg,
)
from pose_action_ros.ros.markers import MarkerBuilder, MarkerSettings  # noqa: E402
from pose_action_ros.ros.outputs import label_text  # noqa: E402

MAKE = MessageFactory(load_types())
HEADER = Header(stamp=Time(sec=17, nanosec=999_999_999), frame_id='head_optical')
SOURCE = SourceImage(
    MAKE(
        'std_msgs/Header',
        stamp=MAKE('builtin_interfaces/Time', sec=17, nanosec=999_999_999),
        frame_id='head_optical',
    ),
    (640, 480),
    'compact',
)


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


def assert_same(rosbags_message, ros_message):
    kind, store = rosbags_message.__msgtype__, MAKE.store
    # ROS leaves anything in the padding: read and written once more it is zero there too.
    read = store.deserialize_cdr(serialize_message(ros_message), kind)
    assert bytes(store.serialize_cdr(rosbags_message, kind)) == store.serialize_cdr(read, kind)


@pytest.mark.parametrize('seen', PERSONS.values(), ids=PERSONS)
def test_poses_actions_and_markers_are_the_same(seen):
    skeleton = get_skeleton(seen.layout)
    pose = pose_to_msg(seen, skeleton, HEADER, SOURCE.size, SOURCE.model)
    bag_pose = pose_message(MAKE, seen, skeleton, SOURCE)
    assert_same(bag_pose, pose)
    if seen.action is not None:
        label = action_to_msg(seen.action, seen.track_id, HEADER, SOURCE.model)
        assert_same(action_message(MAKE, seen.action, seen.track_id, SOURCE), label)
    builder = MarkerBuilder(skeleton, MarkerSettings())
    bag_markers = person_markers(MAKE, bag_pose, skeleton, person_text(seen))
    assert_same(
        MAKE('visualization_msgs/MarkerArray', markers=bag_markers),
        MarkerArray(markers=builder.build(pose, label_text(seen))),
    )
    assert_same(
        MAKE('visualization_msgs/MarkerArray', markers=delete_markers(MAKE, SOURCE.header, 7)),
        MarkerArray(markers=builder.delete(HEADER, 7)),
    )


@pytest.mark.parametrize('rectified', [False, True])
@pytest.mark.parametrize('focal', [0.0, 600.0])
def test_cameras_are_the_same(rectified, focal):
    info = CameraInfo(height=480, width=640, distortion_model='plumb_bob', header=HEADER)
    info.d = [0.1, -0.2, 0.001, 0.002, 0.05]
    info.k = [focal, 0.0, 315.0, 0.0, 610.0, 245.0, 0.0, 0.0, 1.0]
    info.p = [590.0, 0.0, 310.0, 0.0, 0.0, 595.0, 240.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    info.roi = RegionOfInterest(x_offset=10, y_offset=20, width=400, height=300)
    info.binning_x = info.binning_y = 2
    read = MAKE.store.deserialize_cdr(serialize_message(info), 'sensor_msgs/msg/CameraInfo')
    expected = read_calibration(info, rectified=rectified)
    assert read_calibration(read, rectified=rectified) == expected
    assert (expected.camera is None) == (focal == 0.0 and not rectified)
