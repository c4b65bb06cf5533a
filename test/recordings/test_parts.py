"""A recording in parts: every image has one result, and ids go on from part to part."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='needs the extra `bag`')

from pose_action_ros.core.predictions import FramePrediction, PersonBox, PersonPrediction
from pose_action_ros.recordings.parts import Replay, Watched, joined


def person(track_id, x_px):
    joints = np.full((17, 2), x_px, np.float32)
    return PersonPrediction(
        track_id=track_id,
        box=PersonBox(x_px, 50.0, 100.0),
        layout='pa17j',
        joints_image_px=joints,
        confidence=np.ones(17, np.float32),
    )


def frame(stamp_ns, ended=(), **people):
    """People by their ids as `p1=x`."""
    seen = tuple(person(int(name[1:]), x) for name, x in people.items())
    ids = tuple(p.track_id for p in seen)
    return FramePrediction(stamp_ns, seen, ended, followed_tracks=ids)


def watched(before, *own):
    return Watched(tuple(before), own, 'pa17j', 'net')


def ids(predictions):
    return [tuple(p.track_id for p in prediction.persons) for prediction in predictions]


def test_people_keep_their_ids_and_new_ones_get_the_next():
    first = watched((), frame(0, p1=100), frame(1, p1=100, p2=300))
    # Here the one on the right was found first, and somebody came and left before the cut.
    second = watched(
        [frame(0, p3=101), frame(1, p3=102, p1=299)],
        frame(2, p3=105, p1=297),
        frame(3, ended=(1, 2), p3=105, p4=400),
    )
    third = watched([frame(3, p1=105, p2=401)], frame(4, p1=105, p2=402, p3=10))
    found = joined([first, second, third])
    assert [prediction.stamp_ns for prediction in found] == [0, 1, 2, 3, 4]
    assert ids(found) == [(1,), (1, 2), (1, 2), (1, 3), (1, 3, 4)]
    assert found[3].ended_tracks == (2,)
    assert found[2].followed_tracks == (1, 2)


def test_a_track_that_the_next_part_does_not_know_ends():
    first = watched((), frame(0, p1=100, p2=300))
    second = watched([frame(0, p1=101)], frame(1, p1=101))
    assert [prediction.ended_tracks for prediction in joined([first, second])] == [(), (2,)]


def test_somebody_who_is_missed_at_the_cut_is_not_lost():
    missed = FramePrediction(1, followed_tracks=(1,))
    first = watched((), frame(0, p1=100), missed)
    late = replace(missed, followed_tracks=(7,))
    second = watched([frame(0, p7=101), late], frame(2, p7=103))
    found = joined([first, second])
    assert ids(found) == [(1,), (), (1,)]
    assert [prediction.ended_tracks for prediction in found] == [(), (), ()]


def test_somebody_elsewhere_is_somebody_else():
    first = watched((), frame(0, p1=100))
    second = watched([frame(0, p1=180)], frame(1, p1=180))
    assert ids(joined([first, second])) == [(1,), (2,)]


def test_results_come_back_by_stamp_and_in_order():
    replay = Replay([watched((), frame(5, p1=1), frame(5, p1=2), frame(3, p1=3))])
    image = np.zeros((2, 2, 3), np.uint8)
    places = [replay.process(image, stamp).persons[0].box.center_x for stamp in (3, 5, 5)]
    assert places == [3, 1, 2]
    assert (replay.layout, replay.model_name) == ('pa17j', 'net')
    with pytest.raises(ValueError, match='no part of the recording has a result'):
        replay.process(image, 5)
