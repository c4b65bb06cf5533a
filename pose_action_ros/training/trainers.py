"""Lightning's Trainer for a phase, built from the settings.

Lightning handles devices, strategies, precision, accumulation, the best and the last checkpoint,
early stopping and loggers. Our own parts are the sampler (its positions resume exactly), the step
of plateau (so that it is in the checkpoint of its epoch), shared batch norms (ours have no scale)
and the log line per epoch.
"""

from __future__ import annotations

import inspect
import logging
import signal
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.utilities.exceptions import SIGTERMException

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.training.callbacks import BestCheckpoint, CommonFolder, FiniteNumbers
from pose_action_ros.training.optimizers import MONITOR
from pose_action_ros.training.reporting import EpochBar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lightning.pytorch import Callback, LightningDataModule, LightningModule

    from pose_action_ros.training.config import PhaseSettings, TrainerSettings

__all__ = ['TERMINATED', 'build_trainer', 'calm_warnings', 'fit', 'probe_trainer']

TERMINATED = 128 + signal.SIGTERM
"""Exit code of a run that SIGTERM ends, as shells have it."""

_DEVICES = (
    *('accelerator', 'devices', 'num_nodes', 'strategy', 'precision'),
    'accumulate_grad_batches',
)
_OURS = (
    *(
        'sync_batchnorm',
        'max_epochs',
        'max_steps',
        'max_time',
        'min_epochs',
        'min_steps',
        'gradient_clip_val',
    ),
    *(
        'logger',
        'callbacks',
        'enable_progress_bar',
        'enable_model_summary',
        'enable_checkpointing',
    ),
    *('num_sanity_val_steps', 'use_distributed_sampler', 'log_every_n_steps', 'default_root_dir'),
    *('check_val_every_n_epoch', 'val_check_interval', 'reload_dataloaders_every_n_epochs'),
    *('limit_train_batches', 'limit_val_batches', 'overfit_batches', 'fast_dev_run'),
)
_UNWANTED = (
    'Checkpoint directory .* exists',  # normal when a run is resumed
    '.*isinstance.treespec, LeafSpec',  # Lightning's own use of PyTorch
)
_log = logging.getLogger(__name__)


def probe_trainer(settings: TrainerSettings) -> Trainer:
    """Return a Trainer that tells the devices of a run; it writes nothing.

    Raises:
        ConfigError: Lightning refuses the settings, or one of our settings controls an option.
    """
    known = set(inspect.signature(Trainer).parameters) - {'self', *_OURS, *_DEVICES}
    unknown = sorted(set(settings.options) - known)
    if unknown:
        raise ConfigError(
            f"trainer.options has {', '.join(unknown)}; expected arguments of Lightning's Trainer "
            f'that no other setting controls: {", ".join(sorted(known))}'
        )
    try:
        return Trainer(
            **_device_options(settings),
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except (MisconfigurationException, ValueError, TypeError, RuntimeError, ImportError) as error:
        raise ConfigError(f'Lightning refuses the trainer settings: {error}') from error


def build_trainer(
    settings: TrainerSettings,
    phase: PhaseSettings,
    path: Path,
    callbacks: list[Callback],
    *,
    progress: bool,
) -> Trainer:
    """Return the Trainer of a phase.

    Args:
        settings: Devices and precision.
        phase: Settings of the phase.
        path: Folder of the phase.
        callbacks: Callbacks that run before the checkpoints are written.
        progress: Show progress bars.
    """
    return Trainer(
        **_device_options(settings),
        max_epochs=phase.epochs,
        gradient_clip_val=phase.gradient_clip or None,
        logger=_loggers(path, tensorboard=settings.tensorboard),
        callbacks=[CommonFolder(path), *callbacks, *_callbacks(path, phase, progress=progress)],
        enable_progress_bar=progress,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        log_every_n_steps=phase.steps_per_epoch,
        default_root_dir=path,
    )


def fit(trainer: Trainer, module: LightningModule, data: LightningDataModule, last: Path) -> None:
    """Train a phase, from its last checkpoint on if there is one.

    Raises:
        KeyboardInterrupt: Ctrl-C. Lightning alone would end the process and ignore SIGINT.
        SystemExit: SIGTERM, with the code `TERMINATED`. With Lightning alone it would be 0.
    """
    on_ctrl_c = signal.getsignal(signal.SIGINT)
    # Lightning's own handler ends the run between two steps; another one would interrupt a step.
    on_sigterm = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        trainer.fit(
            module, datamodule=data, ckpt_path=last if last.exists() else None, weights_only=True
        )
    except SIGTERMException as stop:
        raise SystemExit(TERMINATED) from stop
    except SystemExit as stop:
        if not isinstance(stop.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, on_ctrl_c)
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGTERM, on_sigterm or signal.SIG_DFL)


@contextmanager
def calm_warnings() -> Iterator[None]:
    """Suppress warnings of Lightning that no user can act on."""
    with warnings.catch_warnings():
        for text in _UNWANTED:
            warnings.filterwarnings('ignore', text)
        warnings.simplefilter('ignore', PossibleUserWarning)  # advice on numbers of workers
        yield


def _device_options(settings: TrainerSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in _DEVICES} | settings.options


def _callbacks(path: Path, phase: PhaseSettings, *, progress: bool) -> list[Any]:
    shared: dict[str, Any] = {'dirpath': path, 'save_on_train_epoch_end': True}
    shared['enable_version_counter'] = False
    callbacks: list[Any] = [
        FiniteNumbers(),
        BestCheckpoint(filename='best', monitor=MONITOR, mode='min', save_top_k=1, **shared),
        ModelCheckpoint(filename='last', every_n_epochs=1, save_top_k=1, **shared),
    ]
    if phase.stop_after:
        callbacks.append(EarlyStopping(MONITOR, patience=phase.stop_after, mode='min'))
    if progress:
        callbacks.append(EpochBar())
    return callbacks


def _loggers(path: Path, *, tensorboard: bool) -> list[Any]:
    loggers: list[Any] = [CSVLogger(path, name='logs')]
    try:
        if tensorboard:
            loggers.append(TensorBoardLogger(path, name='logs', version=loggers[0].version))
    except ModuleNotFoundError:
        _log.info('tensorboard is not installed; logs are CSV only')
    return loggers
