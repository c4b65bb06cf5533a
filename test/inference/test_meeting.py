"""Whether two windows or two poses are of one person."""

import numpy as np
import pytest

from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.geometry import crop_transform
from pose_action_ros.inference.meeting import is_part_of, is_same_place
from pose_action_ros.inference.person import Reading
from pose_action_ros.inference.settings import TrackSettings
from pose_action_ros.runtime.network import FrameArrays

SETTINGS = TrackSettings()


def pose(x, y, size):
    """What is read of four joints around a point."""
    half = size / 2
    corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
    box = PersonBox(x, y, size)
    arrays = FrameArrays(np.zeros((4, 2)), np.full(4, 0.9), np.zeros(4), np.zeros((4, 3)))
    return Reading(1, box, crop_transform(box), arrays, corners + np.array([x, y]), 0.9)


@pytest.mark.parametrize(('ratio', 'same'), [(1.0, True), (1.7, True), (1.9, False)])
def test_windows_of_one_place_are_of_one_person_where_they_are_of_like_size(ratio, same):
    small, large = PersonBox(100, 100, 100), PersonBox(100, 100, 100 * ratio)
    assert is_same_place(small, large, 1.25) is same
    assert is_same_place(large, small, 1.25) is same


@pytest.mark.parametrize(('size', 'part'), [(140, True), (160, False), (200, False)])
def test_a_part_is_smaller_than_the_whole(size, part):
    assert is_part_of(pose(200, 200, size), pose(200, 200, 200), SETTINGS) is part


def test_a_part_lies_among_the_joints_of_the_whole():
    assert not is_part_of(pose(400, 200, 80), pose(200, 200, 200), SETTINGS)
