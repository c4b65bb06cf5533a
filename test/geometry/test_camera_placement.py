"""Where a camera stands, by hand and for turned worlds."""

import numpy as np
import pytest

from pose_action_ros.geometry.camera_placement import (
    level_placement,
    placement_on_ground,
    quaternion,
)


def turned(quat):
    """The rotation of x, y, z, w, by the formula v + 2 u x (u x v + w v)."""
    vector, scalar = quat[:3], quat[3]
    rows = [v + 2 * np.cross(vector, np.cross(vector, v) + scalar * v) for v in np.eye(3)]
    return np.array(rows).T


def test_a_level_camera_sees_ahead_what_is_ahead():
    placement = level_placement(1.2)
    ahead_left_up = placement @ (-0.5, -0.3, 3.0, 1.0)  # left of it, above it, 3 m away
    np.testing.assert_allclose(ahead_left_up, (3.0, 0.5, 1.5))


def test_the_world_is_below_the_camera_and_looks_where_it_looks():
    position, target = np.array([4.0, -1.0, 1.1]), np.array([1.0, 2.0, 0.9])
    ahead = (target - position) / np.linalg.norm(target - position)
    right = np.cross(ahead, (0, 0, 1.0))
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(ahead, right), ahead])
    to_camera = np.column_stack([axes, -axes @ position])
    placement = placement_on_ground(to_camera)
    np.testing.assert_allclose(placement[:, 3], (0, 0, 1.1))
    seen = placement @ np.append(to_camera @ np.append(target, 1.0), 1.0)
    np.testing.assert_allclose(seen, (np.hypot(3.0, 3.0), 0.0, 0.9), atol=1e-12)
    on_the_ground = placement @ np.append(to_camera @ (2.0, 0.5, 0.0, 1.0), 1.0)
    assert on_the_ground[2] == pytest.approx(0.0, abs=1e-12)


def test_quaternions_of_random_rotations():
    rng = np.random.default_rng(3)
    for _ in range(50):
        rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        rotation *= np.sign(np.linalg.det(rotation))
        quat = quaternion(rotation)
        assert np.linalg.norm(quat) == pytest.approx(1.0)
        assert quat[3] >= 0.0
        np.testing.assert_allclose(turned(quat), rotation, atol=1e-12)


@pytest.mark.parametrize('axis', [0, 1, 2])
def test_half_turns_have_a_quaternion(axis):
    rotation = -np.eye(3)
    rotation[axis, axis] = 1.0
    np.testing.assert_allclose(turned(quaternion(rotation)), rotation, atol=1e-12)
