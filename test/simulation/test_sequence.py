from itertools import pairwise

import numpy as np
import pytest

from pose_action_ros.core.actions import SIMULATED_ACTIONS
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.simulation.body import Proportions
from pose_action_ros.simulation.figure import dress
from pose_action_ros.simulation.motions import ENDS_APART
from pose_action_ros.simulation.sequence import Sequence, round_of_actions


def perform(seed, **more):
    rng = np.random.default_rng(seed)
    body = Proportions.sample(rng)
    figure = dress(body, rng)
    return Sequence(rng, body, figure, **more), figure


def test_a_round_has_all_actions_and_gets_up_again():
    for seed in range(20):
        labels = round_of_actions(np.random.default_rng(seed))
        assert set(labels) == set(SIMULATED_ACTIONS)
        assert len(labels) == 16
        for before, after in zip(labels, [*labels[1:], None], strict=True):
            assert (after == 'stand up') == (before in ENDS_APART)


def test_segments_follow_each_other_without_gap():
    sequence, _ = perform(0)
    segments = [sequence.segment(i) for i in range(40)]
    for before, after in pairwise(segments):
        assert after.start_s == before.end_s
        assert sequence.segment_at(after.start_s) is after
        assert sequence.segment_at(np.nextafter(after.start_s, 0)) is before
        assert 1.2 <= before.duration_s <= 3.1


@pytest.mark.parametrize('seed', range(3))
def test_nothing_jumps(seed):
    sequence, _ = perform(seed)
    times = np.arange(0, 45, 0.01)
    joints = sequence.at(times).joints_world_m
    speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1).max(1) / 0.01
    assert speed.max() < 16, f'{speed.max()} m/s at {times[speed.argmax()]} s'


def test_the_actor_stands_on_the_ground_and_stays_near():
    sequence, figure = perform(5, roam_m=0.7)
    times = np.arange(0, 60, 0.05)
    moment = sequence.at(times)
    lowest = figure.lowest(moment.body) + moment.place_m[:, 2]
    flying = np.array([sequence.segment_at(t).action in ('jump', 'run') for t in times])
    after = np.array(
        [sequence.segment_at(max(t - 0.8, 0)).action in ('jump', 'run') for t in times]
    )
    assert np.abs(lowest[~flying & ~after]).max() < 1e-9
    assert lowest.min() > -1e-9
    assert lowest.max() > 0.05
    places = [sequence.segment(i).place_m for i in range(20)]
    assert np.linalg.norm(places, axis=1).max() < 0.75


def test_a_seat_stands_under_who_sits():
    sequence, _ = perform(2, opening=('stand', 'sit down', 'stand up', 'wave'))
    sitting, rising = sequence.segment(1), sequence.segment(2)
    assert sequence.segment(0).seat_m is None
    assert sequence.segment(3).seat_m is None
    np.testing.assert_array_equal(sitting.seat_m, rising.seat_m)
    pelvis = sequence.at(np.array([sitting.end_s - 1e-6])).place_m[0]
    assert np.linalg.norm(pelvis[:2] - sitting.seat_m[:2]) < 0.08
    assert 0.05 < pelvis[2] - sitting.seat_m[2] < 0.13


def test_falling_ends_lying():
    for seed in range(6):
        sequence, _ = perform(seed, opening=('stand', 'fall', 'stand up'))
        end = sequence.segment(1).end_s
        joints = sequence.at(np.array([0.0, end - 1e-6])).joints_world_m
        assert np.ptp(joints[0, :, 2]) > 1.3
        assert joints[1, [0, 1, 3], 2].max() < 0.55


def test_nobody_falls_towards_the_camera():
    for seed in range(12):
        sequence, _ = perform(seed, opening=('stand', 'fall', 'stand up'))
        end = sequence.segment(1).end_s
        lying = sequence.at(np.array([end - 1e-6])).joints_world_m[0]
        along = lying[3] - lying[0]  # pelvis to head; the camera is on the x axis
        assert along[0] < 0.6 * np.linalg.norm(along)


def test_no_time_before_the_start():
    sequence, _ = perform(0)
    with pytest.raises(ConfigError, match='-1'):
        sequence.segment_at(-1.0)
