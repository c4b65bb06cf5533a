"""The whole network: one pass for the pose, its features and clips of them for the action.

Source: paper, figures 2 to 4; supplement; released code (branch cvpr18). `forward_pose` is the
stand-alone pose network, `forward_clip` the "merge" model; `forward_frames` and
`forward_actions` are its two halves, which streaming calls one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.models.action_net import (
    ActionFusion,
    AppearanceActionBranch,
    PoseActionBranch,
    class_scores,
)
from pose_action_ros.models.pose_net import PoseMaps, PoseNet
from pose_action_ros.models.soft_argmax import HeatMapReading, read_heat_maps

if TYPE_CHECKING:
    from pose_action_ros.models.config import ModelConfig

__all__ = ['ActionOutput', 'ClipOutput', 'FrameFeatures', 'MultitaskNet', 'PoseOutput']


class PoseOutput(NamedTuple):
    """Joints of one prediction block.

    Attributes:
        joints: (B, J, D), or (B, T, J, D) of a clip: x, y in the crop, 0 to 1; z in a box of 2 m
            about the root joint, 0.5 at the root.
        visibility: (B, J) or (B, T, J), 0 to 1.
    """

    joints: Tensor
    visibility: Tensor


class FrameFeatures(NamedTuple):
    """The data of one frame that a clip keeps.

    Attributes:
        joints: (B, J, D) of the last block, raw.
        visibility: (B, J) of the last block.
        probability: (B, J) visibility sharpened by `probability_gain`, for the action heads.
        joint_features: (B, J, C) features of the first reception block at the joints; of a folded
            network (B, J, `config.joint_channels`), projected already.
    """

    joints: Tensor
    visibility: Tensor
    probability: Tensor
    joint_features: Tensor


class ActionOutput(NamedTuple):
    """Class probabilities of a clip.

    Attributes:
        pose_actions: 4 x (B, A), p1 to p4.
        appearance_actions: 4 x (B, A), v1 to v4.
        actions: (B, A), fused: the result.
    """

    pose_actions: list[Tensor]
    appearance_actions: list[Tensor]
    actions: Tensor


class ClipOutput(NamedTuple):
    """Pose and actions of a clip.

    Attributes:
        pose: (B, T, J, D) raw joints of the last block and their probability (B, T, J).
        pose_actions: 4 x (B, A).
        appearance_actions: 4 x (B, A).
        actions: (B, A).
    """

    pose: PoseOutput
    pose_actions: list[Tensor]
    appearance_actions: list[Tensor]
    actions: Tensor


class MultitaskNet(nn.Module):
    """Pose of each frame, action of each clip.

    Args:
        config: The shape.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.pose_net = PoseNet(config)
        self.pose_action_branch: PoseActionBranch | None = None
        self.appearance_action_branch: AppearanceActionBranch | None = None
        self.fusion: ActionFusion | None = None
        self.joint_projection: nn.Module = nn.Identity()  # of a folded network, see `folding`
        if config.actions:
            self.pose_action_branch = PoseActionBranch(config)
            self.appearance_action_branch = AppearanceActionBranch(config)
            self.fusion = ActionFusion(len(config.actions))

    def forward(self, crops: Tensor) -> list[PoseOutput]:
        """As `forward_pose`."""
        return self.forward_pose(crops)

    def forward_pose(self, crops: Tensor) -> list[PoseOutput]:
        """Read the pose of every prediction block.

        Args:
            crops: (B, 3, 256, 256) RGB in [-1, 1].

        Returns:
            K poses; the last one is the result.
        """
        readings = self.read_blocks(crops)
        return [PoseOutput(reading.joints, reading.logit.sigmoid()) for reading in readings]

    def read_blocks(self, crops: Tensor) -> list[HeatMapReading]:
        """Read the heat maps of every prediction block in float32, as `forward_pose` does.

        Args:
            crops: (B, 3, 256, 256) RGB in [-1, 1].
        """
        maps = self.pose_net(crops).heat_maps
        return [read_heat_maps(block.float(), self.config) for block in maps]

    def forward_frames(self, crops: Tensor) -> FrameFeatures:
        """Read pose and joint features of frames, the first half of `forward_clip`.

        Args:
            crops: (B, 3, 256, 256) RGB in [-1, 1].
        """
        return self.read_frames(self.pose_net(crops))

    def read_frames(self, maps: PoseMaps) -> FrameFeatures:
        """Read pose and joint features from the outputs of the pose network."""
        reading = read_heat_maps(maps.heat_maps[-1], self.config)
        at_joints = reading.probabilities @ maps.features.flatten(-2).transpose(1, 2)
        return FrameFeatures(
            reading.joints,
            reading.logit.sigmoid(),
            (self.config.probability_gain * reading.logit).sigmoid(),
            self.joint_projection(at_joints),
        )

    def forward_actions(
        self, joints: Tensor, probability: Tensor, joint_features: Tensor
    ) -> ActionOutput:
        """Read the action of clips, the second half of `forward_clip`.

        Args:
            joints: (B, T, J, D) raw.
            probability: (B, T, J).
            joint_features: (B, T, J, C), as `forward_frames` gives them.

        Raises:
            ConfigError: The network has no actions.
        """
        if (
            self.pose_action_branch is None
            or self.appearance_action_branch is None
            or self.fusion is None
        ):
            raise ConfigError(
                f'the network {self.config.name!r} knows poses only; actions need a network with '
                'class names, such as the presets penn_action, ntu and compact'
            )
        pose_maps = self.pose_action_branch(joints, probability)
        appearance_maps = self.appearance_action_branch(joint_features)
        return ActionOutput(
            [class_scores(maps) for maps in pose_maps],
            [class_scores(maps) for maps in appearance_maps],
            class_scores(self.fusion(pose_maps[-1], appearance_maps[-1])),
        )

    def forward_clip(self, clips: Tensor) -> ClipOutput:
        """Read pose and action of clips.

        Args:
            clips: (B, T, 3, 256, 256) RGB in [-1, 1].

        Raises:
            ConfigError: The network has no actions.
        """
        if not self.config.actions:
            raise ConfigError(
                f'the network {self.config.name!r} knows poses only and has no forward_clip; '
                'use forward_pose, or a preset with actions (penn_action, ntu, compact)'
            )
        frames = self.forward_frames(clips.flatten(0, 1))
        joints, _, probability, features = (
            x.reshape(*clips.shape[:2], *x.shape[1:]) for x in frames
        )
        return ClipOutput(
            PoseOutput(joints, probability), *self.forward_actions(joints, probability, features)
        )
