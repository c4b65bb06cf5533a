"""What every run has: Lightning's trainer with our checkpoints and logs, and weights' origin.

Owns: `build_trainer`, `calm_warnings` and `provenance`.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import warnings
from contextlib import contextmanager
from importlib import metadata
from typing import TYPE_CHECKING, Any

import torch
from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from pose_action_ros.training.config_file import config_to_mapping
from pose_action_ros.training.optimizers import MONITOR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pose_action_ros.training.config import PhaseSettings, TrainerSettings
    from pose_action_ros.training.reporting import EpochReport
    from pose_action_ros.training.run_folder import PhaseResult

__all__ = ['build_trainer', 'calm_warnings', 'provenance']

_UNWANTED = (
    'Checkpoint directory .* exists',  # so it does when a run goes on
    '.*isinstance.treespec, LeafSpec',  # Lightning's own use of PyTorch
)
_log = logging.getLogger(__name__)


def build_trainer(
    path: Path,
    settings: PhaseSettings,
    trainer: TrainerSettings,
    report: EpochReport,
    *,
    progress: bool,
) -> Trainer:
    """Return the trainer of one phase.

    Args:
        path: The phase's folder, for checkpoints and logs.
        settings: The phase.
        trainer: Where it runs.
        report: Writes a line an epoch.
        progress: Show a progress bar.
    """
    return Trainer(
        accelerator=trainer.accelerator,
        devices=trainer.devices,
        num_nodes=trainer.num_nodes,
        strategy=trainer.strategy,
        precision=trainer.precision,  # type: ignore[arg-type]
        max_epochs=settings.epochs,
        gradient_clip_val=settings.gradient_clip or None,
        logger=_loggers(path, tensorboard=trainer.tensorboard),
        callbacks=_callbacks(path, settings, report, progress=progress),
        enable_progress_bar=progress,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        log_every_n_steps=settings.steps_per_epoch,
        default_root_dir=path,
    )


@contextmanager
def calm_warnings() -> Iterator[None]:
    """Keep warnings of Lightning's back that no user can act on."""
    with warnings.catch_warnings():
        for text in _UNWANTED:
            warnings.filterwarnings('ignore', text)
        warnings.simplefilter('ignore', PossibleUserWarning)  # advice on numbers of workers
        yield


def provenance(config: Any, data: str, results: list[PhaseResult]) -> dict[str, str]:
    """Return where weights come from, as it travels in their file.

    Args:
        config: The run's settings; they have a seed.
        data: What was learned from.
        results: Of its phases.
    """
    device = platform.processor() or platform.machine()
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
    return {
        'source': f'trained by pose_action_ros {_version()} on {data}',
        'seed': str(config.seed),
        'hardware': f'{device}, {os.cpu_count()} CPU cores',
        'libraries': f'torch {torch.__version__}',
        'settings': json.dumps(config_to_mapping(config)),
        'phases': json.dumps([vars(result) for result in results]),
    }


class _BestCheckpoint(ModelCheckpoint):
    """Keeps the epoch with the lowest score, and writes the score down beside it."""

    def on_save_checkpoint(self, trainer: Trainer, pl_module: Any, checkpoint: Any) -> None:
        checkpoint['best_error'] = float(trainer.callback_metrics[MONITOR])


def _callbacks(
    path: Path, settings: PhaseSettings, report: EpochReport, *, progress: bool
) -> list[Any]:
    shared: dict[str, Any] = {'dirpath': path, 'save_on_train_epoch_end': True}
    shared['enable_version_counter'] = False
    callbacks: list[Any] = [
        report,
        _BestCheckpoint(filename='best', monitor=MONITOR, mode='min', save_top_k=1, **shared),
        ModelCheckpoint(filename='last', every_n_epochs=1, save_top_k=1, **shared),
    ]
    if settings.stop_after:
        callbacks.append(EarlyStopping(MONITOR, patience=settings.stop_after, mode='min'))
    if progress:
        callbacks.append(RichProgressBar())
    return callbacks


def _loggers(path: Path, *, tensorboard: bool) -> list[Any]:
    loggers: list[Any] = [CSVLogger(path, name='logs')]
    try:
        if tensorboard:
            loggers.append(TensorBoardLogger(path, name='logs', version=loggers[0].version))
    except ModuleNotFoundError:
        _log.info('tensorboard is not installed; logs are CSV only')
    return loggers


def _version() -> str:
    try:
        return metadata.version('pose_action_ros')
    except metadata.PackageNotFoundError:
        return 'of a checkout'
