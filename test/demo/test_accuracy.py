"""The demo's figures of accuracy, against numbers made by hand."""

import inspect

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from std_msgs.msg import Header

from pose_action_ros.core.predictions import ActionScores, PersonBox, PersonPrediction
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.data.simulated import SimulatedClips
from pose_action_ros.demo.accuracy import _SHARE, DemoAccuracy
from pose_action_ros.demo.observed import ObservedFrame, TruePerson
from pose_action_ros.geometry import Camera
from pose_action_ros.messages.action import action_to_msg
from pose_action_ros.messages.pose import SourceImage, pose_to_msg
from pose_action_ros.messages.stamp import stamp_to_msg
from pose_action_ros.msg import ActionLabel, Person
from pose_action_ros.ros.message_types import MAKE

CAMERA = Camera.from_field_of_view(640, 480, 60.0)
STEP_NS, CLIP_NS = 100_000_000, 1_000_000_000
JOINTS_M = np.float32([(0.1 * (i % 4), 0.1 * (i // 4), 3.0 + 0.02 * i) for i in range(17)])


def pose(joints_m, index, track_id=1):
    person = PersonPrediction(
        track_id=track_id,
        box=PersonBox(320, 240, 400),
        layout='pa17j',
        joints_image_px=CAMERA.project(joints_m).astype(np.float32),
        confidence=np.ones(17, np.float32),
        joints_camera_m=joints_m,
    )
    header = Header(stamp=stamp_to_msg(MAKE, index * STEP_NS))
    return pose_to_msg(MAKE, person, PA17J, SourceImage(header, (640, 480), 'test'))


def action(label, index, valid=True):
    stamp_ns = index * STEP_NS
    scores = np.float32([label == 'walk', label == 'wave'])
    start_ns = max(stamp_ns - CLIP_NS, 0)
    labels = ('walk', 'wave')
    said = ActionScores(labels, scores, start_ns, start_ns + CLIP_NS, 9, valid, int(scores[1]))
    return action_to_msg(MAKE, said, 1, Header(stamp=stamp_to_msg(MAKE, stamp_ns)), 'test')


def frame(index, people=(), actors=()):
    """A frame of (pose, action) of people and of actors; None for an action that is missing."""
    return ObservedFrame(
        index * STEP_NS,
        np.zeros((480, 640, 3), np.uint8),
        tuple(Person(track_id=7, pose=p, action=a or ActionLabel()) for p, a in people),
        tuple(TruePerson(p, a) for p, a in actors),
    )


def test_distance_and_pixels():
    accuracy = DemoAccuracy()
    for index in range(4):
        # Half a metre too far, and in the image two pixels to the right.
        seen = pose(JOINTS_M + np.float32([0, 0, 0.5]), index)
        for joint, true in zip(seen.joints, CAMERA.project(JOINTS_M), strict=True):
            joint.u, joint.v = float(true[0]) + 2.0, float(true[1])
        accuracy.add(frame(index, [(seen, None)], [(pose(JOINTS_M, index), None)]))
    found = accuracy.summary(CAMERA)
    assert found['poses_compared'] == 4
    assert (found['actors_missed'], found['false_people_per_image']) == (0.0, 0.0)
    assert found['pixel_error'] == pytest.approx(2.0, abs=1e-3)
    assert found['root_distance_error_mm'] == pytest.approx(500.0, abs=0.1)
    assert found['published_mpjpe_mm'] == pytest.approx(0.0, abs=0.1)
    # With the root's true distance each joint is off by 2 px at its depth, less the root's own.
    expected = 2e3 / CAMERA.fx * np.abs(JOINTS_M[:, 2] - JOINTS_M[0, 2]).mean()
    assert found['mpjpe_mm'] == pytest.approx(expected, abs=0.05)


def test_the_baseline_is_the_mean_pose():
    accuracy = DemoAccuracy()
    raised = JOINTS_M.copy()
    raised[5, 1] -= 0.34  # one joint of 17, 0.17 m from the mean of the two
    for index, true in enumerate((JOINTS_M, raised)):
        accuracy.add(frame(index, [(pose(JOINTS_M, index), None)], [(pose(true, index), None)]))
    assert accuracy.summary(CAMERA)['baseline_mpjpe_mm'] == pytest.approx(10.0, abs=0.01)


def test_labels_count_once_their_clip_lies_in_the_action():
    accuracy = DemoAccuracy()

    def add(index, shown, true, valid=True):
        place = pose(JOINTS_M, index)
        people, actors = (place, action(shown, index, valid)), (place, action(true, index))
        accuracy.add(frame(index, [people], [actors]))

    for index in range(10):  # the first action began before the film
        add(index, 'walk', 'walk')
    for index in range(10, 20):  # the label follows 0.4 s late; from 0.6 s on it counts
        add(index, 'walk' if index < 14 else 'wave', 'wave')
    add(20, 'walk', 'wave')
    add(21, 'walk', 'wave', valid=False)
    found = accuracy.summary(CAMERA)
    assert found['labels_compared'] == 10 + 5
    assert found['action_accuracy'] == pytest.approx(14 / 15)
    assert found['action_accuracy_all_frames'] == pytest.approx(16 / 21)
    assert found['baseline_accuracy'] == pytest.approx(10 / 15)
    assert found['label_delay_ms'] == pytest.approx(400.0)


def test_each_person_is_compared_with_the_nearest_actor():
    """Two actors side by side perform different actions; a third track shows nobody."""
    beside = JOINTS_M + np.float32([0.8, 0, 0])
    accuracy = DemoAccuracy()
    for index in range(3):
        actors = [
            (pose(JOINTS_M, index, track_id=0), action('walk', index)),
            (pose(beside, index, track_id=1), action('wave', index)),
        ]
        people = [
            (pose(JOINTS_M - np.float32([0.9, 0, 0]), index), action('walk', index)),
            (pose(beside, index), action('wave', index)),
            (pose(JOINTS_M, index), action('walk', index)),
        ]
        accuracy.add(frame(index, people, actors))
    accuracy.add(frame(3, people[1:2], actors))
    found = accuracy.summary(CAMERA)
    assert found['poses_compared'] == 3 * 2 + 1
    assert found['pixel_error'] == pytest.approx(0.0, abs=1e-3)
    assert found['action_accuracy'] == 1.0
    assert found['labels_compared'] == 3 * 2 + 1
    assert found['actors_missed'] == pytest.approx(1 / 8)
    assert found['false_people_per_image'] == pytest.approx(3 / 4)


def test_without_actors_nobody_is_false():
    accuracy = DemoAccuracy()
    accuracy.add(frame(0, [(pose(JOINTS_M, 0), None)]))
    assert accuracy.summary(CAMERA) is None


def test_the_share_is_that_of_the_test_set():
    share = inspect.signature(SimulatedClips).parameters['share'].default
    assert share == _SHARE


def test_nothing_compared_is_nothing_said():
    assert DemoAccuracy().summary(CAMERA) is None
