"""The distance, or the scale: the one unknown between a 2.5D pose and metres, in closed form.

A 2.5D pose gives each segment's vector as `u * s + v` across the line of sight and `d` along it,
with one unknown s for all: the distance of the root in metres (perspective), or metres per pixel
(weak perspective, v = 0). Its squared length is a quadratic in s, and so is a weighted sum over
segments: setting that sum to the sum of expected squared lengths has one positive root. Squares
are used because noise adds to them by a known amount, which is subtracted; lengths themselves are
biased, and strongly so far away and with noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ['ScaleFit', 'Segments', 'fit_scale']

_REWEIGHTINGS = 5
_HUBER = 1.5
_MIN_SEGMENTS = 3
_MAX_RELATIVE_SIGMA = 0.5


@dataclass(frozen=True)
class Segments:
    """Measured and expected lengths of S segments, with their noise.

    Attributes:
        across_slope: (S, 2) u: change of the lateral vector per unit of s.
        across_offset: (S, 2) v: metres.
        along: (S,) d: metres.
        length: (S,) expected lengths, metres.
        length_sigma: Relative one sigma of a segment's length.
        noise_gain: (S,) sum of squared joint coefficients, 2 for a plain bone.
        slope_sigma: One sigma of one joint in one axis, in units of u.
        along_sigma: One sigma of one joint's depth, metres.
    """

    across_slope: NDArray[np.float64]
    across_offset: NDArray[np.float64]
    along: NDArray[np.float64]
    length: NDArray[np.float64]
    length_sigma: float
    noise_gain: NDArray[np.float64]
    slope_sigma: float
    along_sigma: float


@dataclass(frozen=True)
class ScaleFit:
    """The result of `fit_scale`.

    Attributes:
        scale: s, or NaN.
        sigma: One standard deviation of s from noise and differing proportions.
        noise_sigma: The part of it that comes from the noise of the joints alone.
        reason: The reason if there is no scale; otherwise empty.
    """

    scale: float
    sigma: float
    noise_sigma: float
    reason: str = ''


def fit_scale(segments: Segments) -> ScaleFit:
    """Solve for s, robustly.

    Starts from the median of the segments' own solutions, then solves the summed quadratic with
    weights (information about s over variance, Huber against outliers) a fixed number of times.
    """
    count = len(segments.length)
    if count < _MIN_SEGMENTS:
        return _failed(f'{count} segments are seen well enough, {_MIN_SEGMENTS} are needed')
    scale = _median_start(segments)
    if not np.isfinite(scale):
        return _failed('the joints lie on one point or in one line of sight')
    lateral = np.maximum(segments.length**2 - segments.along**2, 0.0)
    weights = np.ones(count)
    for _ in range(_REWEIGHTINGS):
        variance = _variance(segments, scale, lateral)
        residual = _excess(segments, scale) / np.sqrt(variance)
        huber = np.minimum(1.0, _HUBER / np.maximum(np.abs(residual), 1e-9))
        weights = huber * (lateral + 0.01 * segments.length**2) / variance
        scale = _solve(segments, weights)
        if not np.isfinite(scale):
            return _failed('no positive scale fits the bone lengths: too small or too noisy')
    sigma = _sigma(segments, scale, weights, lateral)
    noise_sigma = _predicted_sigma(replace(segments, length_sigma=0.0), scale, weights, lateral)
    if not sigma < _MAX_RELATIVE_SIGMA * scale:
        return _failed(f'too uncertain: one sigma is more than {_MAX_RELATIVE_SIGMA:.0%} of it')
    return ScaleFit(scale, sigma, noise_sigma)


def _failed(reason: str) -> ScaleFit:
    return ScaleFit(float('nan'), float('nan'), float('nan'), reason)


def _median_start(segments: Segments) -> float:
    """Weighted median of the segments' own solutions, weighted by their length in the image."""
    u, v = segments.across_slope, segments.across_offset
    across = np.maximum(segments.length**2 - segments.along**2, (0.2 * segments.length) ** 2)
    squared = (u**2).sum(axis=1)
    mixed = (u * v).sum(axis=1)
    root = np.maximum(mixed**2 - squared * ((v**2).sum(axis=1) - across), 0.0)
    usable = squared > 0.0
    if not usable.any():
        return float('nan')
    own = (np.sqrt(root[usable]) - mixed[usable]) / squared[usable]
    order = np.argsort(own)
    share = np.cumsum(np.sqrt(across[usable])[order])
    middle = float(own[order][np.searchsorted(share, share[-1] / 2.0)])
    return middle if middle > 0.0 else float('nan')


def _excess(segments: Segments, scale: float) -> NDArray[np.float64]:
    """(S,) excess of the squared length at that scale over the expected one, less noise; m^2."""
    lateral = segments.across_slope * scale + segments.across_offset
    noise = 2.0 * (segments.slope_sigma * scale) ** 2 + segments.along_sigma**2
    squared = (lateral**2).sum(axis=1) + segments.along**2 - segments.noise_gain * noise
    return np.asarray(squared - segments.length**2)


def _variance(
    segments: Segments, scale: float, lateral: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(S,) variance of `_excess` that the noise model predicts; m^4."""
    across = segments.noise_gain * (segments.slope_sigma * scale) ** 2
    along = segments.noise_gain * segments.along_sigma**2
    proportions = 4.0 * segments.length_sigma**2 * segments.length**4
    return (
        proportions
        + 4.0 * (lateral * across + segments.along**2 * along)
        + 4.0 * across**2
        + 2.0 * along**2
        + 1e-12
    )


def _solve(segments: Segments, weights: NDArray[np.float64]) -> float:
    """Positive root of the weighted sum of quadratics, or NaN."""
    u, v, gain = segments.across_slope, segments.across_offset, segments.noise_gain
    a = weights @ ((u**2).sum(axis=1) - 2.0 * gain * segments.slope_sigma**2)
    b = weights @ (u * v).sum(axis=1)
    c = weights @ (
        (v**2).sum(axis=1)
        + segments.along**2
        - gain * segments.along_sigma**2
        - segments.length**2
    )
    inside = b * b - a * c
    if a <= 0.0 or inside <= 0.0:
        return float('nan')
    scale = float((np.sqrt(inside) - b) / a)
    return scale if scale > 0.0 else float('nan')


def _sigma(
    segments: Segments,
    scale: float,
    weights: NDArray[np.float64],
    lateral: NDArray[np.float64],
) -> float:
    """Sandwich estimate, with the larger of predicted and found scatter."""
    variance = _variance(segments, scale, lateral)
    found = float(np.mean(np.minimum(_excess(segments, scale) ** 2 / variance, 16.0)))
    return _predicted_sigma(segments, scale, weights, lateral) * float(np.sqrt(max(1.0, found)))


def _predicted_sigma(
    segments: Segments,
    scale: float,
    weights: NDArray[np.float64],
    lateral: NDArray[np.float64],
) -> float:
    """Sandwich estimate from the stated errors of the segments."""
    slope = 2.0 * (
        segments.across_slope * (segments.across_slope * scale + segments.across_offset)
    ).sum(axis=1)
    slope -= 4.0 * segments.noise_gain * segments.slope_sigma**2 * scale
    information = abs(float(weights @ slope))
    if information <= 0.0:
        return float('inf')
    return float(np.sqrt(weights**2 @ _variance(segments, scale, lateral)) / information)
