"""What is shown is steady, follows, and never hides what was measured."""

import numpy as np
import pytest

from pose_action_ros.inference.settings import SmoothSettings
from pose_action_ros.inference.smoothing import LabelFilter, OneEuroFilter

SETTINGS = SmoothSettings()
STEP = 33_333_333  # ns


def run(values, settings=SETTINGS, unit=1.0):
    steady = OneEuroFilter()
    return np.array([steady(v, i * STEP, settings, unit) for i, v in enumerate(values)])


class TestOneEuro:
    def test_what_does_not_move_stays(self):
        found = run(np.full((50, 17, 2), 0.3))
        np.testing.assert_array_equal(found, 0.3)

    def test_the_first_value_passes(self):
        assert run([np.array([7.0])])[0] == 7.0

    def test_noise_shrinks(self):
        noise = np.random.default_rng(0).normal(0.0, 0.002, (300, 17, 2))
        assert run(0.5 + noise)[100:].std() < 0.6 * noise.std()

    def test_a_step_by_hand(self):
        # Share of the new value: turn / (1 + turn), turn = 2 pi f dt; speeds are filtered at 1 Hz.
        step_s = STEP * 1e-9
        turn = 2 * np.pi * 1.0 * step_s
        speed = turn / (1 + turn) * 1.0 / step_s
        turn = 2 * np.pi * (SETTINGS.min_cutoff + SETTINGS.beta * speed) * step_s
        found = run([np.array([0.0]), np.array([1.0])])
        assert found[1, 0] == pytest.approx(turn / (1 + turn))

    def test_fast_things_lag_less(self):
        times = np.arange(60) * STEP * 1e-9
        lags = {}
        for speed in (0.1, 1.0):
            truth = speed * times[:, None]
            lags[speed] = (truth - run(truth))[-1, 0] / speed
        assert 0.0 < lags[1.0] < 0.6 * lags[0.1]
        assert lags[0.1] < 0.1  # seconds

    def test_a_waving_hand_is_followed_closely(self):
        """ADR 7: what moves must be where it is; 0.3 window sides a second is a slow gesture."""
        truth = 0.3 * np.arange(60)[:, None] * STEP * 1e-9
        assert (truth - run(truth))[-1, 0] / 0.3 < 0.02  # seconds

    def test_higher_beta_lags_less(self):
        truth = np.arange(60)[:, None] * 0.02
        lazy, quick = (
            (truth - run(truth, SmoothSettings(beta=beta)))[-1, 0] for beta in (0.0, 10.0)
        )
        assert quick < 0.3 * lazy

    def test_speed_is_measured_in_units(self):
        truth = np.arange(60)[:, None] * 0.02
        np.testing.assert_allclose(run(truth * 300.0, unit=300.0), run(truth) * 300.0)

    def test_missing_values_stay_missing_and_start_afresh(self):
        values = np.full((10, 2), 1.0)
        values[4, 0] = np.nan
        values[5:, 0] = 3.0
        found = run(values)
        assert np.isnan(found[4, 0])
        np.testing.assert_array_equal(found[5:, 0], 3.0)
        np.testing.assert_array_equal(found[:, 1], 1.0)

    def test_time_going_back_and_reset_start_afresh(self):
        steady = OneEuroFilter()
        steady(np.array([0.0]), 10 * STEP, SETTINGS)
        assert steady(np.array([1.0]), 5 * STEP, SETTINGS) == 1.0
        assert steady(np.array([0.0]), 6 * STEP, SETTINGS) > 0.0
        steady.reset()
        assert steady(np.array([0.0]), 7 * STEP, SETTINGS) == 0.0

    def test_what_is_given_is_not_changed(self):
        steady, value = OneEuroFilter(), np.array([1.0])
        steady(value, 0, SETTINGS)[:] = 9.0
        steady(value, STEP, SETTINGS)[:] = 9.0
        assert value == 1.0


class TestLabel:
    settings = SmoothSettings(label_margin=0.1, label_duration=0.2)

    def show(self, *rows, step_s=0.1):
        label = LabelFilter()
        return [
            label(np.array(row), round(i * step_s * 1e9), self.settings)
            for i, row in enumerate(rows)
        ]

    def test_the_first_label_is_shown_at_once(self):
        assert self.show([0.2, 0.5, 0.3]) == [1]

    def test_a_better_label_waits_for_its_time(self):
        worse, better = [0.6, 0.4], [0.3, 0.7]
        assert self.show(worse, better, better, better, better) == [0, 0, 0, 1, 1]

    def test_a_little_better_is_not_enough(self):
        assert self.show([0.6, 0.4], *[[0.46, 0.54]] * 20) == [0] * 21

    def test_an_interruption_starts_the_time_again(self):
        worse, better = [0.6, 0.4], [0.3, 0.7]
        assert self.show(worse, better, better, worse, better, better, better) == [0] * 6 + [1]

    def test_a_label_that_is_beaten_goes_also_where_rivals_take_turns(self):
        first, second, third = [0.8, 0.1, 0.1], [0.0, 0.8, 0.2], [0.0, 0.2, 0.8]
        assert self.show(first, second, third, second, third, second) == [0, 0, 0, 1, 1, 1]

    def test_without_duration_and_margin_the_best_is_shown(self):
        label, quick = LabelFilter(), SmoothSettings(label_margin=0.0, label_duration=0.0)
        rows = np.random.default_rng(0).random((20, 5))
        found = [label(row, i, quick) for i, row in enumerate(rows)]
        assert found == rows.argmax(axis=1).tolist()

    def test_reset(self):
        label = LabelFilter()
        label(np.array([0.6, 0.4]), 0, self.settings)
        label.reset()
        assert label(np.array([0.4, 0.6]), 1, self.settings) == 1
