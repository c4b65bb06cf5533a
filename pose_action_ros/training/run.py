"""One run from settings to a weights file: phase after phase, each of them resumable."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.fabric.utilities.rank_zero import rank_zero_only

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.data.sound_samples import skipped_samples
from pose_action_ros.models import ModelConfig, MultitaskNet, open_model, save_model
from pose_action_ros.training.action_module import ActionModule
from pose_action_ros.training.appearance import Appearance
from pose_action_ros.training.augmentation import Augmentation
from pose_action_ros.training.data_module import PhaseData
from pose_action_ros.training.feature_cache import CachedFeatures
from pose_action_ros.training.lightning_trainer import (
    build_trainer,
    calm_warnings,
    provenance,
)
from pose_action_ros.training.order import OrderedSamples
from pose_action_ros.training.phase_module import best_weights
from pose_action_ros.training.pose_module import PoseModule
from pose_action_ros.training.reporting import EpochReport
from pose_action_ros.training.run_folder import PhaseResult, RunFolder, load_checkpoint
from pose_action_ros.training.sources import clip_source, pose_source

if TYPE_CHECKING:
    from pose_action_ros.training.config import DataSettings, PhaseSettings, TrainConfig
    from pose_action_ros.training.phase_module import PhaseModule

__all__ = ['PHASES', 'train']

PHASES = ('half_size', 'pose', 'action', 'finetune')
"""The phases of a run, in order."""

_POSE_PHASES = ('half_size', 'pose')

_FINETUNE_FACTOR = 0.1  # supplement, Appendix B
_log = logging.getLogger(__name__)


def train(config: TrainConfig, *, resume: bool = False, progress: bool = True) -> Path:
    """Train a network.

    Args:
        config: All settings.
        resume: Go on with the run in `config.output`; start it where there is none.
        progress: Show progress bars.

    Returns:
        Path of the weights.

    Raises:
        ConfigError: Settings contradict each other, or the folder holds another run.
        CheckpointError: A checkpoint of the run, or the weights to start from, are damaged.
    """
    folder = RunFolder(Path(config.output))
    if rank_zero_only.rank == 0:
        folder.open(config, resume=resume)
    if config.trainer.threads:
        torch.set_num_threads(config.trainer.threads)
    torch.manual_seed(config.seed)
    net = _start_network(config)
    run = _Run(config, folder, net, progress=progress and rank_zero_only.rank == 0)
    with calm_warnings():
        results = [run.phase(name) for name in PHASES if run.settings(name).epochs]
    if rank_zero_only.rank == 0:
        save_model(net.eval(), folder.weights, provenance(config, config.data.name, results))
    return folder.weights


class _Run:
    """What the phases of a run share; `net` carries the weights from one to the next."""

    def __init__(
        self, config: TrainConfig, folder: RunFolder, net: MultitaskNet, *, progress: bool
    ) -> None:
        self._config = config
        self._folder = folder
        self._net = net
        self._progress = progress
        self._sources: list[Any] = []  # of the phase at hand

    def settings(self, name: str) -> PhaseSettings:
        """Return the settings of a phase."""
        settings: PhaseSettings = getattr(self._config, name)
        return settings

    def phase(self, name: str) -> PhaseResult:
        """Train a phase, or what is left of it, and load its best weights."""
        result = self._folder.result(name)
        if result is None:
            _log.info('phase %s: %d epochs', name, self.settings(name).epochs)
            result = self._train(name)
        state = load_checkpoint(self._folder.best(name))['state_dict']
        self._net.load_state_dict(best_weights(state))
        return result

    def _train(self, name: str) -> PhaseResult:
        module = self._module(name)
        report = EpochReport(name, self.settings(name).batch_size)
        trainer = build_trainer(
            self._folder.phase(name), self.settings(name), self._config.trainer, report,
            progress=self._progress,
        )  # fmt: skip
        last = self._folder.last(name)
        trainer.fit(
            module,
            datamodule=self._data(name),
            ckpt_path=last if last.exists() else None,
            weights_only=True,
        )
        self._report_skipped(name)
        if trainer.interrupted:
            raise KeyboardInterrupt
        best = load_checkpoint(self._folder.best(name))
        result = PhaseResult(
            phase=name,
            steps=trainer.global_step,
            last_rate=module.current_rate,
            best_error=float(best['best_error']),
            seconds=round(report.seconds, 1),
        )
        trainer.strategy.barrier()
        if trainer.is_global_zero:
            self._folder.write_result(result)
        return result

    def _report_skipped(self, name: str) -> None:
        """Log how many samples could not be read while a phase ran."""
        for source in self._sources:
            for data_set, count in skipped_samples(source).items():
                _log.warning(
                    'phase %s: %d samples of %s could not be read; others came in their place',
                    name, count, data_set,
                )  # fmt: skip
        self._sources.clear()

    def _module(self, name: str) -> PhaseModule:
        settings = self.settings(name)
        rate = settings.learning_rate
        if rate is None:
            rate = self._last_action_rate(name) * _FINETUNE_FACTOR
        channels_last = self._config.trainer.channels_last
        if name in _POSE_PHASES:
            half_size = name == 'half_size'
            return PoseModule(
                self._net, settings, rate, half_size=half_size, channels_last=channels_last
            )
        return ActionModule(
            self._net, settings, rate, train_pose=name == 'finetune', channels_last=channels_last
        )

    def _last_action_rate(self, name: str) -> float:
        result = self._folder.result('action')
        if name == 'finetune' and result is not None:
            return result.last_rate
        raise ConfigError(
            f'{name}.learning_rate is null, a tenth of the last rate of the action phase; this '
            'run has no such phase before it, so give a rate'
        )

    def _data(self, name: str) -> PhaseData:
        config = self._config
        workers = config.data.workers
        if name in _POSE_PHASES:
            train, val = self._samples(pose_source, 'train'), self._samples(pose_source, 'val')
        else:
            cached = name == 'action' and config.action.cache_features
            train, val = (
                self._samples(clip_source, split, kept=not cached) for split in ('train', 'val')
            )
            if cached:
                train, val = self._features(train, 'train'), self._features(val, 'val')
                workers = 0
        return PhaseData(train, val, self.settings(name), workers=workers)

    def _samples(self, source: Any, split: str, *, kept: bool = True) -> OrderedSamples:
        config = self._config
        folder = self._folder.samples if kept else None
        samples = source(config.data, self._net.config, split, folder)
        self._sources.append(samples)
        if split == 'val':
            return OrderedSamples(samples, config.seed, shuffle=False)
        change = Augmentation(
            get_skeleton(self._net.config.layout),
            flip=config.data.flip,
            colour_power=config.data.colour_power,
            zoom=config.data.zoom if config.data.pool else 0.0,
            turn_deg=config.data.turn_deg if config.data.pool else 0.0,
            appearance=_appearance(config.data),
        )
        return OrderedSamples(samples, config.seed, augmentation=change)

    def _features(self, clips: OrderedSamples, split: str) -> OrderedSamples:
        if len(clips) >= _MANY:
            raise ConfigError(
                'action.cache_features keeps a number of clips; set data.clips above 0'
            )
        features = CachedFeatures(
            clips,
            self._net,
            self._folder.phase('action') / f'features_{split}.npy',
            channels_last=self._config.trainer.channels_last,
            workers=self._config.data.workers,
            progress=self._progress,
        )
        return OrderedSamples(features, self._config.seed, shuffle=clips.shuffle)


def _appearance(data: DataSettings) -> Appearance:
    appearance = Appearance(data.light, data.saturation, data.blur, data.covered)
    if appearance.changes and data.render_on_device:
        raise ConfigError(
            'data.light, saturation, blur and covered change finished crops; set them to 0, or '
            'data.render_on_device to false'
        )
    return appearance


_MANY = 1_000_000


def _start_network(config: TrainConfig) -> MultitaskNet:
    """Random weights, then what fits of the weights to start from."""
    net = MultitaskNet(ModelConfig.preset(config.model.preset, **config.model.changes))
    if config.model.weights is None:
        return net
    own, stored = net.state_dict(), open_model(config.model.weights).state_dict()
    fitting = {k: v for k, v in stored.items() if k in own and own[k].shape == v.shape}
    if len(fitting) < len(own) / 2:
        raise ConfigError(
            f'{config.model.weights} fits the preset {config.model.preset} in {len(fitting)} of '
            f'{len(own)} tensors only; start from weights of the same width'
        )
    net.load_state_dict(fitting, strict=False)
    _log.info('%d of %d tensors from %s', len(fitting), len(own), config.model.weights)
    return net
