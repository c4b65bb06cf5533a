"""Where the stream looks: first everywhere, then around the person, and until when."""

import numpy as np
import pytest

from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.geometry import crop_transform, whole_image_box
from pose_action_ros.inference.clip_buffer import ClipShape
from pose_action_ros.inference.people import People
from pose_action_ros.inference.person import Reading
from pose_action_ros.inference.settings import TrackSettings
from pose_action_ros.runtime.network import FrameArrays

SIZE = (640, 480)
SETTINGS = TrackSettings(velocity=False, lost_after_s=0.15)
STEP = 50_000_000
SURE, UNSURE = np.full(4, 0.9), np.full(4, 0.1)


def registry():
    return People(ClipShape(8, 0.05, 0.5))


def update(people, track_id, stamp_ns, points, confidence, settings):
    """Whether somebody is seen in a window in which the network reads these joints."""
    box = PersonBox(320.0, 240.0, 640.0)
    count = len(points)
    arrays = FrameArrays(np.zeros((count, 2)), confidence, np.zeros(count), np.zeros((count, 3)))
    sure = float(np.mean(confidence))
    reading = Reading(track_id, box, crop_transform(box), arrays, np.asarray(points), sure)
    return bool(people.sight([reading], stamp_ns, settings))


def joints(x, y, size=100.0):
    """Four joints whose bounding box has that centre and size."""
    half = size / 2
    corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
    return np.array(corners) + np.array([x, y])


def follow(people, *centres, settings=SETTINGS, boxes=None, start=0):
    """Look at several frames with one person; return the last frame's windows."""
    windows = []
    for index, centre in enumerate(centres, start=start):
        windows = people.windows(index * STEP, SIZE, settings, boxes)
        for window in windows:
            update(people, window.track_id, index * STEP, joints(*centre), SURE, settings)
        people.end_lost(index * STEP, settings, [window.track_id for window in windows])
    return windows


def near(window, center_x, reach=0.0):
    """Whether a window stands there, but for the step of the grid that windows lie on."""
    return abs(window.box.center_x - center_x) <= window.box.size / 48 + reach


def follow_once(people, index, step=STEP):
    """Look at one frame with one person, in the window where they are expected."""
    (window,) = people.windows(index * step, SIZE, SETTINGS)
    seen = reading(window, joints(200, 150))
    people.sight([seen], index * step, SETTINGS)
    return window


class TestOnePerson:
    def test_the_whole_image_first(self):
        (window,) = registry().windows(0, SIZE, SETTINGS)
        assert window.box == PersonBox(320.0, 240.0, 640.0)

    def test_then_the_window_around_the_pose(self):
        people = registry()
        sizes = [window.box.size for window in (follow_once(people, i) for i in range(30))]
        assert sizes[-1] == pytest.approx(100 * SETTINGS.enlarge, rel=0.05)
        shrinks = np.array(sizes[1:]) / sizes[:-1]
        assert shrinks.min() > 0.75  # no faster than a person can go away
        (window,) = people.windows(30 * STEP, SIZE, SETTINGS)
        assert near(window, 200)
        assert abs(window.box.center_y - 150) <= window.box.size / 48
        assert window.track_id == 1

    def test_the_window_closes_in_as_fast_at_any_rate(self):
        sizes = []
        for rate_hz in (10, 20, 40):
            people = registry()
            for index in range(rate_hz // 2 + 1):
                window = follow_once(people, index, 10**9 // rate_hz)
            sizes.append(window.box.size)
        assert sizes == pytest.approx(sizes[:1] * 3, rel=1e-6)

    def test_the_window_closes_in_where_stamps_do_not_tell_the_time(self):
        people = registry()
        for index in range(100):
            window = follow_once(people, index, 0)
        assert window.box.size == pytest.approx(100 * SETTINGS.enlarge, rel=0.05)

    def test_poses_that_differ_a_little_have_one_window(self):
        """So two streams agree soon, wherever they began."""
        found = []
        for shift in (0.0, 0.3, -0.2):
            people = registry()
            follow(people, *((203 + shift + 0.01 * i, 151 - shift) for i in range(30)))
            (window,) = people.windows(30 * STEP, SIZE, SETTINGS)
            found.append(window.box)
        assert found[0] == found[1] == found[2]
        steps = np.array([found[0].center_x, found[0].center_y]) / found[0].size * 24
        assert steps == pytest.approx(np.rint(steps), abs=1e-9)

    def test_the_id_stays(self):
        people = registry()
        (window,) = follow(people, *((200 + 5 * i, 150) for i in range(20)))
        assert window.track_id == 1
        assert near(window, 200 + 5 * 18)

    def test_a_window_that_is_carried_off_ends_its_track(self):
        """A network sees people in any crop: seen outside the image there is none."""
        people = registry()
        follow(people, (200, 150))
        for index in range(1, 4):
            (window,) = people.windows(index * STEP, SIZE, SETTINGS)
            assert not update(people, 1, index * STEP, joints(2000, 150), SURE, SETTINGS)
        assert people.end_lost(3 * STEP, SETTINGS, [1]) == [1]
        (window,) = people.windows(99 * STEP, SIZE, SETTINGS)
        assert window.box == whole_image_box(*SIZE)

    def test_a_wrong_pose_does_not_throw_the_window_far(self):
        settings = TrackSettings(velocity=True)
        people = registry()
        follow(people, (200, 150), (300, 150), settings=settings)
        (window,) = people.windows(2 * STEP, SIZE, settings)
        assert near(window, 300, reach=0.5 * window.box.size * STEP * 1e-9)

    def test_the_window_moves_ahead(self):
        settings = TrackSettings(velocity=True)
        people = registry()
        follow(people, *((100 + 5 * i, 150) for i in range(20)), settings=settings)
        (window,) = people.windows(20 * STEP, SIZE, settings)
        assert near(window, 200, reach=0.5)
        # ... but never far, however long nothing came.
        (window,) = people.windows(19 * STEP + 10 * 10**9, SIZE, settings)
        assert near(window, 195 + 100 * 0.2, reach=0.5)

    def test_time_going_back_moves_no_window(self):
        settings = TrackSettings(velocity=True)
        people = registry()
        follow(people, *((100 + 10 * i, 150) for i in range(20)), settings=settings)
        (window,) = people.windows(0, SIZE, settings)
        assert near(window, 290)
        update(people, 1, 0, joints(100, 150), SURE, settings)
        (window,) = people.windows(STEP, SIZE, settings)
        assert 0 < window.box.center_x < 640

    def test_a_person_who_grows_stays_in_the_window(self):
        people = registry()
        follow(people, (200, 150))
        update(people, 1, STEP, joints(200, 150, 300.0), SURE, SETTINGS)
        (window,) = people.windows(2 * STEP, SIZE, SETTINGS)
        assert window.box.size > 300.0

    def test_uncertain_joints_do_not_make_the_window(self):
        people = registry()
        follow(people, (200, 150))
        points = joints(200, 150)
        points[2] = (900, 900)
        sure = np.array([0.9, 0.9, 0.1, 0.9])
        assert update(people, 1, STEP, points, sure, SETTINGS)
        (window,) = people.windows(2 * STEP, SIZE, SETTINGS)
        assert near(window, 200)


class TestLoss:
    def test_nobody_there(self):
        people = registry()
        people.windows(0, SIZE, SETTINGS)
        assert not update(people, 1, 0, joints(100, 100), UNSURE, SETTINGS)
        assert people.end_lost(0, SETTINGS, [1]) == []
        (window,) = people.windows(STEP, SIZE, SETTINGS)
        assert (window.track_id, window.box.size) == (1, 640.0)

    @pytest.mark.parametrize('rate_hz', [5, 20, 100])
    def test_lost_after_so_much_time_at_any_rate(self, rate_hz):
        people, step_ns, lost_ns = registry(), 10**9 // rate_hz, 0
        follow(people, (200, 150))
        while not people.end_lost(lost_ns, SETTINGS, [1]):
            lost_ns += step_ns
            update(people, 1, lost_ns, joints(0, 0), UNSURE, SETTINGS)
        assert 0 <= lost_ns - 150_000_000 < step_ns

    def test_without_time_frames_count(self):
        people = registry()
        follow(people, (200, 150))
        lost = []
        for _ in range(5):
            update(people, 1, 0, joints(0, 0), UNSURE, SETTINGS)
            lost += people.end_lost(0, SETTINGS, [1])
        assert lost == [1]

    def test_a_lost_person_is_sought_everywhere(self):
        people = registry()
        follow(people, (200, 150))
        lost = []
        for index in range(1, 4):
            (window,) = people.windows(index * STEP, SIZE, SETTINGS)
            assert near(window, 200)
            assert not update(people, 1, index * STEP, joints(0, 0), UNSURE, SETTINGS)
            lost.append(people.end_lost(index * STEP, SETTINGS, [1]))
        assert lost == [[], [], [1]]
        (window,) = people.windows(4 * STEP, SIZE, SETTINGS)
        assert window.box.size == 640.0
        assert window.track_id == 2  # an id is never given twice

    def test_seen_again_in_time(self):
        people = registry()
        follow(people, (200, 150))
        for index in range(1, 20):
            sure = SURE if index % 3 == 0 else UNSURE
            people.windows(index * STEP, SIZE, SETTINGS)
            update(people, 1, index * STEP, joints(200, 150), sure, SETTINGS)
            assert people.end_lost(index * STEP, SETTINGS, [1]) == []

    def test_confidence_on_the_edge(self):
        edge = np.full(4, SETTINGS.min_confidence)
        assert update(registry(), 1, 0, joints(9, 9), edge, SETTINGS)
        assert not update(registry(), 1, 0, joints(9, 9), edge - 0.01, SETTINGS)

    def test_reset(self):
        people = registry()
        follow(people, (200, 150))
        assert people.reset() == [1]
        (window,) = people.windows(STEP, SIZE, SETTINGS)
        assert (window.track_id, window.box.size) == (2, 640.0)


class TestGivenBoxes:
    left, right = PersonBox(100, 200, 120), PersonBox(400, 200, 120)

    def look(self, people, index, boxes, seen=True):
        windows = people.windows(index * STEP, SIZE, SETTINGS, boxes)
        for window in windows:
            points = joints(window.box.center_x, window.box.center_y)
            update(
                people, window.track_id, index * STEP, points, SURE if seen else UNSURE, SETTINGS
            )
        lost = people.end_lost(index * STEP, SETTINGS, [window.track_id for window in windows])
        return [window.track_id for window in windows], lost

    def test_each_is_a_person_and_keeps_the_id(self):
        people = registry()
        assert self.look(people, 0, [self.left, self.right]) == ([1, 2], [])
        assert self.look(people, 1, [self.left, self.right]) == ([1, 2], [])
        assert self.look(people, 2, [self.right, self.left]) == ([2, 1], [])

    def test_windows_are_the_boxes(self):
        windows = registry().windows(0, SIZE, SETTINGS, [self.left, self.right])
        assert [window.box for window in windows] == [self.left, self.right]

    def test_moving_boxes(self):
        people = registry()
        for index in range(20):
            boxes = [PersonBox(100 + 15 * index, 200, 120), PersonBox(600, 100 + 15 * index, 120)]
            assert self.look(people, index, boxes)[0] == [1, 2]

    def test_the_best_overlap_wins_whatever_the_order(self):
        people = registry()
        self.look(people, 0, [self.left])
        newcomer, same = PersonBox(160, 200, 120), PersonBox(105, 200, 120)
        assert self.look(people, 1, [newcomer, same])[0] == [2, 1]

    def test_a_fixed_region_much_larger_than_the_person(self):
        people = registry()
        region = PersonBox(320, 240, 640)
        for index in range(5):
            (window,) = people.windows(index * STEP, SIZE, SETTINGS, [region])
            assert window.track_id == 1
            update(people, 1, index * STEP, joints(100 + 30 * index, 100, 60), SURE, SETTINGS)
            people.end_lost(index * STEP, SETTINGS, [1])

    def test_one_leaves(self):
        people = registry()
        self.look(people, 0, [self.left, self.right])
        assert [self.look(people, i, [self.right])[1] for i in range(1, 5)] == [[], [], [1], []]

    def test_nobody(self):
        people = registry()
        assert self.look(people, 0, []) == ([], [])

    def test_boxes_with_nobody_in_them_use_up_no_id(self):
        people = registry()
        for index in range(5):
            assert self.look(people, index, [self.left], seen=False) == ([1], [])

    def test_no_more_than_allowed(self):
        settings = TrackSettings(max_people=2)
        assert len(registry().windows(0, SIZE, settings, [self.left] * 5)) == 2


def reading(window, points, confidence=SURE):
    """What the network reads where it sees these joints."""
    count = len(points)
    arrays = FrameArrays(np.zeros((count, 2)), confidence, np.zeros(count), np.zeros((count, 3)))
    transform = crop_transform(window.box)
    sure = float(np.mean(confidence))
    return Reading(window.track_id, window.box, transform, arrays, np.asarray(points), sure)


class Crowd:
    """People who stand or walk, and a registry that looks for them without mistake."""

    def __init__(self, settings=SETTINGS, size=100.0):
        self.people, self.settings, self.size = registry(), settings, size
        self.frame = 0

    def step(self, *centres, found=None, most=None):
        """One frame with people at these places; the finder finds `found`, by default all.

        A window shows the person who is nearest to its middle, and within half of it.
        """
        stamp_ns = self.frame * STEP
        self.frame += 1
        candidates = [
            PersonBox(float(x), float(y), 1.25 * self.size)
            for x, y in (centres if found is None else found)
        ]
        windows = self.people.windows(
            stamp_ns, SIZE, self.settings, candidates=candidates, most=most
        )
        readings = self.read(windows, centres)
        again = self.people.newcomers(readings, self.settings, 0.7)
        second = self.read(again, centres)
        readings = self.people.confirmed(readings, second, self.settings, 0.7)
        seen = self.people.sight(readings, stamp_ns, self.settings)
        self.lost = self.people.end_lost(
            stamp_ns, self.settings, [w.track_id for w in windows], 1.0
        )
        self.looked_at = [w.track_id for w in windows]
        return {
            s.reading.track_id: tuple(s.reading.joints_image.mean(0).round().astype(int).tolist())
            for s in seen
        }

    def read(self, windows, centres):
        """What the network reads in these windows."""
        readings = []
        for window in windows:
            middle = np.array([window.box.center_x, window.box.center_y])
            away = [np.linalg.norm(middle - centre) for centre in centres]
            if away and min(away) < window.box.size / 2:
                points = joints(*centres[int(np.argmin(away))], self.size)
                readings.append(reading(window, points))
            else:
                readings.append(reading(window, joints(*middle), UNSURE))
        return readings


class TestNewcomers:
    """Who is not followed yet is looked at twice."""

    AT = PersonBox(200.0, 200.0, 140.0)
    FAIR = np.full(4, 0.5)  # enough to go on with a track, too little to begin one

    def look(self, first, second, people=None, confidences=(SURE, SURE)):
        """The windows of the second look, and who is seen after it."""
        people = registry() if people is None else people
        windows = people.windows(0, SIZE, SETTINGS, candidates=[self.AT])
        readings = [reading(w, first, confidences[0]) for w in windows]
        again = people.newcomers(readings, SETTINGS, 0.7)
        looks = [reading(w, second, confidences[1]) for w in again]
        counted = people.confirmed(readings, looks, SETTINGS, 0.7)
        return again, people.sight(counted, 0, SETTINGS)

    def test_the_second_look_is_around_the_first_pose_and_counts(self):
        (window,), (sighting,) = self.look(joints(210, 205), joints(212, 205))
        assert (window.box.center_x, window.box.center_y) == (210, 205)
        assert sighting.reading.box == window.box

    def test_both_looks_must_be_sure(self):
        place = joints(200, 200)
        again, seen = self.look(place, place, confidences=(self.FAIR, SURE))
        assert (again, seen) == ([], [])
        again, seen = self.look(place, place, confidences=(SURE, self.FAIR))
        assert len(again) == 1
        assert seen == []

    def test_a_small_pose_must_be_surer_in_the_second_look(self):
        sure = np.full(4, 0.75)
        small, large = joints(200, 200), joints(200, 200, 400.0)
        assert len(self.look(large, large, confidences=(sure, sure))[1]) == 1
        again, seen = self.look(small, small, confidences=(sure, sure))
        assert (len(again), seen) == (1, [])

    def test_who_is_followed_is_looked_at_once_and_may_be_less_sure(self):
        people = registry()
        self.look(joints(200, 200), joints(200, 200), people)
        again, (sighting,) = self.look(
            joints(200, 200), joints(0, 0), people, confidences=(self.FAIR, UNSURE)
        )
        assert again == []
        assert sighting.reading.track_id == 1

    def test_given_boxes_are_looked_at_once(self):
        people = registry()
        windows = people.windows(0, SIZE, SETTINGS, [self.AT])
        readings = [reading(w, joints(200, 200), self.FAIR) for w in windows]
        assert people.newcomers(readings, SETTINGS, 0.7) == []
        assert people.confirmed(readings, [], SETTINGS, 0.7) == readings

    def test_the_most_certain_candidates_come_first_and_the_rest_is_not_forgotten(self):
        people, settings = registry(), TrackSettings(max_people=8)
        sizes = [40.0, 200.0, 60.0, 90.0]
        boxes = [PersonBox(100.0 + 140 * i, 200.0, size) for i, size in enumerate(sizes)]
        windows = people.windows(0, SIZE, settings, candidates=boxes, most=3)
        assert [window.box for window in windows] == boxes[:3]
        assert people.unlooked == boxes[3:]


class TestSearchedPeople:
    LEFT, RIGHT = (150, 200), (450, 200)

    def test_everybody_found_gets_a_track(self):
        crowd = Crowd()
        assert crowd.step(self.LEFT, self.RIGHT) == {1: self.LEFT, 2: self.RIGHT}
        assert crowd.step(self.LEFT, self.RIGHT) == {1: self.LEFT, 2: self.RIGHT}

    def test_where_nobody_is_found_nothing_is_looked_at(self):
        crowd = Crowd()
        assert crowd.step() == {}
        assert crowd.looked_at == []

    def test_a_candidate_that_is_nobody_leaves_nothing_behind(self):
        crowd = Crowd()
        assert crowd.step(self.LEFT, found=[self.LEFT, (500, 400)]) == {1: self.LEFT}
        assert crowd.step(self.LEFT, self.RIGHT) == {1: self.LEFT, 2: self.RIGHT}

    def test_a_candidate_of_somebody_who_is_followed_is_dropped(self):
        crowd = Crowd()
        crowd.step(self.LEFT)
        crowd.step(self.LEFT, found=[(155, 195)])
        assert crowd.looked_at == [1]

    def test_somebody_new_is_found_while_others_are_followed(self):
        crowd = Crowd()
        crowd.step(self.LEFT)
        assert crowd.step(self.LEFT, self.RIGHT) == {1: self.LEFT, 2: self.RIGHT}

    def test_two_candidates_of_one_person_are_one_person(self):
        crowd = Crowd()
        seen = crowd.step(self.LEFT, found=[self.LEFT, (190, 200), (150, 160)])
        assert list(seen.values()) == [self.LEFT]

    def test_a_pose_in_a_part_of_somebody_is_nobody(self):
        people = registry()
        whole, legs = PersonBox(200.0, 200.0, 250.0), PersonBox(200.0, 260.0, 110.0)
        windows = people.windows(0, SIZE, SETTINGS, candidates=[whole, legs])
        poses = [joints(200, 200, 200.0), joints(200, 260, 80.0)]
        readings = [reading(w, pose) for w, pose in zip(windows, poses, strict=True)]
        for order in (readings, readings[::-1]):
            (sighting,) = people.sight(order, 0, SETTINGS)
            assert sighting.reading is readings[0]
        beside = reading(windows[1], joints(330, 230, 140.0))
        assert len(people.sight([readings[0], beside], 0, SETTINGS)) == 2

    def test_a_track_begins_only_where_nobody_else_is(self):
        people = registry()
        boxes = [PersonBox(200.0, 200.0, 140.0), PersonBox(230.0, 200.0, 140.0)]
        windows = people.windows(0, SIZE, SETTINGS, candidates=boxes)
        poses = [joints(200, 200), joints(235, 200)]  # two thirds of each lie in the other
        surer = [reading(windows[0], poses[0], np.full(4, 0.8)), reading(windows[1], poses[1])]
        (sighting,) = people.sight(surer, 0, SETTINGS)
        assert sighting.reading is surer[1]
        apart = [reading(windows[1], poses[1]), reading(windows[0], joints(180, 200))]
        assert len(people.sight(apart, STEP, SETTINGS)) == 2
        apart = [reading(w, pose) for w, pose in zip(windows, poses, strict=True)]
        assert len(people.sight(apart, 2 * STEP, SETTINGS)) == 2  # both are followed

    @pytest.mark.parametrize('step_px', [4, 9, 15])
    @pytest.mark.parametrize('apart_px', [0, 12, 40])
    def test_people_who_cross_keep_their_ids(self, step_px, apart_px):
        crowd = Crowd(TrackSettings(lost_after_s=0.15))
        for x in range(100, 501, step_px):
            right, left = (x, 200), (600 - x, 200 + apart_px)
            search = [right, left] if crowd.frame % 6 == 0 else []
            seen = crowd.step(right, left, found=search)
            if crowd.frame == 1:
                rightward, leftward = (min(seen, key=lambda i: seen[i][0] * s) for s in (1, -1))
            assert crowd.lost == []
        assert seen == {rightward: right, leftward: left}

    def test_somebody_hidden_is_waited_for_and_found_again(self):
        crowd = Crowd(TrackSettings(lost_after_s=0.15))
        both = crowd.step(self.LEFT, (230, 200))
        (behind,) = (track_id for track_id, place in both.items() if place == (230, 200))
        for _ in range(10):  # 0.5 s
            assert len(crowd.step(self.LEFT)) == 1
            assert crowd.lost == []
        assert crowd.step(self.LEFT, (240, 200))[behind] == (240, 200)

    def test_somebody_hidden_for_too_long_is_lost(self):
        crowd = Crowd(TrackSettings(lost_after_s=0.15))
        crowd.step(self.LEFT, (230, 200))
        lost = []
        for _ in range(25):
            crowd.step(self.LEFT)
            lost += crowd.lost
        assert len(lost) == 1

    def test_no_more_people_than_allowed_and_the_farthest_goes(self):
        crowd = Crowd(TrackSettings(max_people=2))
        assert len(crowd.step((80, 200), (300, 200), (520, 200))) == 2
        crowd.size = 160.0
        crowd.step(*[(80, 200), (300, 200), (520, 200)])
        assert len(list(crowd.people)) == 2

    def test_somebody_nearer_takes_the_place_of_the_farthest(self):
        people, settings = registry(), TrackSettings(max_people=2, velocity=False)
        boxes = [PersonBox(80, 200, 80), PersonBox(300, 200, 120)]
        near = PersonBox(520, 200, 250)

        def look(stamp_ns, candidates):
            windows = people.windows(stamp_ns, SIZE, settings, candidates=candidates)
            readings = [
                reading(w, joints(w.box.center_x, w.box.center_y, w.box.size / 1.25))
                for w in windows
            ]
            people.sight(readings, stamp_ns, settings)
            return people.end_lost(stamp_ns, settings, [w.track_id for w in windows], 1.0)

        assert look(0, boxes) == []
        assert not people.is_crowded
        farthest = look(STEP, [near])
        assert people.is_crowded
        assert len(farthest) == 1
        assert min(person.motion.box.center_x for person in people) > 200

    def test_without_time_for_all_the_nearest_is_always_looked_at_and_others_in_turn(self):
        crowd = Crowd(TrackSettings(max_people=8, lost_after_s=0.3))
        places = [(80 + 110 * i, 150 + 40 * (i % 2)) for i in range(5)]
        everybody = set(crowd.step(*places))
        assert len(everybody) == 5
        seen = [crowd.step(*places, found=[], most=2) for _ in range(8)]
        assert all(len(frame) == 2 for frame in seen)
        counts = {i: sum(i in frame for frame in seen) for i in everybody}
        assert sorted(counts.values()) == [2, 2, 2, 2, 8]
        assert crowd.lost == []
        assert len(crowd.people.waiting) == 3

    def test_the_nearest_is_the_largest(self):
        people = registry()
        boxes = [PersonBox(80, 200, 60), PersonBox(300, 200, 200), PersonBox(520, 200, 100)]
        windows = people.windows(0, SIZE, SETTINGS, candidates=boxes)
        people.sight(
            [reading(w, joints(w.box.center_x, 200, w.box.size)) for w in windows], 0, SETTINGS
        )
        for index in range(1, 6):
            first, _ = people.windows(index * STEP, SIZE, SETTINGS, candidates=[], most=2)
            assert first.box.center_x == pytest.approx(300, abs=20)

    @pytest.mark.parametrize(('size', 'count'), [(120, 0), (160, 1)])
    def test_where_all_places_are_taken_only_somebody_nearer_is_looked_at(self, size, count):
        settings = TrackSettings(max_people=1, velocity=False)
        people = registry()
        (window,) = people.windows(0, SIZE, settings, candidates=[PersonBox(80, 200, 100)])
        people.sight([reading(window, joints(80, 200, 100 / settings.enlarge))], 0, settings)
        windows = people.windows(
            STEP, SIZE, settings, candidates=[PersonBox(400, 200, float(size))]
        )
        assert len(windows) == 1 + count
