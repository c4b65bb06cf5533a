"""Whether a window shows a person who is certain enough for a new track."""

import numpy as np
import pytest

from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.geometry import crop_transform
from pose_action_ros.inference.newcomers import RejectedPlaces, begins_track, seen_box
from pose_action_ros.inference.person import Reading
from pose_action_ros.inference.settings import TrackSettings
from pose_action_ros.runtime.network import FrameArrays

SIZE = (640, 480)
SETTINGS = TrackSettings()
SECOND = 1_000_000_000


def reading(size, confidence, x=320.0, y=240.0):
    """A pose of that size and confidence."""
    half = size / 2.0
    corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
    joints = np.array(corners) + np.array([x, y])
    box = PersonBox(x, y, 1.4 * size)
    arrays = FrameArrays(np.zeros((4, 2)), np.full(4, confidence), np.zeros(4), np.zeros((4, 3)))
    return Reading(1, box, crop_transform(box), arrays, joints, confidence)


class TestSeen:
    def test_the_window_is_around_the_pose(self):
        box = seen_box(reading(100.0, 0.5), SETTINGS, SIZE)
        assert (box.center_x, box.center_y, box.size) == pytest.approx((320, 240, 140))

    def test_too_little_confidence_is_nobody(self):
        assert seen_box(reading(100.0, 0.39), SETTINGS, SIZE) is None
        assert seen_box(reading(100.0, 0.5), SETTINGS, SIZE, 0.6) is None

    def test_a_pose_outside_of_the_image_or_much_larger_is_nobody(self):
        assert seen_box(reading(100.0, 0.9, x=-200.0), SETTINGS, SIZE) is None
        assert seen_box(reading(1000.0, 0.9), SETTINGS, SIZE) is None


class TestBeginsATrack:
    def least(self, size, min_confidence=0.7):
        """The smallest confidence, in hundredths, with which a pose of that size begins one."""
        return next(
            c
            for c in range(101)
            if begins_track(reading(size, c / 100), SETTINGS, SIZE, min_confidence) is not None
        )

    def test_a_large_person_needs_the_given_confidence(self):
        assert self.least(300.0) == self.least(400.0) == 70

    def test_the_smaller_the_pose_the_more_confidence_it_needs(self):
        least = [self.least(size) for size in (300.0, 200.0, 100.0, 50.0)]
        assert least == sorted(set(least))
        assert least[-1] > 85

    def test_a_tiny_person_can_be_certain_enough(self):
        assert self.least(4.0) <= 95

    def test_limits_of_the_setting_stay_limits(self):
        assert self.least(50.0, 0.0) == 40  # what continues a track
        assert begins_track(reading(50.0, 0.99), SETTINGS, SIZE, 1.0) is None
        assert begins_track(reading(50.0, 1.0), SETTINGS, SIZE, 1.0) is not None


class TestRejectedPlaces:
    AT = PersonBox(200.0, 200.0, 100.0)
    OTHERS = (
        PersonBox(240.0, 200.0, 100.0), PersonBox(200.0, 200.0, 190.0), PersonBox(20.0, 20.0, 9.0),
    )  # fmt: skip

    def others(self, places, boxes, stamp_ns):
        return places.others(boxes, stamp_ns, keep_s=1.0, enlarge=1.25)

    def test_near_windows_of_like_size_are_rejected_and_others_are_not(self):
        places = RejectedPlaces()
        places.add([self.AT], 0)
        near = PersonBox(208.0, 195.0, 120.0)
        assert self.others(places, [near, *self.OTHERS], SECOND // 2) == list(self.OTHERS)

    def test_they_are_remembered_for_that_long(self):
        places = RejectedPlaces()
        places.add([self.AT], 5 * SECOND)
        assert self.others(places, [self.AT], 6 * SECOND - 1) == []
        assert self.others(places, [self.AT], 6 * SECOND) == [self.AT]

    def test_they_are_forgotten_when_time_goes_back_or_at_a_reset(self):
        places = RejectedPlaces()
        places.add([self.AT], 5 * SECOND)
        assert self.others(places, [self.AT], 4 * SECOND) == [self.AT]
        places.add([self.AT], 5 * SECOND)
        places.reset()
        assert self.others(places, [self.AT], 5 * SECOND) == [self.AT]
