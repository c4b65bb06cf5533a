"""Lens models against OpenCV's, which CameraInfo's coefficients are defined by."""

import cv2
import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.geometry.distortion import find_distortion

POLYNOMIALS = {
    'plumb_bob': [
        (-0.3, 0.1, 1e-3, -2e-3),
        (0.1, -0.2, -1e-3, 5e-4, 0.05),
        (0.4, -0.2, 5e-4, 2e-4, 0.01, 0.7, -0.1, 0.02),
    ],
    '': [(0.1, -0.2, -1e-3, 5e-4, 0.05)],
    'rational_polynomial': [
        (0.1, -0.2, -1e-3, 5e-4, 0.05),
        (0.4, -0.2, 5e-4, 2e-4, 0.01, 0.7, -0.1, 0.02),
        (0.4, -0.2, 5e-4, 2e-4, 0.01, 0.7, -0.1, 0.02, 2e-3, -1e-3, 1e-3, 5e-4),
        (0.4, -0.2, 5e-4, 2e-4, 0.01, 0.7, -0.1, 0.02, 2e-3, -1e-3, 1e-3, 5e-4, 0.1, -0.2),
    ],
    'thin_prism': [(0.1, -0.2, -1e-3, 5e-4, 0.05, 0, 0, 0, 2e-3, -1e-3, 1e-3, 5e-4)],
    'tilted': [(0.1, -0.2, -1e-3, 5e-4, 0.05, 0, 0, 0, 0, 0, 0, 0, -0.15, 0.05)],
}
FISHEYE = (-0.02, 0.004, -0.002, 3e-4)


@pytest.fixture
def plane():
    return np.random.default_rng(0).uniform(-0.6, 0.6, (50, 2))


@pytest.mark.parametrize(
    ('model', 'coefficients'), [(m, c) for m, all_c in POLYNOMIALS.items() for c in all_c]
)
def test_polynomials_are_opencvs(plane, model, coefficients):
    lens = find_distortion(model, coefficients)
    points = np.column_stack([plane, np.ones(len(plane))])
    expected, _ = cv2.projectPoints(
        points, np.zeros(3), np.zeros(3), np.eye(3), np.array(coefficients)
    )
    np.testing.assert_allclose(lens.distort(plane), expected[:, 0], atol=1e-12)
    np.testing.assert_allclose(lens.undistort(lens.distort(plane)), plane, atol=1e-8)


@pytest.mark.parametrize('model', ['equidistant', 'fisheye', 'kannala_brandt4', 'Fisheye'])
def test_fisheye_is_opencvs(plane, model):
    lens = find_distortion(model, FISHEYE)
    expected = cv2.fisheye.distortPoints(plane[None], np.eye(3), np.array(FISHEYE))
    np.testing.assert_allclose(lens.distort(plane), expected[0], atol=1e-12)
    np.testing.assert_allclose(lens.undistort(lens.distort(plane)), plane, atol=1e-8)


def test_fisheye_by_hand():
    # Without coefficients the radius is the angle: 45 degrees, not tan(45 degrees) = 1.
    lens = find_distortion('equidistant', (0.0, 0.0, 0.0, 0.0))
    np.testing.assert_allclose(lens.distort(np.array([[1.0, 0.0]])), [[np.pi / 4, 0.0]])


def test_beyond_the_lens_there_is_no_ray():
    barrel = find_distortion('plumb_bob', (-0.3, 0.0, 0.0, 0.0))
    assert np.isnan(barrel.undistort(np.array([[2.0, 0.0]]))).all()
    fisheye = find_distortion('equidistant', (0.0, 0.0, 0.0, 0.0))
    assert np.isnan(fisheye.undistort(np.array([[1.6, 0.0]]))).all()


def test_missing_points_stay_missing():
    for model, coefficients in (('plumb_bob', (0.1,) * 4), ('equidistant', FISHEYE)):
        lens = find_distortion(model, coefficients)
        points = np.array([[np.nan, np.nan], [0.1, 0.2]])
        for found in (lens.distort(points), lens.undistort(points)):
            assert np.isnan(found[0]).all()
            assert np.isfinite(found[1]).all()


@pytest.mark.parametrize('model', ['plumb_bob', '', 'anything'])
def test_zero_coefficients_bend_nothing(plane, model):
    np.testing.assert_array_equal(find_distortion(model, (0.0,) * 5).distort(plane), plane)


@pytest.mark.parametrize(
    ('model', 'coefficients', 'message'),
    [
        ('fov', (0.9,), "unknown distortion model 'fov'"),
        ('plumb_bob', (0.1,) * 6, '6 coefficients; expected 4 or 5 or 8 or 12 or 14'),
        ('', (0.1,) * 3, 'without distortion_model came with 3'),
        ('fisheye', (0.1,) * 5, 'fisheye came with 5 coefficients; expected 4'),
    ],
)
def test_other_models_are_refused(model, coefficients, message):
    with pytest.raises(ConfigError, match=message):
        find_distortion(model, coefficients)
