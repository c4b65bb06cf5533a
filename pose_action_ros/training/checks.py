"""Checks before the first step, so that no foreseeable error ends a run later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.training.config import PHASES
from pose_action_ros.training.data_module import share_of_batch
from pose_action_ros.training.trainers import probe_trainer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_action_ros.training.config import FinderTrainConfig, PhaseSettings, TrainConfig
    from pose_action_ros.training.phase_samples import PhaseSamples
    from pose_action_ros.training.run_folder import RunFolder

__all__ = ['check_phases', 'check_run']


def check_run(config: TrainConfig, folder: RunFolder, samples: PhaseSamples) -> None:
    """Check settings, devices and data of all remaining phases.

    A sample of every recorded data set is read.

    Raises:
        ConfigError: Settings contradict each other or the machine.
        DatasetError: A file is missing or damaged.
    """
    for name in check_phases(config, PHASES):
        if folder.result(name, getattr(config, name).epochs) is None:
            for recorded in samples.recorded(name):
                _ = recorded[0]


def check_phases(config: TrainConfig | FinderTrainConfig, names: Sequence[str]) -> list[str]:
    """Check the settings of the phases against the devices; return the phases with epochs.

    Args:
        config: The settings of a run.
        names: Names of all phases that the run may have.

    Raises:
        ConfigError: Settings contradict each other or the machine.
    """
    phases = [name for name in names if getattr(config, name).epochs]
    if not phases:
        raise ConfigError(
            f'every phase has 0 epochs; expected epochs above 0 for one of {", ".join(names)}'
        )
    trainer = probe_trainer(config.trainer)
    processes = trainer.num_devices * trainer.num_nodes
    for name in phases:
        settings: PhaseSettings = getattr(config, name)
        try:
            share_of_batch(settings, processes, config.trainer.accumulate_grad_batches)
        except ConfigError as error:
            raise ConfigError(f'{name}: {error}') from error
        if settings.learning_rate is None and (name != 'finetune' or 'action' not in phases):
            raise ConfigError(
                f'{name}.learning_rate is null, a tenth of the last rate of the action phase; '
                'this run has no action phase before it, so give a rate'
            )
    return phases
