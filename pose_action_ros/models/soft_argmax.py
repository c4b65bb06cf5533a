"""From heat maps to joints: soft-argmax, context and depth maps (paper, section 3.1).

No learned parameters. The grid runs from 0 at the first cell to 1 at the last, both included;
coordinates are relative to the crop, x along columns, y along rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from pose_action_ros.models.config import ModelConfig

__all__ = [
    'CONTEXT_ALPHA',
    'HeatMapReading',
    'read_heat_maps',
    'soft_argmax_1d',
    'soft_argmax_2d',
    'spatial_softmax',
]

CONTEXT_ALPHA = 0.8
"""Weight of a joint's own map against its context maps (supplement)."""


class HeatMapReading(NamedTuple):
    """The readings of the heat maps of one block.

    Attributes:
        joints: (B, J, D) in crop coordinates.
        logit: (B, J) evidence that the joint is seen; its sigmoid is the visibility.
        probabilities: (B, J, H * W) the joints' maps after the spatial softmax.
    """

    joints: Tensor
    logit: Tensor
    probabilities: Tensor


def read_heat_maps(logits: Tensor, config: ModelConfig) -> HeatMapReading:
    """Read joints and visibility out of raw heat maps.

    Args:
        logits: (B, M, H, W), channels as the config orders them.
        config: Decides between context (2D) and depth maps (3D).
    """
    if config.dimensions == 3:
        return _read_depth_maps(logits, config.num_joints)
    return _read_context_maps(logits, config.num_joints, config.context_maps)


def spatial_softmax(logits: Tensor) -> Tensor:
    """Map (..., H, W) to (..., H * W) that sum to 1."""
    return logits.flatten(-2).softmax(dim=-1)


def soft_argmax_2d(probabilities: Tensor, height: int, width: int) -> Tensor:
    """Expectation of (x, y) under each map.

    Args:
        probabilities: (..., H * W), sum 1.
        height: H.
        width: W.

    Returns:
        (..., 2), each from 0 to 1.
    """
    x = torch.linspace(0, 1, width, dtype=probabilities.dtype, device=probabilities.device)
    y = torch.linspace(0, 1, height, dtype=probabilities.dtype, device=probabilities.device)
    # Sums, because a matrix product would run in the reduced precision of the convolutions, and a
    # coordinate of 8 bits is only exact to a pixel.
    maps = probabilities.reshape(*probabilities.shape[:-1], height, width)
    columns, rows = maps.sum(dim=-2), maps.sum(dim=-1)
    return torch.stack([(columns * x).sum(dim=-1), (rows * y).sum(dim=-1)], dim=-1)


def soft_argmax_1d(logits: Tensor) -> Tensor:
    """Expectation of the grid 0 to 1 under the softmax over the last axis: (..., N) to (...)."""
    grid = torch.linspace(0, 1, logits.shape[-1], dtype=logits.dtype, device=logits.device)
    return (logits.softmax(dim=-1) * grid).sum(dim=-1)


def _read_context_maps(logits: Tensor, joints: int, context: int) -> HeatMapReading:
    """Channels: J joint maps, then the context maps, joint after joint."""
    height, width = logits.shape[-2:]
    probabilities = spatial_softmax(logits)  # (B, J + J * N_c, H * W)
    positions = soft_argmax_2d(probabilities, height, width)
    peaks = logits.flatten(-2).amax(dim=-1)  # (B, J + J * N_c)
    own, logit = positions[:, :joints], peaks[:, :joints]
    if context:
        weights = peaks[:, joints:].sigmoid().reshape(-1, joints, context)  # (B, J, N_c)
        around = positions[:, joints:].reshape(-1, joints, context, 2)  # (B, J, N_c, 2)
        pooled = (weights.unsqueeze(-1) * around).sum(dim=2) / weights.sum(dim=2, keepdim=True)
        own = CONTEXT_ALPHA * own + (1 - CONTEXT_ALPHA) * pooled
    return HeatMapReading(own, logit, probabilities[:, :joints])


def _read_depth_maps(logits: Tensor, joints: int) -> HeatMapReading:
    """Channels: depth after depth, the joints of one depth side by side."""
    height, width = logits.shape[-2:]
    depths = logits.shape[1] // joints
    volume = logits.reshape(-1, depths, joints, height, width)  # (B, N_d, J, H, W)
    flat = volume.mean(dim=1)  # (B, J, H, W)
    along = volume.mean(dim=(-2, -1)).transpose(1, 2)  # (B, J, N_d)
    probabilities = spatial_softmax(flat)
    xy = soft_argmax_2d(probabilities, height, width)
    z = soft_argmax_1d(along)
    logit = flat.flatten(-2).amax(dim=-1) + along.amax(dim=-1)
    return HeatMapReading(torch.cat([xy, z.unsqueeze(-1)], dim=-1), logit, probabilities)
