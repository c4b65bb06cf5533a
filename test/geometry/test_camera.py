"""The camera by hand and there and back."""

from dataclasses import replace

import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.geometry import Camera

CAMERA = Camera(500.0, 510.0, 320.0, 240.0, 640, 480)
LENSES = {
    'none': ('', ()),
    'plumb_bob': ('plumb_bob', (-0.28, 0.09, 1e-3, -5e-4, -0.01)),
    'rational': ('rational_polynomial', (0.4, -0.2, 5e-4, 2e-4, 0.01, 0.7, -0.1, 0.02)),
    'equidistant': ('equidistant', (-0.02, 0.004, -0.002, 3e-4)),
}


def test_project_by_hand():
    found = CAMERA.project([[0.0, 0.0, 2.0], [1.0, -0.5, 2.0]])
    np.testing.assert_allclose(found, [[320.0, 240.0], [570.0, 112.5]])


def test_behind_the_camera_there_is_no_pixel():
    assert np.isnan(CAMERA.project([[0.1, 0.1, 0.0], [0.1, 0.1, -1.0]])).all()


@pytest.mark.parametrize('lens', LENSES)
def test_there_and_back(lens):
    model, coefficients = LENSES[lens]
    camera = replace(CAMERA, distortion=coefficients, distortion_model=model)
    points = np.random.default_rng(0).uniform([-1.0, -0.8, 2.0], [1.0, 0.8, 4.0], (5, 17, 3))
    pixels = camera.project(points)
    np.testing.assert_allclose(camera.back_project(pixels, points[..., 2]), points, atol=1e-6)
    rays = camera.rays(pixels)
    np.testing.assert_allclose(rays, points[..., :2] / points[..., 2:], atol=1e-6)


def test_field_of_view():
    camera = Camera.from_field_of_view(641, 481, 90.0)
    # The edges of the image, half a pixel beyond the outer pixels' centres, see 45 degrees.
    np.testing.assert_allclose(camera.rays([[-0.5, 240.0], [640.5, 240.0]]), [[-1, 0], [1, 0]])
    for angle in (0.0, 180.0):
        with pytest.raises(ConfigError, match='field of view'):
            Camera.from_field_of_view(640, 480, angle)


def test_a_window_sees_the_same_rays():
    window = CAMERA.cropped(100, 50, 200, 300)
    np.testing.assert_allclose(window.rays([20.0, 30.0]), CAMERA.rays([120.0, 80.0]))
    assert (window.width, window.height) == (200, 300)


def test_binning_halves_the_numbers_and_zero_means_one():
    binned = CAMERA.binned(2, 0)
    assert (binned.fx, binned.cx, binned.width) == (250.0, 160.0, 320)
    assert (binned.fy, binned.cy, binned.height) == (510.0, 240.0, 480)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'fx': 0.0}, 'uncalibrated'),
        ({'fy': -1.0}, 'uncalibrated'),
        ({'cx': float('nan')}, 'finite'),
        ({'width': 0}, '0 x 480'),
        ({'distortion': (0.1,) * 5, 'distortion_model': 'fov'}, "unknown distortion model 'fov'"),
    ],
)
def test_what_can_not_be_a_camera_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        replace(CAMERA, **change)
