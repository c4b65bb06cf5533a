"""Folds every batch norm into the convolution before it: the same numbers, fewer passes."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn

from pose_action_ros.models.layers import BatchNorm, ConvUnit, SamePaddedConv, SeparableConv

if TYPE_CHECKING:
    from pose_action_ros.models.multitask import MultitaskNet

__all__ = ['fold_batch_norm']


@torch.no_grad()
def fold_batch_norm(net: MultitaskNet) -> MultitaskNet:
    """Return a copy for inference whose convolutions carry the batch norms; `net` stays."""
    folded = copy.deepcopy(net).eval()
    for unit in folded.modules():
        if not isinstance(unit, ConvUnit) or not isinstance(unit.norm, BatchNorm):
            continue
        conv = unit.conv.pointwise if isinstance(unit.conv, SeparableConv) else unit.conv
        if not isinstance(conv, SamePaddedConv):
            raise TypeError(f'a unit holds a {type(conv).__name__}; expected a convolution')
        norm = unit.norm
        scale = (norm.running_var + norm.eps).rsqrt()
        conv.weight.mul_(scale[:, None, None, None])
        conv.bias = nn.Parameter(norm.bias - norm.running_mean * scale)
        unit.norm = nn.Identity()
    return folded.requires_grad_(False)
