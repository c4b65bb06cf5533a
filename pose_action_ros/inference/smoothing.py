"""Steadier joints and labels for people and controllers; scores and clips stay raw.

Joints: the one-euro filter (Casiez, Roussel and Vogel, CHI 2012), a low pass whose cut-off rises
with speed. Labels: a new one must be clearly better, for some time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.inference.settings import SmoothSettings

__all__ = ['LabelFilter', 'OneEuroFilter']

_SPEED_CUTOFF_HZ = 1.0


class OneEuroFilter:
    """Filters arrays of one shape; after NaN an entry restarts."""

    def __init__(self) -> None:
        self._stamp_ns = 0
        self._value: NDArray[np.float64] | None = None
        self._speed: NDArray[np.float64] | None = None

    def reset(self) -> None:
        """Drop the past."""
        self._value = self._speed = None

    def __call__(
        self,
        values: NDArray[np.floating],
        stamp_ns: int,
        settings: SmoothSettings,
        unit: float = 1.0,
    ) -> NDArray[np.float64]:
        """Return the filtered value.

        Args:
            values: Any shape, the same at every call.
            stamp_ns: Time of the measurement; a step back restarts the filter.
            settings: Cut-off and its slope.
            unit: Length in which speeds are measured, in units of `values`.
        """
        value = np.array(values, np.float64)
        step_s = (stamp_ns - self._stamp_ns) * 1e-9
        if self._value is None or self._speed is None or step_s <= 0.0:
            self._value, self._speed = value, np.zeros_like(value)
            self._stamp_ns = stamp_ns
            return value
        last = np.where(np.isnan(self._value), value, self._value)
        slope = _share(_SPEED_CUTOFF_HZ, step_s)
        speed = np.nan_to_num((value - last) / step_s)
        speed = self._speed + slope * (speed - self._speed)
        cutoff_hz = settings.min_cutoff + settings.beta * np.abs(speed) / unit
        filtered: NDArray[np.float64] = last + _share(cutoff_hz, step_s) * (value - last)
        self._value, self._speed, self._stamp_ns = filtered, speed, stamp_ns
        return filtered


class LabelFilter:
    """Holds a label until others have been better by a margin for some time.

    Rivals that take turns count together, so their changes do not extend the time.
    """

    def __init__(self) -> None:
        self._held: int | None = None
        self._beaten_ns: int | None = None  # since when others are better

    def reset(self) -> None:
        """Drop the held label."""
        self._held = self._beaten_ns = None

    def __call__(
        self, scores: NDArray[np.floating], stamp_ns: int, settings: SmoothSettings
    ) -> int:
        """Return the index of the label to show.

        Args:
            scores: (A,) probabilities.
            stamp_ns: Stamp of the image.
            settings: Margin and duration.
        """
        best = int(scores.argmax())
        if self._held is None:
            self._held = best
        if best == self._held or scores[best] < scores[self._held] + settings.label_margin:
            self._beaten_ns = None
            return self._held
        if self._beaten_ns is None:
            self._beaten_ns = stamp_ns
        if stamp_ns - self._beaten_ns >= settings.label_duration * 1e9:
            self._held, self._beaten_ns = best, None
        return self._held


def _share(cutoff_hz: float | NDArray[np.float64], step_s: float) -> NDArray[np.float64]:
    """Weight of the new value in an exponential filter with that cut-off."""
    turn = 2.0 * np.pi * np.asarray(cutoff_hz, np.float64) * step_s
    return turn / (1.0 + turn)
