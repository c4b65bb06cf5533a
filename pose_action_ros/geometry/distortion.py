"""Lens distortion models of `sensor_msgs/CameraInfo`, forwards and backwards.

Owns: the formulas behind `Camera`. They act on the normalised image plane (z = 1 m), x right, y
down. Source: REP 104; the coefficients have their meanings in OpenCV's `calib3d`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from pose_action_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ['DISTORTION_MODELS', 'POLYNOMIAL_COUNTS', 'Distortion', 'find_distortion']

_NEWTON_STEPS = 30
_TOLERANCE = 1e-10
_FISHEYE_LIMIT_RAD = np.pi


class Distortion(Protocol):
    """A lens model, both ways."""

    def distort(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map ideal points (..., 2) of the plane z = 1 to distorted ones."""

    def undistort(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Invert `distort`; NaN if no ideal point leads to the given one."""


class NoDistortion:
    """An ideal pinhole."""

    def distort(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the points as they are."""
        return points

    def undistort(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the points as they are."""
        return points


class Polynomial:
    """OpenCV's one polynomial: k1 k2 p1 p2, k3, k4 k5 k6, s1 s2 s3 s4, then the tilted sensor."""

    def __init__(self, coefficients: tuple[float, ...]) -> None:
        every = np.zeros(14)
        every[: len(coefficients)] = coefficients
        self._c, tilt = every[:12], every[12:]
        self._tilt = _tilt_matrix(*tilt) if tilt.any() else None

    def distort(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map ideal points (..., 2) to distorted ones."""
        bent, _ = self._with_jacobian(points)
        return bent if self._tilt is None else _projected(self._tilt, bent)

    def undistort(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Invert `distort` by Newton steps from the distorted point."""
        if self._tilt is not None:
            points = _projected(np.linalg.inv(self._tilt).astype(np.float64), points)
        ideal = points.copy()
        for _ in range(_NEWTON_STEPS):
            value, jacobian = self._with_jacobian(ideal)
            error = value - points
            if not (np.abs(error) > _TOLERANCE).any():
                break
            ideal = ideal - _solve_2x2(jacobian, error)
        value, jacobian = self._with_jacobian(ideal)
        # Beyond the fold of the polynomial a solution is not a real ray. Before it both
        # eigenvalues of the Jacobian are positive, and so are determinant and trace.
        trace = jacobian[..., 0, 0] + jacobian[..., 1, 1]
        folded = ~((_determinant(jacobian) > 0.0) & (trace > 0.0))
        ideal[(np.abs(value - points) > 1e-6).any(axis=-1) | folded] = np.nan
        return ideal

    def _with_jacobian(
        self, points: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        k1, k2, p1, p2, k3, k4, k5, k6, s1, s2, s3, s4 = self._c
        x, y = points[..., 0], points[..., 1]
        r2 = x * x + y * y
        top = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
        below = 1.0 + r2 * (k4 + r2 * (k5 + r2 * k6))
        radial = top / below
        top_slope = k1 + r2 * (2.0 * k2 + r2 * 3.0 * k3)
        below_slope = k4 + r2 * (2.0 * k5 + r2 * 3.0 * k6)
        slope = (top_slope - radial * below_slope) / below  # d radial / d r2
        value = np.stack(
            [
                x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x) + r2 * (s1 + s2 * r2),
                y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y + r2 * (s3 + s4 * r2),
            ],
            axis=-1,
        )
        prism_x, prism_y = 2.0 * (s1 + 2.0 * s2 * r2), 2.0 * (s3 + 2.0 * s4 * r2)
        cross = 2.0 * (x * y * slope + p1 * x + p2 * y)
        jacobian = np.empty((*x.shape, 2, 2))
        jacobian[..., 0, 0] = radial + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x + prism_x * x
        jacobian[..., 0, 1] = cross + prism_x * y
        jacobian[..., 1, 0] = cross + prism_y * x
        jacobian[..., 1, 1] = radial + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x + prism_y * y
        return value, jacobian


def _tilt_matrix(tau_x: float, tau_y: float) -> NDArray[np.float64]:
    """(3, 3) from the plane of the lens to a sensor turned about x and y, radians."""
    (sx, sy), (cx, cy) = np.sin([tau_x, tau_y]), np.cos([tau_x, tau_y])
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cx, sx], [0.0, -sx, cx]])
    about_y = np.array([[cy, 0.0, -sy], [0.0, 1.0, 0.0], [sy, 0.0, cy]])
    turned = about_y @ about_x
    onto_sensor = np.diag([turned[2, 2], turned[2, 2], 1.0])
    onto_sensor[:2, 2] = -turned[:2, 2]
    return np.asarray(onto_sensor @ turned)


def _projected(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply a homography to (..., 2)."""
    mapped = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(mapped[..., :2] / mapped[..., 2:])


def _determinant(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """(...) of (..., 2, 2); unlike numpy's silent about NaN."""
    (a, b), (c, d) = np.moveaxis(matrix, (-2, -1), (0, 1))
    return np.asarray(a * d - b * c)


def _solve_2x2(matrix: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve (..., 2, 2) systems by Cramer's rule; a singular one gives NaN instead of raising."""
    (a, b), (c, d) = np.moveaxis(matrix, (-2, -1), (0, 1))
    determinant = _determinant(matrix)
    determinant = np.where(np.abs(determinant) > 1e-12, determinant, np.nan)
    x, y = right[..., 0], right[..., 1]
    return np.stack([d * x - b * y, a * y - c * x], axis=-1) / determinant[..., None]


class Equidistant:
    """`equidistant`, the fisheye model (k1 k2 k3 k4): the image radius grows with the angle."""

    def __init__(self, coefficients: tuple[float, ...]) -> None:
        self._k = np.zeros(4)
        self._k[: len(coefficients)] = coefficients

    def distort(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map ideal points (..., 2) to distorted ones."""
        radius = np.linalg.norm(points, axis=-1, keepdims=True)
        image_radius, _ = self._radius(np.arctan(radius))
        with np.errstate(invalid='ignore', divide='ignore'):
            scale = np.where(radius > 1e-9, image_radius / radius, 1.0)
        return np.where(np.isnan(points), np.nan, points * scale)

    def undistort(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Invert `distort`; NaN for rays 90 degrees or more off the axis."""
        image_radius = np.linalg.norm(points, axis=-1, keepdims=True)
        theta = np.minimum(image_radius, _FISHEYE_LIMIT_RAD / 2.0)
        for _ in range(_NEWTON_STEPS):
            value, slope = self._radius(theta)
            error = value - image_radius
            if not (np.abs(error) > _TOLERANCE).any():
                break
            theta = theta - error / np.where(np.abs(slope) > 1e-9, slope, 1.0)
        value, slope = self._radius(theta)
        lost = (np.abs(value - image_radius) > 1e-6) | (slope <= 0.0)
        lost |= (theta < 0.0) | (theta >= np.pi / 2.0 - 1e-6)
        with np.errstate(invalid='ignore', divide='ignore'):
            scale = np.where(image_radius > 1e-9, np.tan(theta) / image_radius, 1.0)
        return np.where(lost, np.nan, points * scale)

    def _radius(
        self, theta: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        k1, k2, k3, k4 = self._k
        t2 = theta * theta
        value = theta * (1.0 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4))))
        slope = 1.0 + t2 * (3 * k1 + t2 * (5 * k2 + t2 * (7 * k3 + t2 * 9 * k4)))
        return value, slope


POLYNOMIAL_COUNTS = (4, 5, 8, 12, 14)
"""Numbers of coefficients that the polynomial may have, as in OpenCV."""

DISTORTION_MODELS: dict[str, tuple[int, ...]] = {
    '': POLYNOMIAL_COUNTS,
    'plumb_bob': POLYNOMIAL_COUNTS,
    'rational_polynomial': POLYNOMIAL_COUNTS,
    'thin_prism': POLYNOMIAL_COUNTS,
    'tilted': POLYNOMIAL_COUNTS,
    'equidistant': (4,),
    'fisheye': (4,),
    'kannala_brandt4': (4,),
}
"""Accepted numbers of coefficients by the model name in CameraInfo.

The number determines the terms of the polynomial, regardless of its name: drivers send `plumb_bob`
with eight coefficients, `rational_polynomial` with five, and no name at all.
"""


def find_distortion(model: str, coefficients: tuple[float, ...]) -> Distortion:
    """Return the lens model of a `CameraInfo`.

    Args:
        model: `CameraInfo.distortion_model`; where all coefficients are 0 it may be any.
        coefficients: `CameraInfo.d`.

    Raises:
        ConfigError: The model is unknown, or the number of coefficients does not fit it.
    """
    name = model.strip().lower().replace(' ', '_').replace('-', '_')
    accepted = DISTORTION_MODELS.get(name)
    if not any(coefficients):
        # A fisheye without coefficients still bends rays; a polynomial without any does not.
        return Equidistant(()) if accepted == (4,) and coefficients else NoDistortion()
    if accepted is None:
        raise ConfigError(
            f'unknown distortion model {model!r}; expected one of '
            f'{", ".join(filter(None, DISTORTION_MODELS))}: '
            'correct the calibration, or publish rectified images with zero distortion'
        )
    if len(coefficients) not in accepted:
        raise ConfigError(
            f'{model or "a calibration without distortion_model"} came with {len(coefficients)} '
            f'coefficients; expected {" or ".join(map(str, accepted))}: correct the calibration'
        )
    return Equidistant(coefficients) if accepted == (4,) else Polynomial(coefficients)
