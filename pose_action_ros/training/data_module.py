"""Batches of one phase: endless training positions, and a fixed validation set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.training.batches import develop_batch, join_samples
from pose_action_ros.training.order import OrderedSamples, PositionSampler

if TYPE_CHECKING:
    from pose_action_ros.training.config import PhaseSettings

__all__ = ['PhaseData', 'share_of_batch']


def share_of_batch(phase: PhaseSettings, processes: int, accumulate: int = 1) -> int:
    """Return the number of samples that one process takes at once.

    Args:
        phase: Settings with the batch size of one step.
        processes: Number of all processes.
        accumulate: Number of parts that a process takes one after the other.

    Raises:
        ConfigError: The batch cannot be divided evenly.
    """
    share, rest = divmod(phase.batch_size, processes * accumulate)
    if rest or not share:
        parts = f', each in {accumulate} parts' if accumulate > 1 else ''
        raise ConfigError(
            f'batch_size {phase.batch_size} is shared by {processes} processes{parts}; expected a '
            f'multiple of {processes * accumulate}'
        )
    return share


class PhaseData(LightningDataModule):
    """The loaders of one phase.

    The batch size of the settings is divided among all processes and their accumulated parts, so a
    run means the same on one device and on many.

    Args:
        train: Training samples.
        val: Validation samples, in their own order.
        phase: Batch size and steps per epoch.
        workers: Number of loader processes of each training process.
    """

    def __init__(
        self, train: OrderedSamples, val: OrderedSamples, phase: PhaseSettings, *, workers: int = 0
    ) -> None:
        super().__init__()
        self._train = train
        self._val = val
        self._phase = phase
        self._workers = workers

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the loader of one epoch of `steps_per_epoch` steps."""
        count = self._phase.steps_per_epoch * self._phase.batch_size
        return self._loader(self._train, count, endless=True)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the loader of the whole validation set."""
        return self._loader(self._val, len(self._val), endless=False)

    def on_after_batch_transfer(self, batch: dict[str, Any], _: int) -> dict[str, Any]:
        """Render crops on the training device, if the loader has not."""
        return develop_batch(batch)

    def _loader(self, samples: OrderedSamples, count: int, *, endless: bool) -> DataLoader[Any]:
        rank, world_size, accumulate = 0, 1, 1
        if self.trainer is not None:
            rank, world_size = self.trainer.global_rank, self.trainer.world_size
            accumulate = self.trainer.accumulate_grad_batches
        return DataLoader(
            samples,
            batch_size=share_of_batch(self._phase, world_size, accumulate),
            sampler=PositionSampler(count, rank=rank, world_size=world_size, endless=endless),
            num_workers=self._workers,
            persistent_workers=self._workers > 0,
            collate_fn=join_samples,
            pin_memory=_on_gpu(self.trainer),
            worker_init_fn=_one_thread,
        )


def _one_thread(_: int) -> None:
    """Limit OpenCV to one thread in a worker; PyTorch limits itself."""
    cv2.setNumThreads(0)


def _on_gpu(trainer: Any) -> bool:
    return trainer is not None and trainer.strategy.root_device.type == 'cuda'
