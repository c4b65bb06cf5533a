"""How fast a root moves: right in size, sign and frame, honest about what is not known."""

import numpy as np
import pytest

from pose_action_ros.core.predictions import ScaleSource
from pose_action_ros.inference.root_filter import (
    ACCELERATION_PSD,
    CORRELATION_S,
    START_SIGMA_M_PER_S,
    RootFilter,
)

WALK = np.array([0.9, 0.1, -0.8])
START = np.array([-1.0, 0.3, 5.0])
NOISE = np.diag([0.01, 0.01, 0.04]) ** 2
RATE_HZ = 20.0


def follow(places, times_s, noise=NOISE, root=None, sources=None):
    """(T, 3) velocities."""
    root = root or RootFilter()
    sources = sources or [ScaleSource.DEPTH] * len(places)
    return np.array(
        [
            root(place, noise, round(time_s * 1e9), source=source, max_gap_s=0.5)
            for place, time_s, source in zip(places, times_s, sources, strict=True)
        ]
    )


def path(times_s, velocity=WALK):
    return START + np.outer(times_s, velocity)


def test_a_steady_walk():
    times = np.arange(0.0, 4.0, 1.0 / RATE_HZ)
    found = follow(path(times), times)
    np.testing.assert_allclose(found[-1], WALK, atol=0.02)


def test_a_walk_with_noise_and_irregular_stamps():
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.02, 0.12, 150))
    noise = rng.multivariate_normal(np.zeros(3), NOISE, len(times))
    found = follow(path(times) + noise, times)
    settled = np.linalg.norm(found[40:] - WALK, axis=1)
    assert np.median(settled) < 0.15
    assert np.abs(np.mean(found[40:] - WALK, axis=0)).max() < 0.05


def test_what_stands_still_has_no_velocity():
    times = np.arange(0.0, 2.0, 1.0 / RATE_HZ)
    np.testing.assert_allclose(follow(path(times, np.zeros(3)), times)[-1], 0.0, atol=1e-9)


def test_it_is_not_known_at_first():
    times = np.arange(0.0, 2.0, 1.0 / RATE_HZ)
    found = follow(path(times), times)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[-1]).all()
    known = np.isfinite(found[:, 0])
    assert (np.diff(known.astype(int)) >= 0).all()  # once known it stays so


@pytest.mark.parametrize('pause_s', [0.6, -0.2])
def test_after_a_gap_or_a_step_back_it_is_not_known(pause_s):
    times = np.arange(0.0, 2.0, 1.0 / RATE_HZ)
    root = RootFilter()
    before = follow(path(times), times, root=root)
    late = times[-1] + pause_s
    assert np.isfinite(before[-1]).all()
    assert np.isnan(follow(path([late]), [late], root=root)).all()


def test_reset():
    times = np.arange(0.0, 2.0, 1.0 / RATE_HZ)
    root = RootFilter()
    follow(path(times), times, root=root)
    root.reset()
    assert np.isnan(follow(path([2.0]), [2.0], root=root)).all()


def test_the_same_stamp_again_changes_nothing():
    times = np.arange(0.0, 2.0, 1.0 / RATE_HZ)
    root = RootFilter()
    last = follow(path(times), times, root=root)[-1]
    again = follow(path([0.0]), [times[-1]], root=root)[0]
    np.testing.assert_array_equal(again, last)


def test_another_source_of_scale_is_no_movement():
    times = np.arange(0.0, 4.0, 1.0 / RATE_HZ)
    places = path(times)
    half = len(times) // 2
    places[half:] *= 1.1  # a person taller than assumed, once the depth image ends
    sources = [ScaleSource.DEPTH] * half + [ScaleSource.BODY] * half
    found = follow(places, times, sources=sources)
    np.testing.assert_allclose(found[half], found[half - 1], atol=1e-6)
    assert np.abs(found[half:] - WALK).max() < 0.15


def test_a_noisy_distance_does_not_move_what_is_seen_across():
    rng = np.random.default_rng(5)
    times = np.arange(0.0, 4.0, 1.0 / RATE_HZ)
    places = path(times, np.array([1.0, 0.0, 0.0]))
    places[:, 2] += rng.normal(0.0, 0.15, len(times))
    found = follow(places, times, noise=np.diag([0.01, 0.01, 0.15]) ** 2)
    assert np.abs(found[-40:, 0] - 1.0).max() < 0.05


def test_only_the_past_counts():
    times = np.arange(0.0, 2.0, 1.0 / RATE_HZ)
    changed = path(times)
    changed[-1] += 1.0
    np.testing.assert_array_equal(follow(path(times), times)[:-1], follow(changed, times)[:-1])


def test_it_is_the_filter_of_the_book():
    """By hand: constant velocity, white acceleration, errors that are alike for a while."""
    times, places = [0.0, 0.05, 0.15, 0.2, 0.4], [2.0, 2.2, 2.3, 2.5, 3.0]
    state, covariance = np.array([2.0, 0.0]), np.diag([0.01, START_SIGMA_M_PER_S**2])
    expected = [0.0]
    for step, place in zip(np.diff(times), places[1:], strict=True):
        move = np.array([[1.0, step], [0.0, 1.0]])
        drift = np.array([[step**3 / 3, step**2 / 2], [step**2 / 2, step]])
        state = move @ state
        covariance = move @ covariance @ move.T + ACCELERATION_PSD * drift
        alike = np.exp(-step / CORRELATION_S)
        noise = 0.01 * (1 + alike) / (1 - alike)
        gain = covariance[:, 0] / (covariance[0, 0] + noise)
        state = state + gain * (place - state[0])
        covariance = covariance - np.outer(gain, covariance[0])
        expected.append(state[1])
    found = follow(np.outer(places, np.ones(3)), times, noise=0.01 * np.eye(3))
    known = np.isfinite(found[:, 0])
    assert known[-1]
    np.testing.assert_allclose(found[known], np.outer(expected, np.ones(3))[known], rtol=1e-9)
