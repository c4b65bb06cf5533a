"""Errors of joints: MPJPE in space, PCK in the image.

Sources: Human3.6M (Ionescu et al., PAMI 2014) for MPJPE; Martinez et al., ICCV 2017, for its
Procrustes-aligned variant; MPII (Andriluka et al., CVPR 2014) for PCKh; FLIC (Sapp and Taskar,
CVPR 2013) for the torso scale; MPI-INF-3DHP (Mehta et al., 3DV 2017) for PCK in space and its AUC.

Targets without a value are NaN and do not count. All averages are pooled: over all valid pairs of
sample and joint, not over per-joint or per-sample means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import get_skeleton

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    'auc',
    'head_size',
    'joint_errors',
    'mpjpe',
    'p_mpjpe',
    'pck',
    'pck3d',
    'pck_torso',
    'pckh',
]

_HEAD_OVER_DIAGONAL = 0.6


def mpjpe(predicted: ArrayLike, target: ArrayLike, *, root: int | None = 0) -> float:
    """Mean per-joint position error.

    Human3.6M's protocol: both poses are centred on their root, whose own error of zero counts.

    Args:
        predicted: (..., J, D).
        target: (..., J, D) in the same unit. Joints that are NaN on either side are ignored.
        root: Joint on which both are centred; None: they are not centred.

    Returns:
        Mean distance in the unit of the arguments; NaN without a valid joint.
    """
    predicted, target = _same_shape(predicted, target)
    if root is not None:
        predicted = predicted - predicted[..., root : root + 1, :]
        target = target - target[..., root : root + 1, :]
    return _mean(np.linalg.norm(predicted - target, axis=-1))


def p_mpjpe(predicted: ArrayLike, target: ArrayLike) -> float:
    """MPJPE after the best similarity (shift, rotation, scale) per sample, reflection excluded.

    Args:
        predicted: (..., J, D).
        target: (..., J, D) in the same unit. Joints that are NaN on either side are ignored.

    Returns:
        Mean distance in the unit of the arguments; NaN without a valid joint.
    """
    predicted, target = _same_shape(predicted, target)
    valid = np.asarray(np.isfinite(predicted + target).all(axis=-1))
    aligned = _aligned(
        np.where(valid[..., None], predicted, 0.0), np.where(valid[..., None], target, 0.0), valid
    )
    return _mean(np.where(valid, np.linalg.norm(aligned - target, axis=-1), np.nan))


def joint_errors(
    predicted: ArrayLike, target: ArrayLike, scale: ArrayLike = 1.0
) -> NDArray[np.float64]:
    """Return distances over a scale, the basis of all PCK curves.

    Args:
        predicted: (..., J, D); a missing joint (NaN) is infinitely far off.
        target: (..., J, D) in the same unit, NaN if not annotated.
        scale: (...) one length per sample in that unit, e.g. `head_size`, or one for all.

    Returns:
        (..., J) float64, NaN if target or scale are unknown.
    """
    predicted, target = _same_shape(predicted, target)
    distance = np.linalg.norm(predicted - target, axis=-1)
    known = np.isfinite(target).all(axis=-1)
    distance = np.where(known, np.where(np.isnan(distance), np.inf, distance), np.nan)
    return np.asarray(distance / np.asarray(scale, np.float64)[..., None])


def pck(errors: ArrayLike, threshold: float) -> float:
    """Percentage of correct keypoints, as a share from 0 to 1.

    Args:
        errors: From `joint_errors`; slice it for the value of one joint.
        threshold: Largest error that is correct, in units of the scale.

    Returns:
        Share of the errors that are not NaN; NaN if there are none.
    """
    errors = np.asarray(errors, np.float64)
    known = errors[~np.isnan(errors)]
    return float((known <= threshold).mean()) if known.size else float('nan')


def auc(errors: ArrayLike, *, max_threshold: float, steps: int) -> float:
    """Area under the PCK curve from 0 to a threshold, over the largest possible area.

    The mean of `pck` at 0, 1/steps, ..., 1 of the threshold: for PCKh 0.5 in 50 steps (MPII),
    for PCK in space 0.15 m in 30 steps (MPI-INF-3DHP).

    Args:
        errors: From `joint_errors`.
        max_threshold: Upper end.
        steps: Intervals, >= 1.

    Returns:
        0 to 1; NaN if nothing is known.

    Raises:
        ConfigError: There are no steps.
    """
    if steps < 1:
        raise ConfigError(f'AUC needs at least 1 step; got {steps}')
    thresholds = np.linspace(0.0, max_threshold, steps + 1)
    return float(np.mean([pck(errors, float(t)) for t in thresholds]))


def head_size(head_box_px: ArrayLike) -> NDArray[np.float64]:
    """Return MPII's head size: 0.6 of the diagonal of the annotated head box.

    Args:
        head_box_px: (..., 4) x1, y1, x2, y2 in pixels.

    Returns:
        (...) float64 pixels.
    """
    box = np.asarray(head_box_px, np.float64)
    return np.asarray(_HEAD_OVER_DIAGONAL * np.linalg.norm(box[..., 2:] - box[..., :2], axis=-1))


def pckh(
    predicted_px: ArrayLike,
    target_px: ArrayLike,
    head_size_px: ArrayLike,
    *,
    threshold: float = 0.5,
    skipped: tuple[int, ...] = (0, 1),
) -> float:
    """PCK relative to the head.

    Args:
        predicted_px: (N, J, 2) pixels of the full image.
        target_px: (N, J, 2), NaN if not annotated.
        head_size_px: (N,) from `head_size`.
        threshold: Share of the head size.
        skipped: Joints that do not count: pelvis and thorax in MPII's protocol (layout `pa16j`).

    Returns:
        0 to 1, NaN if nothing is annotated.
    """
    errors = joint_errors(predicted_px, target_px, head_size_px)
    return pck(np.delete(errors, skipped, axis=-1), threshold)


def pck_torso(
    predicted_px: ArrayLike,
    target_px: ArrayLike,
    *,
    layout: str,
    visible: ArrayLike | None = None,
    threshold: float = 0.1,
) -> float:
    """PCK relative to the torso's diameter, left shoulder to right hip in the target's image.

    Args:
        predicted_px: (..., J, 2) pixels.
        target_px: (..., J, 2), NaN if not annotated; samples without both joints don't count.
        layout: Name of the joint layout.
        visible: (..., J) bool, the joints to count; all by default.
        threshold: Share of the torso's diameter.

    Returns:
        0 to 1, NaN if nothing counts.
    """
    skeleton = get_skeleton(layout)
    target = np.asarray(target_px, np.float64)
    ends = target[..., [skeleton.index('left_shoulder'), skeleton.index('right_hip')], :]
    diameter = np.linalg.norm(ends[..., 0, :] - ends[..., 1, :], axis=-1)
    errors = joint_errors(predicted_px, target, np.where(diameter > 0.0, diameter, np.nan))
    if visible is not None:
        errors = np.where(np.asarray(visible, bool), errors, np.nan)
    return pck(errors, threshold)


def pck3d(
    predicted_m: ArrayLike,
    target_m: ArrayLike,
    *,
    threshold_m: float = 0.15,
    root: int | None = 0,
) -> float:
    """Share of joints within a distance in space.

    Args:
        predicted_m: (..., J, 3) metres, already centred as in the protocol.
        target_m: (..., J, 3) metres, NaN if not annotated.
        threshold_m: Largest distance that is correct; 0.15 is MPI-INF-3DHP's.
        root: Joint that does not count; None counts all.

    Returns:
        0 to 1, NaN if nothing is annotated.
    """
    errors = joint_errors(predicted_m, target_m)
    return pck(errors if root is None else np.delete(errors, root, axis=-1), threshold_m)


def _same_shape(
    predicted: ArrayLike, target: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    left, right = np.asarray(predicted, np.float64), np.asarray(target, np.float64)
    if left.shape != right.shape or left.ndim < 2:
        raise ConfigError(
            f'found joints of shapes {left.shape} and {right.shape}; expected twice (..., J, D)'
        )
    return left, right


def _mean(values: NDArray[np.float64]) -> float:
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else float('nan')


def _aligned(
    moving: NDArray[np.float64], fixed: NDArray[np.float64], valid: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Orthogonal Procrustes with scale (Umeyama, PAMI 1991) over the valid joints; (..., J, D)."""
    weight = valid[..., None] / np.maximum(valid.sum(axis=-1), 1)[..., None, None]
    moving_mean = (weight * moving).sum(axis=-2, keepdims=True)
    fixed_mean = (weight * fixed).sum(axis=-2, keepdims=True)
    moving, centred = moving - moving_mean, fixed - fixed_mean
    covariance = np.swapaxes(weight * moving, -1, -2) @ centred  # (..., D, D)
    left, singular, right = np.linalg.svd(covariance)
    sign = np.ones_like(singular)
    sign[..., -1] = np.where(np.linalg.det(left @ right) < 0.0, -1.0, 1.0)
    spread = (weight * moving**2).sum(axis=(-2, -1))
    scale = (singular * sign).sum(axis=-1) / np.where(spread > 0.0, spread, 1.0)
    rotation = (left * sign[..., None, :]) @ right
    return np.asarray(scale[..., None, None] * (moving @ rotation) + fixed_mean)
