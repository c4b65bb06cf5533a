"""A run of the finder, from settings to a weights file; an interrupted run can be resumed."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from pose_action_ros.core.cores import usable_threads
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.models import open_model
from pose_action_ros.models.finder import (
    FinderConfig,
    PersonFinder,
    is_finder,
    open_finder,
    save_finder,
)
from pose_action_ros.training.checks import check_phases
from pose_action_ros.training.data_module import PhaseData
from pose_action_ros.training.finder_module import FinderModule
from pose_action_ros.training.finder_samples import FinderSamples, SceneStore
from pose_action_ros.training.order import OrderedSamples
from pose_action_ros.training.phase_module import best_weights
from pose_action_ros.training.provenance import provenance
from pose_action_ros.training.reporting import EpochReport
from pose_action_ros.training.run_folder import PhaseResult, RunFolder, load_checkpoint
from pose_action_ros.training.trainers import build_trainer, calm_warnings, fit, probe_trainer

if TYPE_CHECKING:
    from pose_action_ros.training.config import FinderTrainConfig

__all__ = ['train_finder']

_PHASE = 'finder'
_log = logging.getLogger(__name__)


def train_finder(
    config: FinderTrainConfig, *, resume: bool = False, progress: bool = True
) -> Path:
    """Train a finder.

    Settings, devices and data are checked before the folder is created.

    Args:
        config: All settings.
        resume: Continue the run in `config.output`, or start one if there is none.
        progress: Show progress bars.

    Returns:
        Path of the weights.

    Raises:
        ConfigError: Settings contradict each other, or the folder holds another run.
        DatasetError: A picture or a file of annotations is missing or damaged.
        CheckpointError: A checkpoint of the run, or the weights to start from, are damaged.
        TrainingError: The loss or the score is not finite.
    """
    folder = RunFolder(Path(config.output), (_PHASE,))
    with calm_warnings():  # the Trainer knows how this process was started
        is_first = probe_trainer(config.trainer).is_global_zero
    if is_first:
        folder.check(config, resume=resume)
    else:  # only one of several processes logs
        logging.getLogger('pose_action_ros').setLevel(logging.WARNING)
    if config.trainer.threads:
        torch.set_num_threads(usable_threads(config.trainer.threads))
    torch.manual_seed(config.seed)
    net = _start_network(config, read=not folder.begun())
    with calm_warnings():
        check_phases(config, (_PHASE,))
        result = folder.result(_PHASE, config.finder.epochs)
        data = _data(config, net.config) if result is None else None
        with folder.opened(config) if is_first else nullcontext():
            if data is not None:
                result = _train(config, folder, net, data, progress=progress and is_first)
            best = load_checkpoint(folder.best(_PHASE))['state_dict']
            net.load_state_dict(best_weights(best))
            if is_first:
                sets = [*config.data.photographs, 'simulated scenes']
                results = [result] if result else []
                origin = provenance(config, sets, results, config.weights)
                save_finder(net.eval(), folder.weights, origin)
    return folder.weights


def _train(
    config: FinderTrainConfig,
    folder: RunFolder,
    net: PersonFinder,
    data: PhaseData,
    *,
    progress: bool,
) -> PhaseResult:
    phase = config.finder
    module = FinderModule(
        net, phase, phase.learning_rate or 0.0, channels_last=config.trainer.channels_last
    )
    module.sync_batchnorm = config.trainer.sync_batchnorm
    report = EpochReport(_PHASE, phase.batch_size)
    trainer = build_trainer(
        config.trainer, phase, folder.phase(_PHASE), [report], progress=progress
    )
    fit(trainer, module, data, folder.last(_PHASE))
    result = PhaseResult(
        phase=_PHASE,
        steps=trainer.global_step,
        last_rate=module.current_rate,
        best_error=float(load_checkpoint(folder.best(_PHASE))['best_error']),
        seconds=round(report.seconds, 1),
        epochs=phase.epochs,
    )
    if trainer.is_global_zero:
        folder.write_result(result)
    trainer.strategy.barrier('result')  # the others read it
    return result


def _data(config: FinderTrainConfig, shape: FinderConfig) -> PhaseData:
    stores = SceneStore.load(config.data)
    _log.info(
        'finder: %d photographs, %d simulated scenes, %d without people; validation: %d and %d',
        *(len(scenes) for scenes in (stores[0].photographs, stores[0].simulated, stores[0].empty)),
        *(len(scenes) for scenes in (stores[1].photographs, stores[1].simulated)),
    )
    train, val = (
        FinderSamples(
            store, shape, config.data, seed=seed,
            unlabelled_weight=config.finder.unlabelled_weight,
        )
        for store, seed in zip(stores, (config.seed, None), strict=True)
    )  # fmt: skip
    return PhaseData(
        OrderedSamples(train, config.seed),
        OrderedSamples(val, config.seed, shuffle=False),
        config.finder,
        workers=config.data.workers,
    )


def _start_network(config: FinderTrainConfig, *, read: bool) -> PersonFinder:
    """A finder with random weights, those of a finder, or a pose network's entry flow."""
    try:
        net = PersonFinder(FinderConfig(**{'name': config.name, **config.model}))
    except TypeError as error:
        raise ConfigError(f'model: {error}; see FinderConfig for the fields') from error
    if config.weights is None or not read:
        return net
    try:
        if is_finder(config.weights):
            net.load_state_dict(open_finder(config.weights).state_dict())
        else:
            flow = open_model(config.weights).pose_net.entry_flow
            net.entry_flow.load_state_dict(flow.state_dict())
    except RuntimeError as error:
        raise ConfigError(
            f'{config.weights} has another width; set `model` to its own: {error}'
        ) from error
    return net
