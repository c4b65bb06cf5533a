"""Velocity of a root joint: a Kalman filter of constant velocity over irregular stamps.

It uses the past alone. Each position is weighted by its covariance. Motion across the line of
sight counts at once, motion along it slowly: the distance is a hundred times less exact.
Y. Bar-Shalom, X. Li and T. Kirubarajan, Estimation with Applications to Tracking and Navigation,
2001, section 6.2 (continuous white noise acceleration).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import ScaleSource

__all__ = ['RootFilter']

ACCELERATION_PSD = 0.05
"""Power density of people's acceleration, m^2/s^3 in each axis. A larger one follows the bounce of
a gait, a smaller one lags more. Chosen on films of walking and running people that are not in the
tables of docs/coordinates.md."""

CORRELATION_S = 0.1
"""Time for which the errors of consecutive images are similar, as their poses are."""

START_SIGMA_M_PER_S = 0.8
"""One sigma of the speed in each axis of a new person, who stands or walks."""

MAX_SIGMA_M_PER_S = 0.5
"""A velocity with a larger sigma in any direction counts as unknown."""


class RootFilter:
    """Follows one root joint in the camera's optical frame."""

    def __init__(self) -> None:
        self._stamp_ns = 0
        self._source: ScaleSource | None = None
        self._state = np.zeros((2, 3))  # place, velocity
        self._covariance = np.zeros((6, 6))

    def reset(self) -> None:
        """Drop the past."""
        self._source = None

    def __call__(
        self,
        root_m: NDArray[np.floating],
        noise_m2: NDArray[np.float64],
        stamp_ns: int,
        *,
        source: ScaleSource,
        max_gap_s: float,
    ) -> NDArray[np.float64]:
        """Update with the position of the root, and return its velocity.

        Args:
            root_m: (3,) its position, unfiltered.
            noise_m2: (3, 3) covariance of its error in this image, without the error that is
                common to all images of the person.
            stamp_ns: Time of the position; a step back restarts the filter.
            source: Source of the distance. Another source has another error, so the
                position then restarts, and the velocity is kept.
            max_gap_s: A longer pause restarts the filter.

        Returns:
            (3,) metres per second; NaN until it is known.
        """
        step_s = (stamp_ns - self._stamp_ns) * 1e-9
        if self._source is None or not 0.0 <= step_s <= max_gap_s:
            self._state[1] = 0.0
            self._covariance[3:, 3:] = START_SIGMA_M_PER_S**2 * np.eye(3)
            self._place(root_m, noise_m2)
        elif step_s > 0.0:
            self._predict(step_s)
            alike = np.exp(-step_s / CORRELATION_S)
            noise = noise_m2 * (1.0 + alike) / (1.0 - alike)
            if source == self._source:
                self._correct(root_m, noise)
            else:
                self._place(root_m, noise)
        self._stamp_ns, self._source = stamp_ns, source
        worst = float(np.linalg.eigvalsh(self._covariance[3:, 3:])[-1])
        known = worst <= MAX_SIGMA_M_PER_S**2
        return self._state[1].copy() if known else np.full(3, np.nan)

    def _place(self, root_m: NDArray[np.floating], noise_m2: NDArray[np.float64]) -> None:
        """Set the position, without a conclusion about the velocity."""
        self._state[0] = root_m
        self._covariance[:3, :3] = noise_m2
        self._covariance[:3, 3:] = self._covariance[3:, :3] = 0.0

    def _predict(self, step_s: float) -> None:
        self._state[0] += step_s * self._state[1]
        move = np.kron([[1.0, step_s], [0.0, 1.0]], np.eye(3))
        drift = np.array([[step_s**3 / 3.0, step_s**2 / 2.0], [step_s**2 / 2.0, step_s]])
        self._covariance = move @ self._covariance @ move.T
        self._covariance += ACCELERATION_PSD * np.kron(drift, np.eye(3))

    def _correct(self, root_m: NDArray[np.floating], noise_m2: NDArray[np.float64]) -> None:
        """Combine a position with the expected one (Joseph's form, which stays positive)."""
        expected = self._covariance[:3, :3] + noise_m2
        gain = np.linalg.solve(expected, self._covariance[:3]).T  # (6, 3)
        self._state += (gain @ (root_m - self._state[0])).reshape(2, 3)
        rest = np.eye(6)
        rest[:, :3] -= gain
        self._covariance = rest @ self._covariance @ rest.T + gain @ noise_m2 @ gain.T
