"""The size and cost of a network: parameters and multiply-adds, counted, not measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from pose_action_ros.models.config import ModelConfig
from pose_action_ros.models.folding import fold
from pose_action_ros.models.multitask import MultitaskNet

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ['Complexity', 'count_complexity']


@dataclass(frozen=True)
class Complexity:
    """Counts of one network.

    Attributes:
        parameters: Numbers in a weights file: learned ones and running statistics.
        learnable: Parameters that training changes.
        fixed_grids: Further numbers that the authors' files store for soft-argmax and context.
        frame_macs: Multiply-adds of the convolutions for one frame, without the action heads.
        clip_macs: Multiply-adds of the action heads for one clip; 0 for a pose-only network.
        clip_parameters: Those of `parameters` that belong to the action heads.
        parts: Multiply-adds by part of the network, in order.
        part_parameters: Numbers in a weights file by the same parts.
    """

    parameters: int
    learnable: int
    fixed_grids: int
    frame_macs: int
    clip_macs: int
    clip_parameters: int
    parts: dict[str, int]
    part_parameters: dict[str, int]


def count_complexity(config: ModelConfig, *, folded: bool = False) -> Complexity:
    """Count a network's parameters and the multiply-adds of its convolutions.

    The network is built on PyTorch's meta device: nothing is computed, so it takes no time.

    Args:
        config: Its shape.
        folded: As it runs (`models.folding`), not as it is trained and published.
    """
    with torch.device('meta'):
        net = MultitaskNet(config).eval()
        net = fold(net) if folded else net
    macs: dict[str, int] = {}
    for name, module in net.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(_counter(name, macs))
    J, T = config.num_joints, config.clip_frames
    with torch.no_grad():
        frames = net.forward_frames(torch.empty(1, 3, 256, 256, device='meta'))
        if config.actions:
            net.forward_actions(
                torch.empty(1, T, J, config.dimensions, device='meta'),
                torch.empty(1, T, J, device='meta'),
                torch.empty(1, T, *frames.joint_features.shape[1:], device='meta'),
            )
    sizes = {name: value.numel() for name, value in net.state_dict().items()}
    return Complexity(
        parameters=sum(sizes.values()),
        learnable=sum(value.numel() for value in net.parameters()),
        fixed_grids=_fixed_grids(config),
        frame_macs=sum(macs.values()) - _of_heads(macs),
        clip_macs=_of_heads(macs),
        clip_parameters=_of_heads(sizes),
        parts=_by_part(macs),
        part_parameters=_by_part(sizes),
    )


def _counter(name: str, macs: dict[str, int]) -> Callable[..., None]:
    def count(module: nn.Conv2d | nn.Linear, _: Any, output: torch.Tensor) -> None:
        macs[name] = macs.get(name, 0) + output[0].numel() * module.weight[0].numel()

    return count


def _of_heads(counts: dict[str, int]) -> int:
    frame = ('pose_net.', 'joint_projection')
    return sum(count for name, count in counts.items() if not name.startswith(frame))


def _by_part(counts: dict[str, int]) -> dict[str, int]:
    """Sum over the boxes of the network's figures."""
    parts: dict[str, int] = {}
    for name, count in counts.items():
        words = name.split('.')
        depth = 4 if words[:2] == ['pose_net', 'blocks'] else 2 if words[0] == 'pose_net' else 1
        part = '.'.join(words[:depth])
        parts[part] = parts.get(part, 0) + count
    return parts


def _fixed_grids(config: ModelConfig) -> int:
    """Numbers that the authors' files store besides the network: grids as kernels."""
    J, cells = config.num_joints, 32 * 32
    own = 2 * (cells * J + J * J)
    if config.dimensions == 3:
        return own + config.depth_maps * J * J
    context = config.context_maps * J
    return own + 2 * (cells * context + context * context) + context * J
