"""The demo's film and pictures: everybody in the image, also without a visible joint."""

from pathlib import Path

import numpy as np
from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from pose_action_ros.demo.observed import ObservedFrame, TruePerson
from pose_action_ros.demo.observer import DemoObserver
from pose_action_ros.demo.report import DemoFilm, draw_frame, plot_poses
from pose_action_ros.msg import ActionLabel, Joint, Person, Pose3D

JOINTS = 17
NAN = float('nan')


def pose(u, v, track_id=0):
    """A pose whose joints lie in a block of 40 x 40 pixels; NaN for joints that are not seen."""
    joints = [
        Joint(name=str(i), u=u + 10.0 * (i % 5), v=v + 10.0 * (i // 5)) for i in range(JOINTS)
    ]
    for joint in joints:
        joint.from_root.x, joint.from_root.y, joint.from_root.z = joint.u / 100, joint.v / 100, 0.0
    return Pose3D(layout='pa17j', joints=joints, track_id=track_id, reference=1)


def action(label, confidence=0.9):
    return ActionLabel(
        label=label, labels=[label], scores=[1.0], confidence=confidence, valid=True
    )


def person(u, v, track_id, label='walk'):
    return Person(track_id=track_id, pose=pose(u, v, track_id), action=action(label))


def frame(people, actors=(), stamp_ns=0):
    image = np.full((240, 320, 3), 90, np.uint8)
    return ObservedFrame(stamp_ns, image, people, actors)


def is_drawn(drawn, u, v):
    return bool((drawn[v : v + 40, u : u + 50] != 90).any())


def test_everybody_is_drawn():
    drawn = draw_frame(frame((person(20.0, 120.0, 1), person(220.0, 120.0, 2))))
    assert is_drawn(drawn, 20, 120)
    assert is_drawn(drawn, 220, 120)
    assert not is_drawn(drawn, 120, 190)


def test_a_person_without_a_visible_joint_does_not_end_the_film():
    drawn = draw_frame(frame((person(NAN, NAN, 1),)))
    assert is_drawn(drawn, 8, 0)  # the label alone, in the corner


def test_labels_have_the_colour_of_the_nearest_actor():
    actors = (
        TruePerson(pose(220.0, 120.0, 0), action('wave')),
        TruePerson(pose(20.0, 120.0, 1), action('walk')),
    )
    people = (person(22.0, 120.0, 5, 'walk'), person(218.0, 120.0, 6, 'walk'))
    pairs = frame(people, actors).pairs()
    assert {(p.track_id, a.pose.track_id) for p, a in pairs} == {(5, 1), (6, 0)}
    red, green, blue = np.moveaxis(draw_frame(frame(people, actors)).astype(int), -1, 0)
    above = slice(60, 115)  # the rows of the labels
    right_label, wrong_label = green - np.maximum(red, blue), red - np.maximum(green, blue)
    assert right_label[above, :160].max() > 80
    assert wrong_label[above, :160].max() < 40
    assert wrong_label[above, 160:].max() > 80
    assert right_label[above, 160:].max() < 40


def test_the_picture_shows_as_many_people_as_possible(tmp_path):
    film = DemoFilm(tmp_path / 'a.mp4')
    film.add(frame((person(20.0, 120.0, 1), person(220.0, 120.0, 2)), stamp_ns=1))
    film.add(frame((person(20.0, 120.0, 1),), stamp_ns=2))
    assert film.best.stamp_ns == 1
    assert plot_poses(film.best, tmp_path / 'a.png')
    assert Path(tmp_path / 'a.png').stat().st_size > 0


def test_the_truth_of_two_actors_is_kept_side_by_side():
    store = {}
    keep = DemoObserver._keep(store)
    for track_id in (0, 1):
        keep(ActionLabel(header=Header(stamp=Time(sec=3)), track_id=track_id))
    assert set(store[3_000_000_000]) == {0, 1}
