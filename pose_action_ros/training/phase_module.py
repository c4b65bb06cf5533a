"""The common part of all phases: optimiser, schedule, averaged weights, checkpoints."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import LightningModule
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torchmetrics import Metric

from pose_action_ros.models import ModelConfig
from pose_action_ros.training.optimizers import MONITOR, build_optimizer, build_schedule
from pose_action_ros.training.shared_batch_norm import share_batch_norms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from pose_action_ros.models import MultitaskNet
    from pose_action_ros.training.config import PhaseSettings

__all__ = [
    'MeanScore',
    'PhaseModule',
    'action_parts',
    'best_weights',
    'crop_error',
    'to_network_input',
]


def to_network_input(crop: Tensor, *, channels_last: bool = False) -> Tensor:
    """Shift and scale crops to the network's input range.

    Args:
        crop: (..., 3, H, W) uint8 RGB.
        channels_last: Return a single leading axis in channels-last memory format.

    Returns:
        (N, 3, H, W) float32 in [-1, 1], N the product of the leading axes.
    """
    crops = crop.flatten(0, -4)
    if channels_last:
        crops = crops.contiguous(memory_format=torch.channels_last)
    return crops.float().mul_(2 / 255).sub_(1)


def action_parts(net: MultitaskNet) -> list[nn.Module]:
    """Return the action branches and their fusion; an empty list for a pose-only network."""
    parts = (net.pose_action_branch, net.appearance_action_branch, net.fusion)
    return [part for part in parts if part is not None]


def crop_error(joints: Tensor, joints_crop: Tensor) -> tuple[Tensor, int]:
    """Return the mean distance of all valid joints, and their number.

    Args:
        joints: (..., J, D) of the network.
        joints_crop: (..., J, 3) targets in crop units (z in boxes of 2 m), NaN where invalid. For
            a joint without z only x and y count.

    Returns:
        () float32, 0 if no joint is valid, and the number of valid joints.
    """
    target = joints_crop[..., : joints.shape[-1]]
    difference = (joints.float() - target).nan_to_num(0.0)
    valid = ~target[..., :2].isnan().any(-1)
    total = torch.where(valid, difference.norm(dim=-1), 0.0).sum()
    count = int(valid.sum())
    return total / max(count, 1), count


def best_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the network's weights from a module's state, averaged ones if there are any."""
    averaged = any(name.startswith('average.') for name in state)
    prefix = 'average.' if averaged else 'net.'
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


class MeanScore(Metric):
    """A mean over all batches and processes, independent of their sizes.

    A NaN makes the mean NaN. torchmetrics' `MeanMetric` would skip it, and with
    `nan_strategy='disable'` it ignores the weights.
    """

    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ('total', 'count'):
            self.add_state(name, torch.tensor(0.0), dist_reduce_fx='sum')

    def update(self, mean: Tensor | float, count: float) -> None:
        """Add the mean of `count` values."""
        self.total += mean * count
        self.count += count

    def compute(self) -> Tensor:
        """Return the mean; NaN without values."""
        return self.total / self.count


class PhaseModule(LightningModule):
    """A network in one phase of its training.

    Args:
        net: The network; parameters with `requires_grad` are trained.
        phase: The phase's settings.
        learning_rate: First rate.
        channels_last: Memory format of network and crops.

    Attributes:
        sync_batchnorm: Compute batch statistics over all processes together.
    """

    sync_batchnorm = False

    def __init__(
        self,
        net: nn.Module,
        phase: PhaseSettings,
        learning_rate: float,
        *,
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        self.net = net
        self.phase = phase
        self.learning_rate = learning_rate
        self.channels_last = channels_last
        if channels_last:
            self.net.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(net).requires_grad_(False) if phase.ema_decay else None
        self.val_loss, self.val_error = MeanScore(), MeanScore()
        self._plateau: ReduceLROnPlateau | None = None
        self._averaged_step = 0

    @property
    def best_net(self) -> nn.Module:
        """The network that is validated and saved: the averaged one if there is an average."""
        return self.net if self.average is None else self.average

    @property
    def current_rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.trainer.optimizers[0].param_groups[0]['lr'])

    def frozen_parts(self) -> Iterator[nn.Module]:
        """Yield the modules that stay in evaluation mode while the rest trains."""
        if self.phase.freeze_batch_norm:
            yield from (m for m in self.net.modules() if isinstance(m, nn.BatchNorm2d))

    def configure_optimizers(self) -> Any:
        """Return optimiser and step-wise schedule; plateau is stepped by `on_validation_end`."""
        trained = [value for value in self.net.parameters() if value.requires_grad]
        optimizer = build_optimizer(trained, self.phase, self.learning_rate)
        schedule = build_schedule(optimizer, self.phase)
        if schedule is None:
            return optimizer
        if isinstance(schedule, ReduceLROnPlateau):
            self._plateau = schedule
            return optimizer
        stepwise = {'scheduler': schedule, 'interval': 'step'}
        return {'optimizer': optimizer, 'lr_scheduler': stepwise}

    def on_train_epoch_start(self) -> None:
        """Set train and eval modes, which versions of Lightning restore differently."""
        self.net.train()
        if self.average is not None:
            self.average.eval()
        for part in self.frozen_parts():
            part.eval()

    @torch.no_grad()
    def on_train_batch_end(self, *_: Any) -> None:
        """Move the averaged weights towards the network's, once per optimiser step."""
        step = self.trainer.global_step
        if self.average is None or step == self._averaged_step:
            return
        self._averaged_step = step
        decay = min(self.phase.ema_decay, (1 + step) / (10 + step))
        pairs = (self.average.state_dict().values(), self.net.state_dict().values())
        torch._foreach_lerp_(*(list(values) for values in pairs), 1 - decay)

    def log_scores(self, **others: MeanScore) -> None:
        """Log the gathered validation scores; every process calls it for every batch."""
        scores = {'val_loss': self.val_loss, MONITOR: self.val_error, **others}
        for score in scores.values():
            score.update(0.0, 0.0)  # torchmetrics warns if a process never updates a score
        self.log_dict(scores, on_step=False, on_epoch=True, batch_size=1)

    def on_train_end(self) -> None:
        """Leave a network that works in one process."""
        share_batch_norms(self.net, shared=False)

    def on_train_epoch_end(self) -> None:
        """Log the learning rate; Lightning's own callback warns with the plateau schedule."""
        self.log('rate', self.current_rate)

    def on_validation_end(self) -> None:
        """Step plateau with the score, before the checkpoint of this epoch is written."""
        if self._plateau is not None and not self.trainer.sanity_checking:
            self._plateau.step(float(self.trainer.callback_metrics[MONITOR]))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the state of plateau and the fit of a person, which Lightning does not manage."""
        config = self.net.config
        if isinstance(config, ModelConfig):
            checkpoint['person'] = (config.person_gain, config.person_offset)
        if self._plateau is not None:
            checkpoint['plateau'] = self._plateau.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the state of plateau until the schedule is created."""
        self._stored_plateau = checkpoint.get('plateau')

    def on_train_start(self) -> None:
        """Share batch norms; restore the state of plateau (the optimiser has the rate)."""
        self._averaged_step = self.trainer.global_step
        share_batch_norms(self.net, shared=self.sync_batchnorm and self.trainer.world_size > 1)
        stored = getattr(self, '_stored_plateau', None)
        if self._plateau is not None and stored is not None:
            self._plateau.load_state_dict(stored)
