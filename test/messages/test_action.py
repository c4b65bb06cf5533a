"""Classifications, on stand-ins for the messages of vision_msgs."""

from types import SimpleNamespace

import numpy as np

from pose_action_ros.core.predictions import ActionScores
from pose_action_ros.messages.action import classification_to_msg, label_info_to_msg


def make(name, /, **fields):
    return SimpleNamespace(name=name, **fields)


def test_classes_by_probability_and_their_names():
    action = ActionScores(('sit', 'stand', 'wave'), np.float32([0.2, 0.5, 0.3]), 0, 1, 16, True, 2)
    msg = classification_to_msg(make, action, 'header')
    assert (msg.name, msg.header) == ('vision_msgs/Classification', 'header')
    assert [(r.class_id, round(r.score, 3)) for r in msg.results] == [
        ('1', 0.5), ('2', 0.3), ('0', 0.2),
    ]  # fmt: skip
    info = label_info_to_msg(make, action.labels)
    assert [(c.class_id, c.class_name) for c in info.class_map] == [
        (0, 'sit'), (1, 'stand'), (2, 'wave'),
    ]  # fmt: skip
