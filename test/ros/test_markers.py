"""Markers: what RViz is told to draw."""

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')
pytestmark = pytest.mark.ros

from geometry_msgs.msg import Point  # noqa: E402
from visualization_msgs.msg import Marker  # noqa: E402

from pose_action_ros.core.skeleton import PA17J  # noqa: E402
from pose_action_ros.msg import Joint, Pose3D  # noqa: E402
from pose_action_ros.ros.markers import MarkerBuilder, MarkerSettings  # noqa: E402

BUILDER = MarkerBuilder(PA17J, MarkerSettings(lifetime_s=1.5))


def pose(reference=Pose3D.REFERENCE_CAMERA, unseen=()):
    joints = [
        Joint(name=name, position=Point(x=float(i), y=0.5, z=np.nan if i in unseen else 3.0))
        for i, name in enumerate(PA17J.joint_names)
    ]
    msg = Pose3D(track_id=4, joints=joints, reference=reference)
    msg.header.frame_id = 'cam'
    return msg


def test_one_marker_each_for_joints_bones_and_label():
    joints, bones, label = BUILDER.build(pose(), 'walk 90%')
    assert [m.type for m in (joints, bones, label)] == [
        Marker.SPHERE_LIST,
        Marker.LINE_LIST,
        Marker.TEXT_VIEW_FACING,
    ]
    assert len(joints.points) == len(joints.colors) == 17
    assert len(bones.points) == len(bones.colors) == 2 * len(PA17J.links)
    assert label.text == 'walk 90%'
    for marker in (joints, bones, label):
        assert (marker.id, marker.action, marker.header.frame_id) == (4, Marker.ADD, 'cam')
        assert (marker.lifetime.sec, marker.lifetime.nanosec) == (1, 500_000_000)
        assert marker.pose.orientation.w == 1.0


def test_colours_stay_in_zero_to_one_and_sides_differ():
    joints, bones, label = BUILDER.build(pose(), '')
    for color in [*joints.colors, *bones.colors, label.color]:
        assert all(0.0 <= value <= 1.0 for value in (color.r, color.g, color.b, color.a))
    right, left = PA17J.index('right_wrist'), PA17J.index('left_wrist')
    assert joints.colors[right] != joints.colors[left]


def test_unseen_joints_and_their_bones_are_left_out():
    wrist = PA17J.index('right_wrist')
    joints, bones, _ = BUILDER.build(pose(unseen=(wrist,)), '')
    assert len(joints.points) == 16
    assert len(bones.points) == 2 * (len(PA17J.links) - 1)
    assert all(np.isfinite(point.z) for point in [*joints.points, *bones.points])


def test_nothing_seen_deletes():
    markers = BUILDER.build(pose(unseen=range(17)), '')
    assert {m.action for m in markers} == {Marker.DELETE}
    assert {m.ns for m in markers} == {'joints', 'bones', 'label'}


def test_root_relative_pose_is_drawn_ahead_and_says_so():
    joints, _, label = BUILDER.build(pose(Pose3D.REFERENCE_ROOT), 'wave')
    assert joints.points[0].z == 3.0 + MarkerSettings().root_distance_m
    assert 'root-relative' in label.text
