"""Who is found in a still image."""

import numpy as np
import pytest

from pose_action_ros.core.predictions import FramePrediction
from pose_action_ros.inference.still_images import LOOKS, Finding, look_at, match_people

PERSON = np.array([[10.0, 10.0], [20.0, 10.0], [10.0, 40.0], [20.0, 40.0]])
TORSO = 30.0


def test_a_pose_near_the_person_is_found():
    assert match_people([PERSON + 14.9], [PERSON], [2 * TORSO]) == Finding(1, 1, 0, 0)


def test_half_of_the_joints_suffice():
    half = PERSON.copy()
    half[:2] += 1000.0
    assert match_people([half], [PERSON], [TORSO]) == Finding(1, 1, 0, 0)
    half[2] += 1000.0
    assert match_people([half], [PERSON], [TORSO]) == Finding(1, 0, 0, 1)


def test_joints_that_are_not_annotated_do_not_count():
    annotated = PERSON.copy()
    annotated[1:] = np.nan
    far = PERSON + 1000.0
    far[0] = PERSON[0]
    assert match_people([far], [annotated], [TORSO]) == Finding(1, 1, 0, 0)


def test_each_track_finds_one_person_and_the_rest_are_false():
    other = PERSON + np.array([200.0, 0.0])
    tracks = [other + 1.0, PERSON, PERSON + 2.0]
    assert match_people(tracks, [PERSON, other], [TORSO, TORSO]) == Finding(2, 2, 0, 1)
    assert match_people([PERSON], [PERSON, PERSON + 1.0], [TORSO, TORSO]) == Finding(2, 1, 0, 0)


class TestMisread:
    corners = np.array([0.0, 0.0, 40.0, 50.0])
    wrong = PERSON[::-1] + np.array([5.0, 0.0])

    def test_wrong_joints_on_somebody_who_is_not_found_are_no_false_person(self):
        found = match_people([self.wrong], [PERSON], [TORSO / 3], [self.corners])
        assert found == Finding(1, 0, 1, 0)

    def test_hidden_joints_do_not_count(self):
        track = self.wrong.copy()
        track[0] = np.nan
        assert match_people([track], [PERSON], [TORSO / 3], [self.corners]).misread == 1
        track[:] = np.nan
        assert match_people([track], [PERSON], [TORSO / 3], [self.corners]).false == 1

    def test_a_second_track_on_one_person_is_false(self):
        tracks = [self.wrong, self.wrong + 1.0]
        assert match_people(tracks, [PERSON], [TORSO / 3], [self.corners]) == Finding(1, 0, 1, 1)
        tracks = [PERSON, self.wrong]
        assert match_people(tracks, [PERSON], [TORSO / 3], [self.corners]) == Finding(1, 1, 0, 1)

    def test_a_track_beside_the_person_or_of_another_size_is_false(self):
        for track in (self.wrong + 100.0, 0.3 * self.wrong, 3.0 * self.wrong):
            found = match_people([track], [PERSON], [TORSO / 3], [self.corners])
            assert found == Finding(1, 0, 0, 1)

    def test_somebody_who_is_not_judged_is_no_false_person(self):
        assert match_people([self.wrong], [], [], [self.corners]) == Finding(0, 0, 1, 0)


@pytest.mark.parametrize(('tracks', 'people'), [([], [PERSON]), ([PERSON], []), ([], [])])
def test_nobody_matches_nobody(tracks, people):
    expected = Finding(len(people), 0, 0, len(tracks))
    assert match_people(tracks, people, [TORSO] * len(people)) == expected


class Stream:
    """Remembers what it is shown."""

    def __init__(self):
        self.shown = []

    def reset(self):
        self.shown.append('reset')

    def process(self, image, stamp_ns):
        self.shown.append(stamp_ns)
        return FramePrediction(stamp_ns, persons=(len(self.shown),))


def test_an_image_is_shown_to_a_fresh_stream_again_and_again():
    stream = Stream()
    looks = look_at(stream, np.zeros((8, 8, 3), np.uint8))
    assert stream.shown[0] == 'reset'
    stamps = np.array(stream.shown[1:])
    assert len(looks) == len(stamps) == LOOKS
    assert (np.diff(stamps) == stamps[0]).all()
    assert looks[-1] == (LOOKS + 1,)
