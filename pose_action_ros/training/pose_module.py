"""Phases half_size and pose: all blocks have the same target (supplement, Appendix B)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from pose_action_ros.models import PoseOutput
from pose_action_ros.training.losses import heat_map_loss, pose_loss
from pose_action_ros.training.phase_module import (
    PhaseModule,
    action_parts,
    crop_error,
    to_network_input,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from pose_action_ros.data.sample import PoseSample
    from pose_action_ros.models import MultitaskNet
    from pose_action_ros.models.soft_argmax import HeatMapReading
    from pose_action_ros.training.config import PhaseSettings

__all__ = ['PoseModule']

CELL_PX = 8
"""Pixels of the crop per cell of the heat maps."""


class PoseModule(PhaseModule):
    """Trains the pose part alone; action heads do not change.

    Args:
        net: The network.
        phase: The phase's settings.
        learning_rate: First rate.
        half_size: Pool the crops to half their side first. Soft-argmax reads maps of any size, and
            an epoch or two at full size adapts the network.
        channels_last: Memory format.
    """

    def __init__(
        self,
        net: MultitaskNet,
        phase: PhaseSettings,
        learning_rate: float,
        *,
        half_size: bool = False,
        channels_last: bool = False,
    ) -> None:
        net.requires_grad_(True)
        for part in _frozen_parts(net, phase):
            part.requires_grad_(False)
        super().__init__(net, phase, learning_rate, channels_last=channels_last)
        self.half_size = half_size

    def frozen_parts(self) -> Iterator[nn.Module]:
        """Yield the action heads, and the parts that the settings freeze."""
        yield from super().frozen_parts()
        yield from _frozen_parts(self.net, self.phase)

    def training_step(self, batch: PoseSample, batch_idx: int) -> Tensor:
        """Return the batch's mean loss."""
        crops = self._crops(batch)
        readings = self.net.read_blocks(crops)
        loss = self._loss(_outputs(readings), batch)
        if self.phase.heat_map_weight:
            cells = (crops.shape[-2] // CELL_PX, crops.shape[-1] // CELL_PX)
            maps = heat_map_loss(readings, batch['joints_crop'], cells, self.phase.heat_map_sigma)
            loss = loss + self.phase.heat_map_weight * maps
        self.log('loss', loss, on_step=False, on_epoch=True, batch_size=len(crops))
        return loss

    def validation_step(self, batch: PoseSample, batch_idx: int) -> None:
        """Gather loss, and mean joint distance in crop units."""
        if batch:
            crops = self._crops(batch)
            outputs = self.best_net.forward_pose(crops)
            self.val_loss.update(self._loss(outputs, batch), len(crops))
            self.val_error.update(*crop_error(outputs[-1].joints, batch['joints_crop']))
        self.log_scores()

    def _crops(self, batch: PoseSample) -> Tensor:
        crops = to_network_input(batch['crop'], channels_last=self.channels_last)
        return F.avg_pool2d(crops, 2) if self.half_size else crops

    def _loss(self, outputs: list[PoseOutput], batch: PoseSample) -> Tensor:
        dimensions = self.net.config.dimensions
        return self.phase.pose_weight * pose_loss(
            outputs,
            batch['joints_crop'][..., :dimensions],
            batch['visibility'],
            visibility_weight=self.phase.visibility_weight,
            coordinate_weight=self.phase.coordinate_weight,
            weight=self._coordinate_weight(batch),
            per=self.phase.normaliser,  # type: ignore[arg-type]
        )

    def _coordinate_weight(self, batch: PoseSample) -> Tensor:
        """(B, 1, D): a depth hint has a lower weight."""
        hint = batch['depth_is_hint']
        weight = hint.new_ones((len(hint), 1, self.net.config.dimensions), dtype=torch.float32)
        weight[..., 2:] = torch.where(hint, self.phase.depth_hint_weight, 1.0)[:, None, None]
        return weight


def _frozen_parts(net: MultitaskNet, phase: PhaseSettings) -> list[nn.Module]:
    return [*action_parts(net), *([net.pose_net.entry_flow] if phase.freeze_entry_flow else [])]


def _outputs(readings: list[HeatMapReading]) -> list[PoseOutput]:
    return [PoseOutput(reading.joints, reading.logit.sigmoid()) for reading in readings]
