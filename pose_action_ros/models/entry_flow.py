"""Entry flow: 256 x 256 pixels to 32 x 32 features (supplement, figure of the entry flow).

At full width 1,039,488 parameters and 2.19 G multiply-adds; narrower networks scale all its
channels with their features. Comments name the slots of the released weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pose_action_ros.models.layers import ConvUnit, SeparableResidual, max_pool

__all__ = ['EntryFlow']

_FULL_WIDTH = 576


class EntryFlow(nn.Module):
    """The stem that every crop passes first.

    Args:
        features: C, channels out.
    """

    def __init__(self, features: int = _FULL_WIDTH) -> None:
        super().__init__()

        def width(channels: int) -> int:
            return max(8, round(channels * features / _FULL_WIDTH / 8) * 8)

        c32, c64, c96, c192 = width(32), width(64), width(96), width(192)
        self.conv1 = ConvUnit(3, c32, 3, stride=2, order='CBA')  # S1
        self.conv2 = ConvUnit(c32, c32, 3, order='CBA')  # S2
        self.conv3 = ConvUnit(c32, c64, 3, order='CBA')  # S3
        self.down4 = ConvUnit(c64, c96, 3, stride=2, order='CBA')  # S4a
        joined = c96 + c64
        self.short5 = ConvUnit(joined, c64, order='CBA')  # S5a
        self.short6 = ConvUnit(c64, c96, 3, order='CB')  # S6a
        self.long5 = ConvUnit(joined, c64, order='CBA')  # S5b
        self.long6 = ConvUnit(c64, c64, (5, 1), order='CBA')  # S6b
        self.long7 = ConvUnit(c64, c64, (1, 5), order='CBA')  # S7b
        self.long8 = ConvUnit(c64, c96, 3, order='CB')  # S8b
        self.down9 = ConvUnit(2 * c96, c192, 3, stride=2, order='ACB')  # S9a
        self.residual10 = SeparableResidual(c192 + 2 * c96, features, 3)  # S10

    def forward(self, crops: Tensor) -> Tensor:
        """Map (B, 3, 256, 256) RGB in [-1, 1] to (B, C, 32, 32)."""
        x = self.conv3(self.conv2(self.conv1(crops)))  # (B, 64, 128, 128)
        x = torch.cat([self.down4(x), max_pool(x, 3)], dim=1)  # (B, 160, 64, 64)
        short = self.short6(self.short5(x))
        long = self.long8(self.long7(self.long6(self.long5(x))))
        x = torch.cat([short, long], dim=1)  # (B, 192, 64, 64)
        x = torch.cat([self.down9(x), max_pool(x)], dim=1)  # (B, 384, 32, 32)
        out: Tensor = self.residual10(x)
        return out
