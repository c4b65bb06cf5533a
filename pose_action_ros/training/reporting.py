"""Progress: bars on a terminal, and one log line per epoch."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from lightning.pytorch import Callback
from lightning.pytorch.callbacks import RichProgressBar

from pose_action_ros.core.console import bar
from pose_action_ros.training.optimizers import MONITOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lightning.pytorch import LightningModule, Trainer

__all__ = ['EpochBar', 'EpochReport', 'track']

_log = logging.getLogger(__name__)
_NOTE_S = 60.0  # between two lines where no bar is shown


def track(items: Iterable[Any], description: str, *, total: int, shown: bool) -> Iterator[Any]:
    """Iterate with a progress bar on standard error; if not `shown`, log a line each minute."""
    if not shown:
        yield from _noted(items, description, total)
        return
    yield from bar(items, description, total=total, shown=True)


def _noted(items: Iterable[Any], description: str, total: int) -> Iterator[Any]:
    started_s = noted_s = time.monotonic()
    for number, item in enumerate(items, start=1):
        yield item
        now_s = time.monotonic()
        if now_s - noted_s >= _NOTE_S:
            noted_s, left_s = now_s, (now_s - started_s) / number * (total - number)
            _log.info('%s: %d/%d, %.0f min left', description, number, total, left_s / 60)


class EpochBar(RichProgressBar):
    """Lightning's progress bar on standard error; epochs count from 1, as in `EpochReport`."""

    def __init__(self) -> None:
        super().__init__(console_kwargs={'stderr': True})

    def _get_train_description(self, current_epoch: int) -> str:
        return f'Epoch {current_epoch + 1}/{self.trainer.max_epochs}'


class EpochReport(Callback):
    """One line per epoch: phase, losses, score, rate, speed.

    Args:
        phase: Name of the phase.
        batch_size: Samples per step, for the speed.

    Attributes:
        seconds: Wall time of all epochs so far, including those before a resumption.
    """

    def __init__(self, phase: str, batch_size: int) -> None:
        self.seconds = 0.0
        self._phase = phase
        self._batch_size = batch_size
        self._started_s = 0.0
        self._train_s = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a resumed run."""
        return {'seconds': self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state."""
        self.seconds = float(state_dict['seconds'])

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._started_s = time.monotonic()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop the clock of the training steps."""
        self._train_s = time.monotonic() - self._started_s

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the line."""
        self.seconds += time.monotonic() - self._started_s
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        samples = trainer.num_training_batches * self._batch_size
        _log.info(
            '%s %d/%s: loss %.4f, val_loss %.4f, %s %.4f, rate %.2e, %.1f samples/s, %.0f s',
            self._phase,
            trainer.current_epoch + 1,
            trainer.max_epochs,
            metrics.get('loss', float('nan')),
            metrics.get('val_loss', float('nan')),
            MONITOR,
            metrics.get(MONITOR, float('nan')),
            trainer.optimizers[0].param_groups[0]['lr'],
            samples / max(self._train_s, 1e-9),
            self.seconds,
        )
