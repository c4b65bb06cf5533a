"""What comes beside the image: matched by stamp, and what is wrong with it said."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.inference.settings import DetectionSettings
from pose_action_ros.messages.depth import DepthImages
from pose_action_ros.messages.detections import Detections, Region, boxes_from_detections
from pose_action_ros.messages.matched_inputs import MatchedInputs, MatchSettings

SECOND, MS = 10**9, 10**6


def detection(x, y, width, height, **scores):
    return SimpleNamespace(
        bbox=SimpleNamespace(
            center=SimpleNamespace(position=SimpleNamespace(x=x, y=y)),
            size_x=width,
            size_y=height,
        ),
        results=[
            SimpleNamespace(hypothesis=SimpleNamespace(class_id=name, score=score))
            for name, score in scores.items()
        ],
    )


def found(*detections):
    return SimpleNamespace(detections=list(detections))


def test_people_come_the_most_certain_first():
    message = found(
        detection(10, 20, 30, 40, person=0.6),
        detection(1, 2, 300, 40, dog=0.9, person=0.8),
        detection(5, 5, 5, 5, dog=0.9),
        detection(6, 6, 6, 6, person=0.4),
        detection(7, 7, 0, 0, person=0.9),
    )
    boxes = boxes_from_detections(message, 'person', 0.5)
    assert boxes == [PersonBox(1.0, 2.0, 300.0), PersonBox(10.0, 20.0, 40.0)]
    assert len(boxes_from_detections(message, '', 0.5)) == 3


def test_a_detector_of_people_alone_needs_no_class():
    boxes = boxes_from_detections(found(detection(1, 2, 3, 4)), 'person', 0.5)
    assert boxes == [PersonBox(1.0, 2.0, 4.0)]


NEAR = DetectionSettings(max_age_s=0.1)
SIZE = (64, 48)


def test_detections_serve_images_of_about_their_stamp():
    people = Detections()
    assert people.boxes_at(0, SIZE, NEAR) == []
    assert 'no detections' in people.problem
    people.put(SECOND, found(detection(1, 1, 8, 8, person=1.0)), 0)
    people.put(SECOND + 80 * MS, found(detection(2, 2, 8, 8, person=1.0)), 0)
    assert people.boxes_at(SECOND + 30 * MS, SIZE, NEAR) == [PersonBox(1.0, 1.0, 8.0)]
    assert people.boxes_at(SECOND + 50 * MS, SIZE, NEAR) == [PersonBox(2.0, 2.0, 8.0)]
    assert people.boxes_at(SECOND + 200 * MS, SIZE, NEAR) == []
    assert people.problem == ''  # a detector that is silent for a while sees nobody


@pytest.mark.parametrize(
    ('offset_ns', 'words'), [(3 * SECOND, '3 s newer'), (None, 'stamps are 0')]
)
def test_detections_that_never_match_are_said(offset_ns, words):
    people, start = Detections(), 1000 * SECOND
    for index in range(4):
        stamp_ns = start + index * 66 * MS
        people.put(0 if offset_ns is None else stamp_ns + offset_ns, found(), 0)
        assert people.boxes_at(stamp_ns, SIZE, NEAR) == []
    assert words in people.problem
    people.put(stamp_ns, found(), 0)
    people.boxes_at(stamp_ns, SIZE, NEAR)
    assert people.problem == ''


@pytest.mark.parametrize(
    'bad',
    [
        *((math.nan, math.nan, 50, 80), (20, 20, math.inf, 8), (20, 20, math.nan, 8)),
        *((20, 20, 8, math.nan), (1e7, 1e7, 50, 80), (20, 20, 1e9, 1e9), (20, 20, -8, 8)),
        (-30, 20, 50, 50),
    ],
)
def test_a_box_that_can_not_be_costs_itself_alone(bad):
    people = Detections()
    good = detection(20, 20, 30, 30, person=0.6)
    people.put(0, found(detection(*bad, person=0.9), good), 0)
    assert people.boxes_at(0, SIZE, NEAR) == [PersonBox(20.0, 20.0, 30.0)]
    assert 'a box was skipped' in people.problem
    people.put(0, found(good), 0)


def test_a_score_that_is_no_number_costs_its_box_alone_and_is_said():
    people = Detections()
    bad = detection(1, 2, 3, 4, person=math.nan)
    people.put(0, found(bad, detection(5, 6, 7, 8, person=0.9), bad), 0)
    assert people.boxes_at(0, SIZE, NEAR) == [PersonBox(5.0, 6.0, 8.0)]
    assert 'a box was skipped: expected finite numbers' in people.problem
    twice = found(detection(5, 6, 7, 8, person=math.nan, dog=0.8))
    assert boxes_from_detections(twice, '', 0.5) == [PersonBox(5.0, 6.0, 8.0)]


def test_an_empty_region_ends_what_was_wrong_with_the_last_one():
    region = Region()
    region.put(0, SimpleNamespace(x_offset=900, y_offset=900, width=8, height=8), 0)
    assert region.boxes_at(0, SIZE, NEAR) == []
    assert 'a box was skipped' in region.problem
    region.put(0, SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0), 0)
    assert region.boxes_at(0, SIZE, NEAR) is None
    assert region.problem == ''


def test_a_class_that_never_comes_is_said():
    people = Detections()
    people.put(0, found(detection(1, 1, 8, 8, **{'0': 0.9})), 0)
    assert people.boxes_at(0, SIZE, NEAR) == []
    assert "'person'" in people.problem
    assert "found '0'" in people.problem
    people.put(0, found(), 0)
    people.put(10 * MS, found(detection(1, 1, 8, 8, person=0.9)), 0)
    assert people.boxes_at(10 * MS, SIZE, NEAR)
    assert people.problem == ''


def depth_image(metres, rows=4):
    """An Image of 6 x 4; with fewer rows of bytes it is torn."""
    data = np.full((rows, 6), metres, np.float32).tobytes()
    return SimpleNamespace(height=4, width=6, step=24, encoding='32FC1', is_bigendian=0, data=data)


def test_depth_serves_images_of_about_its_stamp_and_its_size():
    depth = DepthImages()
    assert depth.at(0, (6, 4), 0.05) is None
    assert depth.problem == 'no depth image within 0.05 s of the image; none has come'
    depth.items.put(SECOND, depth_image(2.5), 0)
    assert depth.at(SECOND + 50 * MS, (6, 4), 0.05)[0, 0] == 2.5
    assert depth.problem == ''
    assert depth.at(SECOND + 51 * MS, (6, 4), 0.05) is None
    assert depth.problem.endswith('the nearest is 0.05 s older')
    assert depth.at(SECOND, (12, 8), 0.05) is None
    assert 'is 6 x 4, the image 12 x 8' in depth.problem
    depth.items.put(2 * SECOND, depth_image(2.5, rows=3), 0)
    assert depth.at(2 * SECOND, (6, 4), 0.05) is None
    assert depth.problem.startswith('depth image skipped: ')


@pytest.mark.parametrize(
    ('metres', 'words'),
    [(0.0, 'no measurement'), (math.nan, 'no measurement'), (2500.0, 'are these millimetres?')],
)
def test_depth_that_cannot_serve_any_person_is_said(metres, words):
    depth = DepthImages()
    depth.items.put(0, depth_image(metres), 0)
    assert depth.at(0, (6, 4), 0.05) is None
    assert words in depth.problem
    depth.items.put(SECOND, depth_image(2.5), 0)
    assert depth.at(SECOND, (6, 4), 0.05) is not None
    assert depth.problem == ''


def test_what_belongs_to_an_image_comes_together():
    settings = MatchSettings(depth_max_age_s=0.01, detections=NEAR)
    matched = MatchedInputs(depth=DepthImages(), boxes=Detections())
    matched.depth.items.put(SECOND, depth_image(2.5), 0)
    matched.boxes.put(SECOND, found(detection(1, 1, 8, 8, person=1.0)), 0)
    boxes, depth_m = matched.boxes_and_depth(SECOND + 10 * MS, (6, 4), settings)
    assert (boxes, depth_m[0, 0]) == ([PersonBox(1.0, 1.0, 8.0)], 2.5)
    boxes, depth_m = matched.boxes_and_depth(SECOND + 20 * MS, (6, 4), settings)
    assert (len(boxes), depth_m) == (1, None)
    assert MatchedInputs().boxes_and_depth(SECOND, (6, 4), settings) == (None, None)


def test_an_image_waits_for_each_input_that_comes_in_time():
    matched = MatchedInputs(depth=DepthImages(), boxes=Detections())
    matched.note_image(SECOND, SECOND)
    matched.boxes.put(SECOND, found(), SECOND + 10 * MS)
    assert matched.awaited(SECOND, 0.04)
    matched.depth.items.put(SECOND, 'a', SECOND + 30 * MS)
    assert not matched.awaited(SECOND, 0.04)
    assert not MatchedInputs().awaited(SECOND, 0.04)
