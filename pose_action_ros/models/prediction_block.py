"""Prediction block: features to heat maps, and back into the features of the next block.

Source: supplement, figures of the prediction block and of the multi-resolution (reception)
block. Comments name the slots of the released weights.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from pose_action_ros.models.layers import ConvUnit, SeparableResidual, max_pool, upsample

__all__ = ['BlockOutput', 'PredictionBlock', 'ReceptionBlock']


class ReceptionBlock(nn.Module):
    """Three resolutions, joined again (`rBlock`).

    Args:
        features: C, channels in and out; half of them at the lower resolutions.
        kernel: Of the separable convolutions.
    """

    def __init__(self, features: int, kernel: int) -> None:
        super().__init__()
        half = features // 2
        self.level1 = SeparableResidual(features, features, kernel)  # L1
        self.reduce = ConvUnit(features, half, order='ACB')  # D1
        self.level2_in = SeparableResidual(half, half, kernel)  # L2_1
        self.level2 = SeparableResidual(half, half, kernel)  # L2_2
        self.level3 = nn.Sequential(  # L3_1, L3_2, L3_3
            *(SeparableResidual(half, half, kernel) for _ in range(3))
        )
        self.level2_out = SeparableResidual(half, features, kernel)  # L2_3

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, H, W)."""
        low = self.level2_in(self.reduce(max_pool(x)))  # (B, C/2, H/2, W/2)
        lower = self.level3(max_pool(low))  # (B, C/2, H/4, W/4)
        level2 = self.level2(low)
        level2 = self.level2_out(level2 + upsample(lower, like=level2))
        out: Tensor = self.level1(x) + upsample(level2, like=x)
        return out


class BlockOutput(NamedTuple):
    """The output of one prediction block.

    Attributes:
        features: (B, C, H, W) output of the reception block.
        heat_maps: (B, M, H, W) raw logits.
        next_input: (B, C, H, W) input of the next block; None after the last one.
    """

    features: Tensor
    heat_maps: Tensor
    next_input: Tensor | None


class PredictionBlock(nn.Module):
    """One of K blocks.

    Args:
        features: C.
        heat_maps: M.
        kernel: Of the separable convolutions.
        is_last: The last block feeds nothing back.
    """

    def __init__(self, features: int, heat_maps: int, kernel: int, *, is_last: bool) -> None:
        super().__init__()
        self.reception = ReceptionBlock(features, kernel)  # rBlock
        self.separable = ConvUnit(features, features, kernel, order='ACB', separable=True)
        self.to_maps = ConvUnit(features, heat_maps, order='AC')  # RegMap
        self.from_maps = None if is_last else ConvUnit(heat_maps, features, order='ACB')  # fReMap

    def forward(self, x: Tensor) -> BlockOutput:
        """Map (B, C, H, W) to features, heat maps and the next block's input."""
        features = self.reception(x)
        separated = self.separable(features)
        heat_maps = self.to_maps(separated)
        following = None
        if self.from_maps is not None:
            following = features + separated + self.from_maps(heat_maps)
        return BlockOutput(features, heat_maps, following)
