"""Loss functions: elastic net on joints, cross-entropy on visibility and actions.

Source: the paper, section 4 (elastic net over the joints) and the authors' release (branch
cvpr18, `deephar/losses.py`, `deephar/objectives.py`). They differ by a constant factor only:

| `per`        | divided by                   | used by                                       |
|--------------|------------------------------|-----------------------------------------------|
| 'joint'      | joints with a target         | the paper; our default                        |
| 'coordinate' | coordinates with a target    | the release's `losses`, its MPII script       |
| 'sample'     | nothing                      | the release's `objectives`, its compile calls |

The default is the paper's because it makes the loss, and thus the learning rate, independent of
the number of joints in a layout and of the number of annotated ones. Invalid targets are NaN and
have no weight. All losses are computed in float32, whatever the precision of the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

from pose_action_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pose_action_ros.models import ActionOutput, ClipOutput, PoseOutput
    from pose_action_ros.models.soft_argmax import HeatMapReading

    Normaliser = Literal['joint', 'coordinate', 'sample']

__all__ = [
    'action_loss',
    'binary_cross_entropy',
    'categorical_cross_entropy',
    'elastic_net',
    'heat_map_loss',
    'pose_loss',
]

EPSILON = 1e-7
"""Probabilities are kept this far from 0 and 1, as Keras does."""

_TINY = 1e-30


def pose_loss(
    outputs: Sequence[PoseOutput],
    joints_crop: Tensor,
    visibility: Tensor,
    *,
    visibility_weight: float = 0.01,
    coordinate_weight: float = 0.0,
    weight: Tensor | None = None,
    per: Normaliser = 'joint',
) -> Tensor:
    """Sum over the prediction blocks, which all have the same target and weight.

    Args:
        outputs: Output of each block; joints (..., J, D), visibility (..., J).
        joints_crop: (..., J, D) targets in crop coordinates, NaN where invalid.
        visibility: (..., J) 1 seen, 0 not, NaN where unknown.
        visibility_weight: Weight of the cross-entropy on the visibility; 0.01 as released.
        coordinate_weight: Weight of the cross-entropy that treats coordinates as probabilities;
            0.01 in the release's MPII script, absent from the paper.
        weight: Of each coordinate in the elastic net, broadcast to `joints_crop`; None: 1.
        per: Divisor of the elastic net, see above.

    Returns:
        () float32, mean over all leading axes.

    Raises:
        ConfigError: There are no outputs, or `per` is unknown.
    """
    if not outputs:
        raise ConfigError('found no block outputs; expected one PoseOutput per prediction block')
    total = joints_crop.new_zeros((), dtype=torch.float32)
    for output in outputs:
        loss = elastic_net(output.joints, joints_crop, weight=weight, per=per)
        if coordinate_weight:
            entropy = binary_cross_entropy(output.joints, joints_crop)
            loss = loss + coordinate_weight * _divided(entropy, joints_crop, per)
        seen = _mean_of_valid(binary_cross_entropy(output.visibility, visibility), visibility)
        total = total + (loss + visibility_weight * seen).mean()
    return total


def action_loss(output: ActionOutput | ClipOutput, labels: Tensor) -> Tensor:
    """Sum of the cross-entropies of all class scores: each branch's blocks and their fusion.

    Args:
        output: pose_actions and appearance_actions, lists of (B, A); actions (B, A); all
            probabilities.
        labels: (B,) int64 indices of the true classes.

    Returns:
        () float32, mean over the batch, equal weights as in the release.
    """
    scores = (*output.pose_actions, *output.appearance_actions, output.actions)
    return torch.stack([categorical_cross_entropy(s, labels).mean() for s in scores]).sum()


def elastic_net(
    predicted: Tensor,
    target: Tensor,
    *,
    weight: Tensor | None = None,
    per: Normaliser = 'joint',
) -> Tensor:
    """Absolute plus squared error.

    Args:
        predicted: (..., J, D).
        target: (..., J, D), NaN where invalid.
        weight: Of each coordinate, broadcast to `target`; None: 1.
        per: Divisor of the sum, see above; at least 1.

    Returns:
        (...) float32, one value per sample; 0 where nothing is valid.

    Raises:
        ConfigError: `per` is unknown.
    """
    error = torch.where(target.isnan(), 0.0, predicted.float() - target)
    loss = error.abs() + error.square()
    return _divided(loss if weight is None else loss * weight, target, per)


def heat_map_loss(
    readings: Sequence[HeatMapReading], joints_crop: Tensor, size: tuple[int, int], sigma: float
) -> Tensor:
    """Cross-entropy of the joints' maps with a Gaussian at the true position, minus its entropy.

    A soft-argmax is correct for every map with the correct mean. This loss additionally asks for
    one peak at the joint, like the regularisation of Nibali et al. ("Numerical coordinate
    regression with convolutional neural networks", 2018). It is not in the paper.

    Args:
        readings: Of each prediction block; probabilities (B, J, H * W).
        joints_crop: (B, J, D) targets in crop coordinates, NaN where invalid.
        size: H and W.
        sigma: Of the Gaussian, in cells of the map.

    Returns:
        () float32, summed over the blocks, mean over the valid joints; 0 without valid joints.
    """
    height, width = size
    x = torch.arange(width, device=joints_crop.device)
    y = torch.arange(height, device=joints_crop.device)
    places = joints_crop[..., :2].float() * joints_crop.new_tensor((width - 1.0, height - 1.0))
    valid = ~places.isnan().any(-1)
    places = torch.where(valid[..., None], places, 0.0)
    columns = (-((x - places[..., :1]) ** 2) / (2 * sigma**2)).softmax(-1)  # (B, J, W)
    rows = (-((y - places[..., 1:]) ** 2) / (2 * sigma**2)).softmax(-1)  # (B, J, H)
    target = (rows[..., :, None] * columns[..., None, :]).flatten(-2)  # (B, J, H * W)
    # The bound is tiny, so that a joint whose whole peak is elsewhere still has a gradient.
    entropy = (target * target.clamp(min=_TINY).log()).sum(-1)
    total = joints_crop.new_zeros((), dtype=torch.float32)
    for reading in readings:
        found = reading.probabilities.float().clamp(min=_TINY).log()
        distance = entropy - (target * found).sum(-1)
        total = total + torch.where(valid, distance, 0.0).sum() / valid.sum().clamp(min=1)
    return total


def binary_cross_entropy(predicted: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of single probabilities; targets may lie between 0 and 1.

    Args:
        predicted: (...) probabilities.
        target: (...) NaN where invalid.

    Returns:
        (...) float32; 0 where the target is NaN.
    """
    valid = ~target.isnan()
    target = torch.where(valid, target, 0.0)
    predicted = predicted.float().clamp(EPSILON, 1.0 - EPSILON)
    entropy = -(target * predicted.log() + (1.0 - target) * torch.log1p(-predicted))
    return torch.where(valid, entropy, 0.0)


def categorical_cross_entropy(predicted: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of class probabilities.

    Args:
        predicted: (B, A) probabilities; scaled to sum 1 first, as Keras does.
        labels: (B,) int64 indices of the true classes.

    Returns:
        (B,) float32.
    """
    predicted = predicted.float()
    chosen = predicted.gather(1, labels[:, None])[:, 0] / predicted.sum(dim=1)
    return -chosen.clamp(EPSILON, 1.0 - EPSILON).log()


def _divided(values: Tensor, target: Tensor, per: Normaliser) -> Tensor:
    """Sum over (J, D), divided as `per` says; `values` are 0 where the target is NaN."""
    total = values.sum(dim=(-2, -1))
    valid = ~target.isnan()
    if per == 'sample':
        return total
    if per == 'coordinate':
        return total / valid.sum(dim=(-2, -1)).clamp(min=1)
    if per == 'joint':
        return total / valid.any(dim=-1).sum(dim=-1).clamp(min=1)
    raise ConfigError(f"unknown normaliser {per!r}; expected 'joint', 'coordinate' or 'sample'")


def _mean_of_valid(values: Tensor, target: Tensor) -> Tensor:
    """Mean over the valid ones of J values; 0 if none is valid."""
    return values.sum(dim=-1) / (~target.isnan()).sum(dim=-1).clamp(min=1)
