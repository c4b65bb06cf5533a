"""Classifications, on stand-ins for the messages of vision_msgs."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.predictions import ActionScores
from pose_action_ros.ros import person_source, vision

NAMES = ('ObjectHypothesis', 'Classification', 'VisionClass', 'LabelInfo')
MODULE = SimpleNamespace(**dict.fromkeys(NAMES, SimpleNamespace))


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


def test_without_vision_msgs_detections_are_refused(monkeypatch):
    monkeypatch.setattr(vision, 'find_vision_msgs', lambda: None)
    with pytest.raises(ConfigError, match='vision_msgs'):
        person_source.open_person_source('detections')
