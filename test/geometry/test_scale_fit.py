"""The one unknown in closed form: hand-made segments, and what cannot be solved."""

import numpy as np
import pytest

from pose_action_ros.geometry.scale_fit import Segments, fit_scale


def segments(lengths, slopes, **changes):
    """Segments across the line of sight whose vectors are `slopes * s`."""
    count = len(lengths)
    values = {
        'across_slope': np.asarray(slopes, float),
        'across_offset': np.zeros((count, 2)),
        'along': np.zeros(count),
        'length': np.asarray(lengths, float),
        'length_sigma': 0.05,
        'noise_gain': np.full(count, 2.0),
        'slope_sigma': 0.0,
        'along_sigma': 0.0,
    }
    return Segments(**{**values, **changes})


SLOPES = [[0.1, 0.0], [0.0, 0.1], [0.06, 0.08]]


def test_across():
    # Each is 0.1 s long and 0.4 m in truth.
    assert fit_scale(segments([0.4] * 3, SLOPES)).scale == pytest.approx(4.0)


def test_along_counts_into_the_length():
    # 0.5^2 = 0.4^2 + 0.3^2
    found = fit_scale(segments([0.5] * 3, SLOPES, along=np.array([0.3, -0.3, 0.3])))
    assert found.scale == pytest.approx(4.0)


def test_offset():
    # (0.1 s + 0.1)^2 = 0.5^2 with s = 4
    offset = np.array([[0.1, 0.0], [0.0, 0.1], [0.06, 0.08]])
    assert fit_scale(segments([0.5] * 3, SLOPES, across_offset=offset)).scale == pytest.approx(4.0)


def test_noise_is_taken_off():
    # Squares grow by gain * 2 axes * (sigma s)^2: 0.1^2 + 2 * 2 * 0.02^2 = 0.0116.
    slopes = np.asarray(SLOPES) * np.sqrt(1.16)
    noisy = fit_scale(segments([0.4] * 3, slopes, slope_sigma=0.02))
    assert noisy.scale == pytest.approx(4.0, rel=1e-6)
    assert fit_scale(segments([0.4] * 3, slopes)).scale < 3.8


def test_an_outlier_has_little_weight():
    slopes = [[0.1, 0.0]] * 8 + [[0.9, 0.0]]
    assert fit_scale(segments([0.4] * 9, slopes)).scale == pytest.approx(4.0, rel=0.05)


def test_sigma_shrinks_with_the_number_of_segments():
    few = fit_scale(segments([0.4] * 3, [[0.1, 0.0]] * 3))
    many = fit_scale(segments([0.4] * 12, [[0.1, 0.0]] * 12))
    # 5 % each: 0.05 * 4 / sqrt(n)
    assert few.sigma == pytest.approx(0.2 / np.sqrt(3), rel=1e-6)
    assert many.sigma == pytest.approx(0.2 / np.sqrt(12), rel=1e-6)


@pytest.mark.parametrize(
    ('found', 'reason'),
    [
        (segments([0.4] * 2, SLOPES[:2]), '2 segments are seen well enough, 3 are needed'),
        (segments([0.4] * 3, np.zeros((3, 2))), 'on one point or in one line of sight'),
        (segments([0.4] * 3, SLOPES, slope_sigma=0.2), 'no positive scale'),
        (segments([0.4] * 3, SLOPES, length_sigma=0.95), 'too uncertain'),
    ],
)
def test_what_cannot_be_solved_says_why(found, reason):
    fit = fit_scale(found)
    assert np.isnan(fit.scale)
    assert reason in fit.reason
