"""Axes of a body from shoulders and hips."""

import numpy as np
import pytest

from pose_action_ros.core.skeleton import COCO17J, PA16J, SKELETONS
from pose_action_ros.geometry.body_axes import body_axes


def upright(skeleton):
    """Somebody who looks along x, z up, left along y, and bends forward a little."""
    joints = np.zeros((skeleton.num_joints, 3))
    for side, y in (('left', 1.0), ('right', -1.0)):
        joints[skeleton.index(f'{side}_shoulder')] = (0.0, 0.2 * y, 0.5)
        joints[skeleton.index(f'{side}_hip')] = (0.0, 0.1 * y, 0.0)
    return joints


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)
def test_they_turn_with_the_body(skeleton):
    angles = np.random.default_rng(3).normal(0.0, 1.0, (3, 3))
    turn, _ = np.linalg.qr(angles)
    turn *= np.sign(np.linalg.det(turn))
    found = body_axes(upright(skeleton) @ turn.T + 2.0, skeleton)
    np.testing.assert_allclose(found, turn, atol=1e-12)


def test_uneven_shoulders_still_make_a_rotation():
    joints = upright(COCO17J) + np.random.default_rng(1).normal(0.0, 0.05, (17, 3))
    found = body_axes(joints, COCO17J)
    np.testing.assert_allclose(found.T @ found, np.eye(3), atol=1e-12)
    assert np.linalg.det(found) == pytest.approx(1.0)


def test_without_a_joint_of_the_trunk_they_are_not_known():
    joints = upright(PA16J)
    joints[PA16J.index('right_shoulder')] = np.nan
    assert body_axes(joints, PA16J) is None
    assert body_axes(np.zeros((16, 3)), PA16J) is None
    flat = upright(PA16J)
    flat[:, 1] = 0.0  # left and right in one place
    assert body_axes(flat, PA16J) is None
