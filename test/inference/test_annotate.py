"""Drawings show what is there and leave everything else alone."""

from dataclasses import replace

import numpy as np
import pytest

from pose_action_ros.core.predictions import (
    ActionScores,
    FramePrediction,
    PersonBox,
    PersonPrediction,
)
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.inference.annotate import annotate, draw_skeleton, draw_text, side_colour


@pytest.fixture
def image():
    return np.full((240, 320, 3), 50, np.uint8)


@pytest.fixture
def person():
    rng = np.random.default_rng(0)
    return PersonPrediction(
        track_id=3,
        box=PersonBox(160.0, 120.0, 160.0),
        layout='pa17j',
        joints_image_px=rng.uniform(100, 180, (17, 2)).astype(np.float32),
        confidence=np.ones(17, np.float32),
    )


def acting(person, valid=True):
    scores = np.array([0.2, 0.7, 0.1], np.float32)
    return replace(person, action=ActionScores(('a', 'wave', 'c'), scores, 0, 1, 2, valid, 1))


def test_nobody_changes_nothing(image):
    drawn = annotate(image, FramePrediction(0))
    np.testing.assert_array_equal(drawn, image)
    assert drawn is not image


def test_a_person_changes_a_copy(image, person):
    kept = image.copy()
    drawn = annotate(image, FramePrediction(0, (person,)))
    np.testing.assert_array_equal(image, kept)
    changed = (drawn != image).any(axis=-1)
    _, columns = np.nonzero(changed)
    assert changed.sum() > 500
    assert columns.min() >= 75  # nothing far from the window
    assert columns.max() <= 245


def test_window_joints_and_label_are_where_they_belong(image, person):
    drawn = annotate(image, FramePrediction(0, (person,)))
    assert tuple(drawn[200, 160]) == (200, 200, 200)  # the window's lower edge
    x, y = np.rint(person.joints_image_px[4]).astype(int)
    assert (drawn[y, x] != 50).any()
    labelled = annotate(image, FramePrediction(0, (acting(person),)))
    assert (labelled != drawn).any()
    waiting = annotate(image, FramePrediction(0, (acting(person, valid=False),)))
    assert (waiting != labelled).any()


def test_joints_that_were_not_seen_are_left_out(image, person):
    hidden = replace(person, joints_image_px=np.full((17, 2), np.nan, np.float32))
    drawn = annotate(image, FramePrediction(0, (hidden,)))
    assert (drawn[110:130, 110:210] == 50).all()


@pytest.mark.parametrize('far', [1e9, -1e9])
def test_what_lies_far_outside_does_no_harm(image, person, far):
    joints = person.joints_image_px.copy()
    joints[3] = far
    away = replace(person, joints_image_px=joints, box=PersonBox(far, 0.0, 1e4))
    annotate(image, FramePrediction(0, (away,)))


@pytest.mark.parametrize('shape', [(1, 1, 3), (31, 17, 3), (1080, 1920, 3)])
def test_any_size(person, shape):
    assert (
        annotate(np.zeros(shape, np.uint8), FramePrediction(0, (acting(person),))).shape == shape
    )


def test_a_skeleton_in_one_colour(image):
    joints = np.random.default_rng(1).uniform(50, 200, (17, 2))
    draw_skeleton(image, joints, PA17J, colour=(255, 0, 0))
    changed = image[(image != 50).any(axis=-1)].astype(int)
    assert len(changed) > 100
    assert (changed[:, 1:] <= 50).all()  # red at most mixed with the grey below


def test_text(image):
    draw_text(image, 'walk', (10, 200))
    changed = (image != 50).any(axis=-1)
    assert changed[170:210, 5:120].sum() == changed.sum() > 50


def test_sides_differ():
    assert len({side_colour(name) for name in ('right_knee', 'left_knee', 'neck')}) == 3
    assert side_colour('right_hip') == side_colour('right_wrist')
