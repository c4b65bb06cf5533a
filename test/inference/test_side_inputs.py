"""What comes beside the image: matched by stamp, and what is wrong with it said."""

from types import SimpleNamespace

import numpy as np
import pytest

from pose_action_ros.core.errors import ImageError
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.inference.settings import PeopleSettings
from pose_action_ros.inference.side_inputs import (
    DepthImages,
    Detections,
    StampedItems,
    boxes_from_detections,
)

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


def test_the_nearest_stamp_serves_and_the_oldest_goes():
    items = StampedItems(3)
    assert items.nearest(0, SECOND) is None
    for stamp_ns in (10, 20, 30, 40):
        items.put(stamp_ns, stamp_ns)
    assert len(items) == 3
    assert [items.nearest(stamp, 5) for stamp in (10, 16, 24, 26, 44, 46)] == [
        None, 20, 20, 30, 40, None,
    ]  # fmt: skip


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


@pytest.fixture
def people():
    return Detections(lambda: PeopleSettings(max_age_s=0.1))


def test_detections_serve_images_of_about_their_stamp(people):
    assert people.boxes_at(0) == []
    assert 'no detections' in people.problem
    people.put(SECOND, found(detection(1, 1, 8, 8, person=1.0)))
    people.put(SECOND + 80 * MS, found(detection(2, 2, 8, 8, person=1.0)))
    assert people.boxes_at(SECOND + 30 * MS) == [PersonBox(1.0, 1.0, 8.0)]
    assert people.boxes_at(SECOND + 50 * MS) == [PersonBox(2.0, 2.0, 8.0)]
    assert people.boxes_at(SECOND + 200 * MS) == []
    assert people.problem == ''


def test_a_class_that_never_comes_is_said(people):
    people.put(0, found(detection(1, 1, 8, 8, **{'0': 0.9})))
    assert people.boxes_at(0) == []
    assert "'person'" in people.problem
    assert "found '0'" in people.problem
    people.put(0, found())
    people.put(10 * MS, found(detection(1, 1, 8, 8, person=0.9)))
    assert people.boxes_at(10 * MS)
    assert people.problem == ''


def test_depth_serves_images_of_about_its_stamp_and_its_size():
    def decode(message):
        if message == 'torn':
            raise ImageError('torn')
        return np.full((4, 6), message, np.float32)

    depth = DepthImages(decode, lambda: 0.05)
    assert depth.at(0, (6, 4)) is None
    assert depth.problem == 'no depth image within 0.05 s of the image'
    depth.put(SECOND, 2.5)
    assert depth.at(SECOND + 50 * MS, (6, 4))[0, 0] == 2.5
    assert depth.problem == ''
    assert depth.at(SECOND + 51 * MS, (6, 4)) is None
    assert depth.at(SECOND, (12, 8)) is None
    assert 'is 6 x 4, the image 12 x 8' in depth.problem
    depth.put(2 * SECOND, 'torn')
    assert depth.at(2 * SECOND, (6, 4)) is None
    assert depth.problem == 'depth image left out: torn'
