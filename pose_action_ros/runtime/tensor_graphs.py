"""The network as two graphs of plain tensors, for other runtimes.

`frames` is the backbone including the normalisation of the bytes. `actions` are the heads, on
clips of the outputs of `frames`. OpenVINO runs them here (`openvino_network`), and `pose-action
export` writes them to files for anywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pose_action_ros.geometry import CROP_PX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pose_action_ros.models import MultitaskNet

__all__ = ['Graph', 'actions_graph', 'frames_graph']


@dataclass(frozen=True, eq=False)
class Graph:
    """A module and the facts that a tracer needs.

    Attributes:
        name: `frames` or `actions`.
        module: Takes the inputs in order, gives the outputs in order.
        inputs: Examples by name; the first axis is the batch.
        outputs: Names.
        open_axes: Number of the first axes of each input that may have any length.
    """

    name: str
    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: tuple[str, ...]
    open_axes: int = 1


def frames_graph(net: MultitaskNet) -> Graph:
    """Return the backbone: `crops` (N, 256, 256, 3) RGB bytes to `FrameArrays`.

    Args:
        net: The network, folded.
    """
    crops = torch.zeros(1, CROP_PX, CROP_PX, 3, dtype=torch.uint8)
    outputs = ('joints', 'visibility', 'probability', 'joint_features')
    return Graph('frames', _Frames(net).eval(), {'crops': crops}, outputs)


def actions_graph(net: MultitaskNet) -> Graph:
    """Return the heads: clips of `joints`, `probability`, `joint_features` to `probabilities`.

    Batch and length of the clips are open: (N, T, J, D), (N, T, J), (N, T, J, C) to (N, A).

    Args:
        net: A network with actions, folded.
    """
    config = net.config
    grid = (1, config.clip_frames, config.num_joints)
    clip = {
        'joints': torch.zeros(*grid, config.dimensions),
        'probability': torch.zeros(grid),
        'joint_features': torch.zeros(*grid, config.joint_channels),
    }
    return Graph('actions', _Actions(net).eval(), clip, ('probabilities',), open_axes=2)


class _Frames(nn.Module):
    """Bytes to `FrameFeatures`, as one graph."""

    def __init__(self, net: MultitaskNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        x = (
            crops.float().permute(0, 3, 1, 2) / 255.0
        )  # TensorRT converts bytes first or not at all
        return tuple(self.net.forward_frames((x - 0.5) * 2.0))


class _Actions(nn.Module):
    """Clips to the fused probabilities, as one graph."""

    def __init__(self, net: MultitaskNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, joints: Tensor, probability: Tensor, joint_features: Tensor) -> Tensor:
        return self.net.forward_actions(joints, probability, joint_features).actions
