"""Misses, false people and changes of identity, counted by hand."""

import numpy as np

from pose_action_ros.metrics.tracking import TrackScore

POSE = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 40.0], [10.0, 40.0]])
LEFT, RIGHT = POSE, POSE + np.array([100.0, 0.0])
SEEN, HIDDEN = np.ones(4, bool), np.array([True, False, False, False])


def test_everybody_followed_is_nothing_wrong():
    score = TrackScore()
    for _ in range(3):
        score.add({4: LEFT + 2.0, 9: RIGHT - 2.0}, [LEFT, RIGHT], [SEEN, SEEN])
    assert (score.frames, score.people) == (3, 6)
    assert (score.missed, score.false, score.switches) == (0, 0, 0)


def test_somebody_without_a_track_is_missed_unless_hidden():
    score = TrackScore()
    score.add({4: LEFT}, [LEFT, RIGHT], [SEEN, SEEN])
    score.add({4: LEFT}, [LEFT, RIGHT], [SEEN, HIDDEN])
    assert (score.people, score.missed, score.false) == (3, 1, 0)


def test_somebody_who_is_half_visible_is_missed():
    score = TrackScore()
    score.add({}, [LEFT], [np.array([True, True, False, False])])
    assert (score.people, score.missed) == (1, 1)


def test_a_track_further_off_than_a_quarter_of_the_size_is_nobody():
    score = TrackScore()
    score.add({1: LEFT + np.array([9.9, 0.0])}, [LEFT], [SEEN])  # of 40 pixels
    assert (score.missed, score.false) == (0, 0)
    score.add({1: LEFT + np.array([10.1, 0.0])}, [LEFT], [SEEN])
    assert (score.missed, score.false) == (1, 1)


def test_a_track_of_nobody_is_false_and_so_is_a_second_one_of_somebody():
    score = TrackScore()
    score.add({1: LEFT, 2: POSE + 500.0}, [LEFT], [SEEN])
    score.add({1: LEFT, 3: LEFT + 1.0}, [LEFT], [SEEN])
    assert (score.false, score.missed, score.switches) == (2, 0, 0)


def test_ids_that_change_or_are_exchanged_are_switches():
    score = TrackScore()
    score.add({1: LEFT, 2: RIGHT}, [LEFT, RIGHT], [SEEN, SEEN])
    score.add({2: LEFT, 1: RIGHT}, [LEFT, RIGHT], [SEEN, SEEN])
    assert score.switches == 2
    score.add({2: LEFT, 5: RIGHT}, [LEFT, RIGHT], [SEEN, SEEN])
    assert score.switches == 3


def test_an_id_that_comes_back_after_a_pause_is_no_switch():
    score = TrackScore()
    score.add({1: LEFT}, [LEFT], [SEEN])
    score.add({}, [LEFT], [SEEN])
    score.add({1: LEFT}, [LEFT], [SEEN])
    assert (score.switches, score.missed) == (0, 1)


def test_who_matched_last_matches_first():
    score = TrackScore()
    score.add({1: LEFT}, [LEFT], [SEEN])
    score.add({1: LEFT + 3.0, 2: LEFT + 1.0}, [LEFT], [SEEN])
    assert (score.switches, score.false) == (0, 1)


def test_joints_that_are_unknown_do_not_count():
    track = LEFT.copy()
    track[0] = np.nan
    score = TrackScore()
    score.add({1: track, 2: np.full_like(LEFT, np.nan)}, [LEFT], [SEEN])
    assert (score.missed, score.false) == (0, 1)


def test_one_track_is_one_person_though_two_stand_there():
    score = TrackScore()
    score.add({1: LEFT}, [LEFT, LEFT + 2.0], [SEEN, SEEN])
    assert (score.missed, score.false) == (1, 0)


def test_another_id_after_a_pause_is_a_switch():
    score = TrackScore()
    for tracks in ({1: LEFT}, {}, {2: LEFT}):
        score.add(tracks, [LEFT], [SEEN])
    assert score.switches == 1
