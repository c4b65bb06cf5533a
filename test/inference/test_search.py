"""When a stream searches, and what it does with what is found."""

import numpy as np
import pytest

from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.inference import PoseActionStream, StreamSettings
from pose_action_ros.inference.search import PeopleSearch
from pose_action_ros.inference.settings import FindSettings, SmoothSettings, TrackSettings
from pose_action_ros.runtime import Engine
from pose_action_ros.runtime.finder_engine import Candidate

SECOND = 1_000_000_000
FIND = FindSettings(period_s=0.3, min_confidence=0.0)
IMAGE = np.zeros((240, 320, 3), np.uint8)
LEFT, RIGHT = PersonBox(80, 120, 100), PersonBox(240, 120, 100)


class Finder:
    """Finds what it is told to; counts how often it is asked."""

    def __init__(self, *boxes):
        self.boxes, self.runs, self.images = boxes, 0, []

    def candidates(self, image_rgb, min_score, most):
        self.runs += 1
        self.images.append(image_rgb)
        return [Candidate(box, 0.9) for box in self.boxes]


class TestWhen:
    def test_a_window_is_larger_than_the_person_by_a_quarter(self):
        (box,) = PeopleSearch(Finder(LEFT)).candidates(IMAGE, 0, FIND, nobody=True)
        assert box == PersonBox(80, 120, 125)

    def test_each_image_while_nobody_is_followed(self):
        finder = Finder(LEFT)
        search = PeopleSearch(finder)
        for index in range(4):
            assert search.candidates(IMAGE, index * 10_000_000, FIND, nobody=True)
        assert finder.runs == 4

    def test_every_period_while_somebody_is(self):
        finder = Finder(LEFT)
        search = PeopleSearch(finder)
        found = [
            bool(search.candidates(IMAGE, index * SECOND // 10, FIND, nobody=False))
            for index in range(10)
        ]
        assert found == [True, False, False] * 3 + [True]

    def test_what_was_found_ahead_is_used_once_and_costs_the_next_frame_nothing(self):
        finder = Finder(LEFT)
        search = PeopleSearch(finder)
        search.look_ahead(IMAGE, 0, FIND)
        assert finder.runs == 1
        assert search.candidates(IMAGE, SECOND // 20, FIND, nobody=False)
        assert search.candidates(IMAGE, SECOND // 10, FIND, nobody=False) == []
        assert finder.runs == 1

    def test_ahead_too_it_is_searched_every_period_alone(self):
        finder = Finder(LEFT)
        search = PeopleSearch(finder)
        for index in range(7):
            search.candidates(IMAGE, index * SECOND // 10, FIND, nobody=False)
            search.look_ahead(IMAGE, index * SECOND // 10, FIND)
        assert finder.runs == 3

    def test_with_nobody_the_image_at_hand_is_searched_not_the_last(self):
        finder = Finder(LEFT)
        search = PeopleSearch(finder)
        search.look_ahead(IMAGE, 0, FIND)
        now = IMAGE.copy()
        search.candidates(now, SECOND // 20, FIND, nobody=True)
        assert finder.images[-1] is now

    @pytest.mark.parametrize('nobody', [False, True])
    def test_kept_candidates_are_given_once_before_the_next_search(self, nobody):
        finder = Finder(LEFT, RIGHT)
        search = PeopleSearch(finder)
        search.candidates(IMAGE, 0, FIND, nobody=nobody)
        search.keep([RIGHT])
        assert search.candidates(IMAGE, SECOND // 20, FIND, nobody=nobody) == [RIGHT]
        assert finder.runs == 1
        search.keep([RIGHT])
        assert len(search.candidates(IMAGE, SECOND, FIND, nobody=nobody)) == 2
        search.keep([RIGHT])
        search.reset()
        assert len(search.candidates(IMAGE, SECOND + 1, FIND, nobody=nobody)) == 2

    @pytest.mark.parametrize('nobody', [False, True])
    def test_a_rejected_candidate_is_not_given_again_for_more_than_a_second(self, nobody):
        search = PeopleSearch(Finder(LEFT, RIGHT))

        def found(stamp_ns):
            return [b.center_x for b in search.candidates(IMAGE, stamp_ns, FIND, nobody=nobody)]

        first = search.candidates(IMAGE, 0, FIND, nobody=nobody)
        search.reject([box for box in first if box.center_x == LEFT.center_x], 0)
        assert found(SECOND) == [RIGHT.center_x]
        assert found(2 * SECOND) == [LEFT.center_x, RIGHT.center_x]
        search.reject(first, 2 * SECOND)
        search.reset()
        assert found(2 * SECOND) == [LEFT.center_x, RIGHT.center_x]

    def test_after_time_has_gone_back_it_is_time(self):
        finder = Finder(LEFT)
        search = PeopleSearch(finder)
        search.candidates(IMAGE, 100 * SECOND, FIND, nobody=False)
        assert search.candidates(IMAGE, SECOND, FIND, nobody=False)


@pytest.fixture(scope='module')
def engine(tiny, filled):
    return Engine(filled(tiny('compact', clip_frames=8)), 'cpu')


def stream_with(engine, finder, **track):
    """Any window shows somebody: the network is random."""
    track = {'min_confidence': 0.0, 'min_joint_confidence': 0.0, 'velocity': False, **track}
    settings = StreamSettings(
        track=TrackSettings(**track), smooth=SmoothSettings(joints=False), find=FIND
    )
    return PoseActionStream(engine, settings, finder)


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)


class TestStream:
    def test_everybody_found_is_in_the_prediction(self, engine, picture):
        stream = stream_with(engine, Finder(LEFT, RIGHT))
        persons = stream.process(picture, 0).persons
        assert [p.track_id for p in persons] == [1, 2]
        assert sorted(p.box.center_x for p in persons) == pytest.approx([80, 240], abs=20)

    def test_nobody_found_is_nobody(self, engine, picture):
        finder = Finder()
        stream = stream_with(engine, finder)
        assert stream.process(picture, 0).persons == ()
        assert stream.process(picture, SECOND // 20).persons == ()
        assert finder.runs == 2

    def test_given_boxes_are_not_searched_for(self, engine, picture):
        finder = Finder(LEFT)
        stream = stream_with(engine, finder)
        (person,) = stream.process(picture, 0, boxes=[RIGHT]).persons
        assert person.box == RIGHT
        assert finder.runs == 0

    def test_a_place_in_which_nobody_was_seen_is_processed_once(
        self, engine, picture, monkeypatch
    ):
        finder = Finder(LEFT)
        stream = stream_with(engine, finder, min_confidence=1.0)
        windows, read = [], Engine.frames
        monkeypatch.setattr(
            Engine, 'frames', lambda self, crops: windows.append(len(crops)) or read(self, crops)
        )
        for index in range(10):
            assert stream.process(picture, index * SECOND // 10).persons == ()
        assert sum(windows) == 1
        assert finder.runs == 10
        stream.process(picture, 13 * SECOND // 10)
        assert sum(windows) == 2

    def test_the_pause_between_two_frames_is_used(self, engine, picture):
        finder = Finder(LEFT)
        stream = stream_with(engine, finder)
        stream.process(picture, 0)
        stream.look_ahead(picture, 0)
        assert finder.runs == 1  # it is not time yet
        stream.process(picture, SECOND // 3)
        assert finder.runs == 2
        stream.process(picture, 2 * SECOND // 3 - 1)
        stream.look_ahead(picture, SECOND)
        assert finder.runs == 4
        stream.process(picture, SECOND + 1)
        assert finder.runs == 4

    def test_after_a_reset_everybody_is_found_anew(self, engine, picture):
        stream = stream_with(engine, Finder(LEFT, RIGHT))
        stream.process(picture, 0)
        assert stream.reset() == [1, 2]
        assert len(stream.process(picture, SECOND // 20).persons) == 2

    def test_without_a_finder_one_person_is_followed(self, engine, picture):
        (person,) = stream_with(engine, None).process(picture, 0).persons
        assert person.box.size == 320

    def test_a_budget_limits_the_people_of_a_frame(self, engine, picture, monkeypatch):
        boxes = [PersonBox(40 + 60 * i, 120, 50) for i in range(5)]
        stream = stream_with(engine, Finder(*boxes), max_people=8, lost_after_s=60.0)
        now = iter(range(10_000))
        # The clock moves by 1 s each time that it is read: every frame costs seconds.
        monkeypatch.setattr('time.perf_counter', lambda: float(next(now)))
        first = stream.process(picture, 0, budget_ms=1.0)
        assert len(first.persons) >= 2  # what a window costs is not known yet
        for index in range(1, 4):
            frame = stream.process(picture, index * SECOND // 20, budget_ms=1.0)
            assert len(frame.persons) <= 2
            assert frame.ended_tracks == ()
            together = {p.track_id for p in (*frame.persons, *frame.waiting)}
            assert together == set(frame.followed_tracks)
        assert len(stream.process(picture, SECOND // 4, budget_ms=0.0).persons) >= 2
