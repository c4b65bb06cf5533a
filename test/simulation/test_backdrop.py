"""The cast shadow: where it falls, and that nothing else changes."""

import numpy as np
import pytest

from pose_action_ros.simulation.backdrop import cast_shadow

LIGHT = np.array([0.0, 0.6, 0.8])
# Straight down from 4 m with 100 pixels of focal length: x and y of the world are the picture's.
FROM_ABOVE = np.array([[100.0, 0, -32, 128], [0, 100.0, -24, 96], [0, 0, -1.0, 4]])
GREY = np.full((48, 64, 3), 200, np.uint8)


def shadow(x, y, picture=GREY, to_pixel=FROM_ABOVE, strength=0.5):
    """Of an upright capsule, 1 m high."""
    low, high = np.array([[x, y, 0.05]]), np.array([[x, y, 1.0]])
    radii = np.array([[0.05, 0.05]])
    return cast_shadow(
        picture, low, high, radii, light=LIGHT, to_pixel=to_pixel, strength=strength
    )


def test_shadow_falls_away_from_the_light():
    found = shadow(0.0, 0.7)
    rows, columns = np.nonzero(found[..., 0] < 150)
    assert 30 <= columns.min() <= columns.max() <= 34  # the capsule is at column 32
    # A metre up, the light comes in 0.75 m farther along -y: 19 pixels at 25 a metre.
    assert rows.max() == pytest.approx(24 + 0.7 * 25 + 1, abs=2)
    assert np.ptp(rows) == pytest.approx(0.75 * 25, abs=4)
    assert (found[:, :24] == 200).all()
    assert (found[:, 40:] == 200).all()
    assert (GREY == 200).all()


def test_its_darkness_is_its_strength():
    assert shadow(0.0, 0.5, strength=0.25).min() == 150
    assert shadow(0.0, 0.5, strength=0.5).min() == 100


@pytest.mark.parametrize('place', [(-9.0, 0.0), (9.0, 0.0), (0.0, -9.0), (0.0, 9.0)])
def test_out_of_the_picture_there_is_none(place):
    np.testing.assert_array_equal(shadow(*place), GREY)


def test_what_is_behind_the_camera_casts_none():
    behind = FROM_ABOVE * np.array([[1.0], [1.0], [-1.0]])
    np.testing.assert_array_equal(shadow(0.0, 0.0, to_pixel=behind), GREY)
