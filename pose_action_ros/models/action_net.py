"""The action heads: a pose branch, an appearance branch and their fusion (paper, figure 4).

Each branch sees a clip as a small picture, rows = time, columns = joints, and refines its class
maps in four prediction blocks. Comments name the slots of the released weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pose_action_ros.models.config import ACTION_BLOCKS
from pose_action_ros.models.layers import (
    ConvUnit,
    SeparableConv,
    max_min_pool,
    max_pool,
    upsample,
)

if TYPE_CHECKING:
    from pose_action_ros.models.config import ModelConfig

__all__ = [
    'ActionBlock',
    'ActionBlocks',
    'ActionFusion',
    'AppearanceActionBranch',
    'PoseActionBranch',
    'class_scores',
]


def class_scores(maps: Tensor) -> Tensor:
    """Probabilities from class maps: (B, A, H, W) to (B, A), by global max plus min."""
    return (maps.amax(dim=(-2, -1)) + maps.amin(dim=(-2, -1))).softmax(dim=-1)


class ActionBlock(nn.Module):
    """One action prediction block (supplement, figure of the action block).

    Args:
        features: N_f, even.
        actions: A.
        is_last: The last block feeds nothing back.
    """

    def __init__(self, features: int, actions: int, *, is_last: bool) -> None:
        super().__init__()
        self.squeeze = ConvUnit(features, features // 2, order='ACB')  # c1
        self.expand = ConvUnit(features // 2, features, 3, order='ACB')  # c2
        self.refine = ConvUnit(features, features, 3, order='ACB')  # c3
        self.to_maps = ConvUnit(features, actions, 3, order='AC')  # head
        self.from_maps = None if is_last else ConvUnit(actions, features, 3, order='ACB')  # back

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Map (B, N_f, H, W) to class maps (B, A, H / 2, W / 2) and the next block's input."""
        x = x + self.expand(self.squeeze(x))
        refined = self.refine(x)
        maps = self.to_maps(max_min_pool(refined))
        if self.from_maps is None:
            return maps, None
        return maps, x + refined + self.from_maps(upsample(maps, like=x))


class ActionBlocks(nn.ModuleList):
    """The four action prediction blocks of a branch."""

    def __init__(self, features: int, actions: int) -> None:
        super().__init__(
            ActionBlock(features, actions, is_last=block == ACTION_BLOCKS - 1)
            for block in range(ACTION_BLOCKS)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map (B, N_f, H, W) to four class maps (B, A, H / 2, W / 2)."""
        outputs = []
        for block in self:
            maps, x = block(x)
            outputs.append(maps)
        return outputs


class PoseActionBranch(nn.Module):
    """Actions from the motion of the joints (`PoseAR`)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        first, dimensions = config.pose_stem_features, config.dimensions
        self.over_time = ConvUnit(dimensions, first, (3, 1), order='CBA')  # P1a
        self.over_both = ConvUnit(dimensions, 2 * first, (3, 3), order='CBA')  # P1b
        self.over_joints = ConvUnit(dimensions, 3 * first, (3, 5), order='CBA')  # P1c
        joined, half = 6 * first, config.pose_features // 2
        self.direct = ConvUnit(joined, half, 3, order='CB')  # P2a
        self.reduce = ConvUnit(joined, config.pose_reduced_features, order='CB')  # P2r
        self.reduced = ConvUnit(config.pose_reduced_features, half, 3, order='CB')  # P2b
        self.blocks = ActionBlocks(config.pose_features, len(config.actions))

    def forward(self, joints: Tensor, probability: Tensor) -> list[Tensor]:
        """Map joints (B, T, J, D) and their probability (B, T, J) to four class maps."""
        x = (joints * probability.unsqueeze(-1)).permute(0, 3, 1, 2)  # (B, D, T, J)
        x = torch.cat([self.over_time(x), self.over_both(x), self.over_joints(x)], dim=1)
        x = torch.cat([self.direct(x), self.reduced(self.reduce(x))], dim=1)
        maps: list[Tensor] = self.blocks(max_min_pool(x))
        return maps


class AppearanceActionBranch(nn.Module):
    """Actions from the appearance of the joints (`GuidedVisAR`)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        # V1; a folded network has it in its frames (`folding`)
        self.reduce: nn.Module = ConvUnit(config.features, config.appearance_features, order='CB')
        self.blocks = ActionBlocks(config.appearance_features, len(config.actions))

    def forward(self, joint_features: Tensor) -> list[Tensor]:
        """Map joint features (B, T, J, C) to four class maps."""
        x = self.reduce(joint_features.permute(0, 3, 1, 2))  # (B, N_f, T, J)
        maps: list[Tensor] = self.blocks(max_pool(x))
        return maps


class ActionFusion(nn.Module):
    """Learned weights per class and branch on the last class maps, then their sum."""

    def __init__(self, actions: int) -> None:
        super().__init__()
        self.pose = SeparableConv(actions, actions, 1)
        self.appearance = SeparableConv(actions, actions, 1)
        for branch in (self.pose, self.appearance):
            nn.init.ones_(branch.depthwise.weight)
            nn.init.dirac_(branch.pointwise.weight)

    def forward(self, pose_maps: Tensor, appearance_maps: Tensor) -> Tensor:
        """Map two class maps (B, A, H, W) of the same size to one."""
        out: Tensor = self.pose(pose_maps) + self.appearance(appearance_maps)
        return out
