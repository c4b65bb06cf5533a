"""Callbacks of a phase: common folder, choice of the best epoch, check for NaN, feature caches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import torch
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import ModelCheckpoint

from pose_action_ros.core.errors import ConfigError, TrainingError
from pose_action_ros.training.optimizers import MONITOR

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lightning.pytorch import LightningModule, Trainer
    from torch import Tensor

    from pose_action_ros.training.feature_cache import CachedFeatures

__all__ = ['BestCheckpoint', 'CommonFolder', 'FeatureFilling', 'FiniteNumbers']

_EVERY = 50  # steps between two looks at the loss: each waits for the device


class CommonFolder(Callback):
    """Ends a run before its first step if a process does not see the folder of the first one.

    The first process writes checkpoints and results, and all of them read these between phases.

    Args:
        folder: Folder of the phase.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Look for a file of the first process.

        Raises:
            ConfigError: A process does not find it.
        """
        if trainer.world_size == 1:
            return
        file = self._folder / trainer.strategy.broadcast(f'.common_{uuid4().hex}')
        if trainer.is_global_zero:
            self._folder.mkdir(parents=True, exist_ok=True)
            file.touch()
        trainer.strategy.barrier('common folder')
        is_common = trainer.strategy.reduce_boolean_decision(file.exists(), all=True)
        if trainer.is_global_zero:
            file.unlink()
        if not is_common:
            raise ConfigError(
                f'{self._folder} is not the same folder on all machines of the run; set output '
                'to a folder that all of them share'
            )


class BestCheckpoint(ModelCheckpoint):
    """Keeps the checkpoint with the lowest score, and stores the score in it."""

    @property
    def state_key(self) -> str:
        """Name of its state in checkpoints, the same as in earlier versions."""
        return super().state_key.replace(type(self).__qualname__, '_BestCheckpoint', 1)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: Any, checkpoint: Any) -> None:
        """Add the score."""
        checkpoint['best_error'] = float(trainer.callback_metrics[MONITOR])


class FiniteNumbers(Callback):
    """Ends a run whose loss or score is not finite, in all processes at once.

    The checkpoints of the last good epoch remain. Lightning's `EarlyStopping` with `check_finite`
    would first write a checkpoint and then treat the phase as complete.
    """

    def __init__(self) -> None:
        self._finite: Tensor | None = None

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Record whether the loss is finite.

        Raises:
            TrainingError: One of the last losses was not.
        """
        finite = torch.isfinite(outputs['loss'])
        self._finite = finite if self._finite is None else self._finite & finite
        if (batch_idx + 1) % _EVERY == 0:
            self._judge(trainer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the losses of the epoch; raises as above."""
        self._judge(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the score, which is the same in all processes.

        Raises:
            TrainingError: It is not finite.
        """
        score = float(trainer.callback_metrics[MONITOR])
        if score != score or score in (float('inf'), -float('inf')):
            raise TrainingError(
                f'{MONITOR} is {score} after epoch {trainer.current_epoch + 1}: no validation '
                'sample has a valid joint, or the weights are no longer finite'
            )

    def _judge(self, trainer: Trainer) -> None:
        finite = self._finite is None or bool(self._finite)
        self._finite = None
        if not trainer.strategy.reduce_boolean_decision(finite, all=True):
            raise TrainingError(
                f'the loss is not finite, at step {trainer.global_step} or up to {_EVERY} steps '
                'before. The checkpoint of the last complete epoch is good: set gradient_clip of '
                'this phase and continue with --resume, or start again with a lower '
                'learning_rate'
            )


class FeatureFilling(Callback):
    """Fills feature caches before the first step; the training devices share the work.

    Args:
        caches: The caches.
        channels_last: Memory format of the crops.
        workers: Number of processes that render or read clips.
        progress: Show bars.
    """

    def __init__(
        self,
        caches: Sequence[CachedFeatures],
        *,
        channels_last: bool,
        workers: int,
        progress: bool,
    ) -> None:
        self._caches = caches
        self._options: dict[str, Any] = {
            'channels_last': channels_last,
            'workers': workers,
            'progress': progress,
        }

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Fill the caches; then each process computes what a slow file system does not show it."""
        net: Any = pl_module.net
        net.to(trainer.strategy.root_device)
        options = {**self._options, 'context': trainer.precision_plugin.forward_context}
        for cache in self._caches:
            cache.fill(net, rank=trainer.global_rank, world_size=trainer.world_size, **options)
        trainer.strategy.barrier('features')
        for cache in self._caches:
            cache.fill(net, **options)
        trainer.strategy.barrier('missing features')
