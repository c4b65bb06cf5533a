"""A network folded for inference: the same numbers, fewer operations."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import nn

from pose_action_ros.models.layers import BatchNorm, ConvUnit, SamePaddedConv, SeparableConv

if TYPE_CHECKING:
    from pose_action_ros.models.multitask import MultitaskNet

__all__ = ['fold', 'fold_batch_norms']

NetT = TypeVar('NetT', bound=nn.Module)


@torch.no_grad()
def fold(net: MultitaskNet) -> MultitaskNet:
    """Return a copy for inference; `net` stays.

    Besides `fold_batch_norms`, the first layer of the appearance branch moves from the clip to the
    frame, because it is linear and the same for every joint of every frame. It is then computed
    once per frame instead of T times, and a clip needs less memory.
    """
    folded = fold_batch_norms(net)
    if folded.appearance_action_branch is not None:
        first: Any = folded.appearance_action_branch.reduce
        folded.joint_projection = _as_linear(first)
        folded.appearance_action_branch.reduce = nn.Identity()
    return folded


@torch.no_grad()
def fold_batch_norms(net: NetT) -> NetT:
    """Return a copy for inference in which every batch norm is part of the convolution before it.

    Args:
        net: The network, of `ConvUnit`s; it stays.
    """
    folded = copy.deepcopy(net).eval()
    for unit in folded.modules():
        if isinstance(unit, ConvUnit) and isinstance(unit.norm, BatchNorm):
            _fold_batch_norm(unit, unit.norm)
    return folded.requires_grad_(False)


def _fold_batch_norm(unit: ConvUnit, norm: BatchNorm) -> None:
    conv = _last_conv(unit)
    scale = (norm.running_var + norm.eps).rsqrt()
    conv.weight.mul_(scale[:, None, None, None])
    conv.bias = nn.Parameter(norm.bias - norm.running_mean * scale)
    unit.norm = nn.Identity()


def _as_linear(unit: ConvUnit) -> nn.Linear:
    """A folded 1 x 1 convolution without activation, for channels that come last."""
    conv = _last_conv(unit)
    linear = nn.Linear(conv.in_channels, conv.out_channels)
    linear.load_state_dict({'weight': conv.weight.flatten(1), 'bias': conv.bias})
    return linear


def _last_conv(unit: ConvUnit) -> SamePaddedConv:
    conv = unit.conv.pointwise if isinstance(unit.conv, SeparableConv) else unit.conv
    if not isinstance(conv, SamePaddedConv):
        raise TypeError(f'a unit holds a {type(conv).__name__}; expected a convolution')
    return conv
