"""Classifications, on stand-ins for the messages of vision_msgs."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from pose_action_ros.core.predictions import (
    ActionScores,
    FramePrediction,
    PersonBox,
    PersonPrediction,
)
from pose_action_ros.messages.action import (
    classification_to_msg,
    label_info_to_msg,
    only_action,
)


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


def test_a_classification_is_of_one_person_who_is_followed_alone():
    action = ActionScores(('sit', 'stand'), np.float32([0.2, 0.8]), 0, 1, 16, True, 1)
    joints = np.zeros((17, 2), np.float32)
    one = PersonPrediction(1, PersonBox(1, 1, 1), 'pa17j', joints, joints[:, 0], action=action)
    first_guess = replace(one, action=replace(action, valid=False))
    poses_alone = replace(one, action=None)
    assert only_action(FramePrediction(0, (one,), followed_tracks=(1,))) is action
    for persons, tracks in (
        ((one, replace(one, track_id=2)), (1, 2)),
        ((one,), (1, 2)),  # the other is not seen just now
        ((), ()),
        ((), (1,)),
        ((first_guess,), (1,)),
        ((poses_alone,), (1,)),
    ):
        assert only_action(FramePrediction(0, persons, followed_tracks=tracks)) is None
