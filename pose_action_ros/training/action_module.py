"""Phases action and finetune: nine class scores per clip (supplement, Appendix B).

The frozen pose network runs in evaluation mode with its stored batch statistics, as it does on the
robot. (In the authors' Keras version a frozen layer still normalises with the statistics of the
batch.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from pose_action_ros.models import PoseOutput
from pose_action_ros.training.feature_cache import clip_features
from pose_action_ros.training.losses import action_loss, pose_loss
from pose_action_ros.training.phase_module import (
    MeanScore,
    PhaseModule,
    action_parts,
    crop_error,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from pose_action_ros.models import ActionOutput, MultitaskNet
    from pose_action_ros.training.config import PhaseSettings

__all__ = ['ActionModule']


class ActionModule(PhaseModule):
    """Trains the action branches, with or without the pose network below them.

    Batches are clips (`ClipSample`) or, with a frozen pose network, the features of clips
    (`CachedFeatures`).

    Args:
        net: The network.
        phase: The phase's settings.
        learning_rate: First rate.
        train_pose: Train the whole network, including the pose of the last block (phase finetune).
        channels_last: Memory format.
    """

    def __init__(
        self,
        net: MultitaskNet,
        phase: PhaseSettings,
        learning_rate: float,
        *,
        train_pose: bool = False,
        channels_last: bool = False,
    ) -> None:
        net.requires_grad_(train_pose)
        for part in action_parts(net):
            part.requires_grad_(True)
        super().__init__(net, phase, learning_rate, channels_last=channels_last)
        self.train_pose = train_pose
        self.val_crop_error = MeanScore()

    def frozen_parts(self) -> Iterator[nn.Module]:
        """Yield the pose network while it is frozen, and the parts that the settings freeze."""
        yield from super().frozen_parts()
        if not self.train_pose:
            yield self.net.pose_net

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Return the batch's mean loss."""
        loss = self._forward(self.net, batch)[0]
        self.log('loss', loss, on_step=False, on_epoch=True, batch_size=len(batch['action']))
        return loss

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """Gather loss, share of wrong clips and, where the pose is trained, the joint distance."""
        if batch:
            loss, output, features = self._forward(self.best_net, batch)
            wrong = (output.actions.argmax(dim=1) != batch['action']).float().mean()
            self.val_loss.update(loss, len(batch['action']))
            self.val_error.update(wrong, len(batch['action']))
            if self.train_pose:
                error, joints = crop_error(features['joints'], batch['joints_crop'])
                self.val_crop_error.update(error, joints)
        if self.train_pose:
            self.log_scores(val_crop_error=self.val_crop_error)
        else:
            self.log_scores()

    def _forward(
        self, net: MultitaskNet, batch: dict[str, Tensor]
    ) -> tuple[Tensor, ActionOutput, dict[str, Any]]:
        features = batch
        if 'crop' in batch:
            with torch.set_grad_enabled(self.train_pose and torch.is_grad_enabled()):
                features = clip_features(net, batch, channels_last=self.channels_last)
        output = net.forward_actions(
            *(features[name] for name in ('clip_joints', 'probability', 'joint_features'))
        )
        loss = action_loss(output, batch['action'])
        if self.train_pose:
            loss = loss + self.phase.pose_weight * pose_loss(
                [PoseOutput(features['joints'], features['visibility'])],
                batch['joints_crop'][..., : net.config.dimensions],
                batch['visibility'],
                visibility_weight=self.phase.visibility_weight,
                per=self.phase.normaliser,  # type: ignore[arg-type]
            )
        return loss, output, features
