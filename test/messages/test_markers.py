"""Markers: what RViz is told to draw."""

from dataclasses import replace

import numpy as np
import pytest

from pose_action_ros.core.predictions import ActionScores, PersonBox, PersonPrediction
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.messages.markers import MarkerBuilder, MarkerSettings, person_text


@pytest.fixture
def builder(make):
    return MarkerBuilder(make, PA17J, MarkerSettings(lifetime_s=1.5))


@pytest.fixture
def pose(make):
    def build(reference='REFERENCE_CAMERA', unseen=()):
        places = [(float(i), 0.5, np.nan if i in unseen else 3.0) for i in range(17)]
        joints = [
            make(
                'pose_action_ros/Joint',
                name=name,
                position=make('geometry_msgs/Point', x=x, y=y, z=z),
                from_root=make('geometry_msgs/Vector3', x=x, y=y, z=z - 1.0),
            )
            for name, (x, y, z) in zip(PA17J.joint_names, places, strict=True)
        ]
        return make(
            'pose_action_ros/Pose3D',
            header=make('std_msgs/Header', frame_id='cam'),
            track_id=4,
            joints=joints,
            reference=getattr(make.type_of('pose_action_ros/Pose3D'), reference),
        )

    return build


@pytest.fixture
def marker(make):
    return make.type_of('visualization_msgs/Marker')


def test_one_marker_each_for_joints_bones_and_label(builder, pose, marker):
    joints, bones, label = builder.build(pose(), 'walk 90%')
    assert [m.type for m in (joints, bones, label)] == [
        marker.SPHERE_LIST,
        marker.LINE_LIST,
        marker.TEXT_VIEW_FACING,
    ]
    assert len(joints.points) == len(joints.colors) == 17
    assert len(bones.points) == len(bones.colors) == 2 * len(PA17J.drawn_links)
    assert label.text == 'walk 90%'
    for drawn in (joints, bones, label):
        assert (drawn.id, drawn.action, drawn.header.frame_id) == (4, marker.ADD, 'cam')
        assert (drawn.lifetime.sec, drawn.lifetime.nanosec) == (1, 500_000_000)
        assert drawn.pose.orientation.w == 1.0


def test_colours_stay_in_zero_to_one_and_sides_differ(builder, pose, marker):
    joints, bones, label = builder.build(pose(), '')
    for color in [*joints.colors, *bones.colors, label.color]:
        assert all(0.0 <= value <= 1.0 for value in (color.r, color.g, color.b, color.a))
    right, left = PA17J.index('right_wrist'), PA17J.index('left_wrist')
    assert joints.colors[right] != joints.colors[left]


def test_unseen_joints_and_their_bones_are_left_out(builder, pose, marker):
    wrist = PA17J.index('right_wrist')
    joints, bones, _ = builder.build(pose(unseen=(wrist,)), '')
    assert len(joints.points) == 16
    assert len(bones.points) == 2 * (len(PA17J.drawn_links) - 1)
    assert all(np.isfinite(point.z) for point in [*joints.points, *bones.points])


def test_nothing_seen_deletes(builder, pose, marker):
    markers = builder.build(pose(unseen=range(17)), '')
    assert {m.action for m in markers} == {marker.DELETE}
    assert {m.ns for m in markers} == {'joints', 'bones', 'label'}


def test_root_relative_pose_is_drawn_ahead_and_says_so(builder, pose, marker):
    joints, _, label = builder.build(pose('REFERENCE_ROOT'), 'wave')
    assert joints.points[0].z == 2.0 + MarkerSettings().root_distance_m
    assert 'root-relative' in label.text


def test_the_label_is_above_the_head_or_above_the_topmost_joint(builder, pose):
    head, top = PA17J.index('head'), PA17J.index('right_wrist')
    seen = pose()
    seen.joints[top].position.y = -0.4  # y is down
    *_, label = builder.build(seen, 'wave')
    assert (label.pose.position.x, label.pose.position.y) == (float(head), pytest.approx(0.2))
    headless = pose(unseen=(head,))
    headless.joints[top].position.y = -0.4
    *_, label = builder.build(headless, 'wave')
    assert (label.pose.position.x, label.pose.position.y) == (float(top), pytest.approx(-0.7))


def test_markers_outlive_the_gaps_of_a_busy_machine():
    assert MarkerSettings().lifetime_s >= 1.5  # gaps of 1.3 s were seen


def test_the_label_is_what_people_read():
    action = ActionScores(('sit', 'wave'), np.float32([0.126, 0.874]), 0, 1, 8, True, 1)
    joints = np.zeros((17, 2), np.float32)
    person = PersonPrediction(7, PersonBox(1, 1, 1), 'pa17j', joints, joints[:, 0], action=action)
    assert person_text(person) == 'wave 87%'
    assert person_text(replace(person, action=replace(action, valid=False))) == '...'
    assert person_text(replace(person, action=None)) == 'person 7'
    held = replace(action, best=0)  # its rivals have not yet led for long enough
    assert person_text(replace(person, action=held)) == '...'
