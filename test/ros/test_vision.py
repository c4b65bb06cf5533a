"""Boxes from detections and classifications, on stand-ins for the messages of vision_msgs."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.predictions import ActionScores, PersonBox
from pose_action_ros.ros import person_source, vision
from pose_action_ros.ros.settings import PeopleSettings

NAMES = ('ObjectHypothesis', 'Classification', 'VisionClass', 'LabelInfo')
MODULE = SimpleNamespace(**dict.fromkeys(NAMES, SimpleNamespace))


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


def detections(*found, stamp_ns=0):
    sec, nanosec = divmod(stamp_ns, 10**9)
    header = SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=nanosec))
    return SimpleNamespace(header=header, detections=list(found))


def test_people_come_the_most_certain_first():
    msg = detections(
        detection(10, 20, 30, 40, person=0.6),
        detection(1, 2, 300, 40, dog=0.9, person=0.8),
        detection(5, 5, 5, 5, dog=0.9),
        detection(6, 6, 6, 6, person=0.4),
        detection(7, 7, 0, 0, person=0.9),
    )
    boxes = vision.boxes_from_detections(msg, 'person', 0.5)
    assert boxes == [PersonBox(1.0, 2.0, 300.0), PersonBox(10.0, 20.0, 40.0)]
    assert len(vision.boxes_from_detections(msg, '', 0.5)) == 3


def test_a_detector_of_people_alone_needs_no_class():
    boxes = vision.boxes_from_detections(detections(detection(1, 2, 3, 4)), 'person', 0.5)
    assert boxes == [PersonBox(1.0, 2.0, 4.0)]


def test_classes_by_probability_and_their_names():
    action = ActionScores(('sit', 'stand', 'wave'), np.float32([0.2, 0.5, 0.3]), 0, 1, 16, True, 2)
    msg = vision.scores_to_msg(MODULE, action, 'header')
    assert [(r.class_id, round(r.score, 3)) for r in msg.results] == [
        ('1', 0.5), ('2', 0.3), ('0', 0.2),
    ]  # fmt: skip
    info = vision.label_info_to_msg(MODULE, action.labels)
    assert [(c.class_id, c.class_name) for c in info.class_map] == [
        (0, 'sit'), (1, 'stand'), (2, 'wave'),
    ]  # fmt: skip


@pytest.fixture
def source(monkeypatch):
    monkeypatch.setattr(
        person_source, 'require_vision_msgs', lambda: SimpleNamespace(Detection2DArray=object)
    )
    warnings = []
    logger = SimpleNamespace(warning=lambda text, **_: warnings.append(text))
    settings = PeopleSettings(max_age_s=0.1)
    source = person_source.open_person_source('detections', lambda: settings, logger)
    source.warnings = warnings
    return source


def test_detections_serve_images_of_about_their_stamp(source):
    assert source.boxes_at(0) == []
    source.put(detections(detection(1, 1, 8, 8, person=1.0), stamp_ns=10**9))
    source.put(detections(detection(2, 2, 8, 8, person=1.0), stamp_ns=10**9 + 80_000_000))
    assert source.boxes_at(10**9 + 30_000_000) == [PersonBox(1.0, 1.0, 8.0)]
    assert source.boxes_at(10**9 + 50_000_000) == [PersonBox(2.0, 2.0, 8.0)]
    assert source.boxes_at(10**9 + 200_000_000) == []
    assert source.warnings == []


def test_a_class_that_never_comes_is_said(source):
    source.put(detections(detection(1, 1, 8, 8, **{'0': 0.9}), stamp_ns=0))
    assert source.boxes_at(0) == []
    assert "'person'" in source.warnings[0]
    assert "found '0'" in source.warnings[0]


def test_without_vision_msgs_detections_are_refused(monkeypatch):
    monkeypatch.setattr(vision, 'find_vision_msgs', lambda: None)
    with pytest.raises(ConfigError, match='vision_msgs'):
        person_source.open_person_source('detections', PeopleSettings, None)
