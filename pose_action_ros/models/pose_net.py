"""The pose network: entry flow and K prediction blocks (paper, figure 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn

from pose_action_ros.models.entry_flow import EntryFlow
from pose_action_ros.models.prediction_block import PredictionBlock

if TYPE_CHECKING:
    from pose_action_ros.models.config import ModelConfig

__all__ = ['PoseMaps', 'PoseNet']


class PoseMaps(NamedTuple):
    """Everything the heads need.

    Attributes:
        features: (B, C, 32, 32) of the first reception block, for the appearance branch.
        heat_maps: K tensors (B, M, 32, 32), raw logits.
    """

    features: Tensor
    heat_maps: list[Tensor]


class PoseNet(nn.Module):
    """Crops to heat maps."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.entry_flow = EntryFlow(config.features)
        self.blocks = nn.ModuleList(
            PredictionBlock(
                config.features,
                config.heat_maps,
                config.kernel_size,
                is_last=block == config.blocks - 1,
            )
            for block in range(config.blocks)
        )

    def forward(self, crops: Tensor) -> PoseMaps:
        """Map (B, 3, 256, 256) RGB in [-1, 1] to heat maps of every block."""
        x = self.entry_flow(crops)
        outputs = []
        for block in self.blocks:
            outputs.append(block(x))
            x = outputs[-1].next_input
        return PoseMaps(outputs[0].features, [output.heat_maps for output in outputs])
