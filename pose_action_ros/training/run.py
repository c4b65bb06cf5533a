"""A run from settings to a weights file, phase by phase; each phase can be resumed."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from lightning.fabric.utilities.rank_zero import rank_zero_only

from pose_action_ros.core.cores import usable_threads
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.models import ModelConfig, MultitaskNet, open_model, save_model
from pose_action_ros.models.deepening import with_further_blocks
from pose_action_ros.training.action_module import ActionModule
from pose_action_ros.training.callbacks import FeatureFilling
from pose_action_ros.training.checks import check_run
from pose_action_ros.training.config import PHASES
from pose_action_ros.training.data_module import PhaseData
from pose_action_ros.training.feature_cache import CachedFeatures
from pose_action_ros.training.order import OrderedSamples
from pose_action_ros.training.person_fit import fit_person, with_person
from pose_action_ros.training.phase_module import best_weights
from pose_action_ros.training.phase_samples import POSE_PHASES, PhaseSamples, SampleSets
from pose_action_ros.training.pose_module import PoseModule
from pose_action_ros.training.provenance import named_data, provenance
from pose_action_ros.training.reporting import EpochReport
from pose_action_ros.training.run_folder import PhaseResult, RunFolder, load_checkpoint
from pose_action_ros.training.trainers import build_trainer, calm_warnings, fit, probe_trainer

if TYPE_CHECKING:
    from lightning.pytorch import Callback, Trainer

    from pose_action_ros.training.config import ModelSettings, PhaseSettings, TrainConfig
    from pose_action_ros.training.phase_module import PhaseModule

__all__ = ['start_network', 'train']

_FINETUNE_FACTOR = 0.1  # supplement, Appendix B
_PERSON_SAMPLES = 1024
_log = logging.getLogger(__name__)


def train(config: TrainConfig, *, resume: bool = False, progress: bool = True) -> Path:
    """Train a network.

    Settings, devices and data are checked before the folder is created.

    Args:
        config: All settings.
        resume: Continue the run in `config.output`, or start one if there is none.
        progress: Show progress bars.

    Returns:
        Path of the weights.

    Raises:
        ConfigError: Settings contradict each other, or the folder holds another run.
        DatasetError: A file of a data set is missing or damaged.
        CheckpointError: A checkpoint of the run, or the weights to start from, are damaged.
        TrainingError: The loss or the score is not finite.
    """
    folder = RunFolder(Path(config.output))
    with calm_warnings():  # the Trainer knows how this process was started
        is_first = probe_trainer(config.trainer).is_global_zero
    if is_first:
        folder.check(config, resume=resume)
    else:  # only one of several processes logs
        logging.getLogger('pose_action_ros').setLevel(logging.ERROR)
    if config.trainer.threads:
        torch.set_num_threads(usable_threads(config.trainer.threads))
    torch.manual_seed(config.seed)
    net = start_network(config.model, read=not folder.begun())
    samples = PhaseSamples(config, net.config, folder.samples)
    with calm_warnings():
        check_run(config, folder, samples)
        with folder.opened(config) if is_first else nullcontext():
            if not is_first:
                logging.getLogger('pose_action_ros').setLevel(logging.WARNING)
            run = _Run(config, folder, net, samples, progress=progress and is_first)
            results = [run.phase(name) for name in PHASES if run.settings(name).epochs]
            if is_first:
                save_model(net.eval(), folder.weights, _origin(config, results))
    return folder.weights


class _Run:
    """The common state of a run's phases; `net` passes the weights from one to the next."""

    def __init__(
        self,
        config: TrainConfig,
        folder: RunFolder,
        net: MultitaskNet,
        samples: PhaseSamples,
        *,
        progress: bool,
    ) -> None:
        self._config = config
        self._folder = folder
        self._net = net
        self._samples = samples
        self._progress = progress
        self._results: list[PhaseResult] = []

    def settings(self, name: str) -> PhaseSettings:
        """Return the settings of a phase."""
        settings: PhaseSettings = getattr(self._config, name)
        return settings

    def phase(self, name: str) -> PhaseResult:
        """Train a phase, or the rest of it, and load its best weights."""
        result = self._folder.result(name, self.settings(name).epochs)
        trained = result is None
        if result is None:
            _log.info('phase %s: %d epochs', name, self.settings(name).epochs)
            if chosen_by := self._samples.validation(name):
                _log.info('phase %s: best epoch by %s', name, chosen_by)
            result = self._train(name)
        self._results.append(result)
        best = load_checkpoint(self._folder.best(name))
        self._net.load_state_dict(best_weights(best['state_dict']))
        with_person(self._net, result.person or best.get('person'))
        if trained and rank_zero_only.rank == 0:
            origin = _origin(self._config, self._results)
            save_model(self._net.eval(), self._folder.phase_weights(name), origin)
        return result

    def _train(self, name: str) -> PhaseResult:
        module = self._module(name)
        report = EpochReport(name, self.settings(name).batch_size)
        callbacks: list[Callback] = [report]
        data = self._data(name, callbacks)
        trainer = build_trainer(
            self._config.trainer,
            self.settings(name),
            self._folder.phase(name),
            callbacks,
            progress=self._progress,
        )
        fit(trainer, module, data, self._folder.last(name))
        self._report_skipped(name, trainer)
        result = PhaseResult(
            phase=name,
            steps=trainer.global_step,
            last_rate=module.current_rate,
            best_error=float(load_checkpoint(self._folder.best(name))['best_error']),
            seconds=round(report.seconds, 1),
            epochs=self.settings(name).epochs,
            person=self._person(name, trainer) if trainer.is_global_zero else None,
        )
        if trainer.is_global_zero:
            self._folder.write_result(result)
        trainer.strategy.barrier('result')  # the others read it
        return result

    def _person(self, name: str, trainer: Trainer) -> tuple[float, float] | None:
        """Fit the probability of a person to the best weights of the phase `pose`."""
        if name != 'pose':
            return None
        best = load_checkpoint(self._folder.best(name))
        self._net.load_state_dict(best_weights(best['state_dict']))
        settings, samples = self.settings(name), self._samples.of(name).train
        count = min(_PERSON_SAMPLES, settings.steps_per_epoch * settings.batch_size)
        found = fit_person(self._net, samples, count, trainer.strategy.root_device)
        if found:
            _log.info('phase %s: probability of a person, gain %.2f, offset %.2f', name, *found)
        return found

    def _report_skipped(self, name: str, trainer: Trainer) -> None:
        """Log the number of samples that no process could read."""
        counts: dict[str, int] = {}
        for sound in self._samples.recorded(name):
            mask = sound.skipped_mask.int().to(trainer.strategy.root_device)
            count = int((trainer.strategy.reduce(mask, reduce_op='sum') > 0).sum())
            if count:
                counts[sound.name] = counts.get(sound.name, 0) + count
        for data_set, count in counts.items() if trainer.is_global_zero else ():
            _log.warning(
                'phase %s: %d samples of %s could not be read; others replaced them',
                name, count, data_set,
            )  # fmt: skip

    def _module(self, name: str) -> PhaseModule:
        settings = self.settings(name)
        rate = settings.learning_rate
        if rate is None:
            rate = self._last_action_rate() * _FINETUNE_FACTOR
        channels_last = self._config.trainer.channels_last
        module: PhaseModule
        if name in POSE_PHASES:
            half_size = name == 'half_size'
            module = PoseModule(
                self._net, settings, rate, half_size=half_size, channels_last=channels_last
            )
        else:
            train_pose = name == 'finetune'
            module = ActionModule(
                self._net, settings, rate, train_pose=train_pose, channels_last=channels_last
            )
        module.sync_batchnorm = self._config.trainer.sync_batchnorm
        return module

    def _last_action_rate(self) -> float:
        result = self._folder.result('action')
        if result is None:
            raise ConfigError(f'{self._folder.phase("action")} has no result.json; start again')
        return result.last_rate

    def _data(self, name: str, callbacks: list[Callback]) -> PhaseData:
        """The batches of a phase; adds the filling of feature caches to `callbacks`."""
        samples, workers = self._samples.of(name), self._config.data.workers
        if name == 'action' and self._config.action.cache_features:
            folder, seed = self._folder.phase(name), self._config.seed
            caches = [
                CachedFeatures(clips, folder / f'features_{split}.npy')
                for clips, split in zip(samples, ('train', 'val'), strict=True)
            ]
            callbacks.append(
                FeatureFilling(
                    caches,
                    channels_last=self._config.trainer.channels_last,
                    workers=workers,
                    progress=self._progress,
                )
            )
            train, val = caches
            samples = SampleSets(
                OrderedSamples(train, seed), OrderedSamples(val, seed, shuffle=False)
            )
            workers = 0
        return PhaseData(samples.train, samples.val, self.settings(name), workers=workers)


def _origin(config: TrainConfig, results: list[PhaseResult]) -> dict[str, str]:
    return provenance(config, named_data(config.data), results, config.model.weights)


def start_network(settings: ModelSettings, *, read: bool = True) -> MultitaskNet:
    """Return the network with random weights, and with matching parts of the initial weights.

    Args:
        settings: Preset, changes and weights.
        read: False: random weights only, for a run with checkpoints.

    Raises:
        ConfigError: There is no such preset, or most of the weights do not fit.
        CheckpointError: The weights are missing or damaged.
    """
    net = MultitaskNet(ModelConfig.preset(settings.preset, **settings.changes))
    if settings.weights is None or not read:
        return net
    initial = open_model(settings.weights)
    own = net.state_dict()
    stored = with_further_blocks(initial.state_dict(), initial.config, net.config.blocks)
    fitting = {k: v for k, v in stored.items() if k in own and own[k].shape == v.shape}
    if len(fitting) < len(own) / 2:
        raise ConfigError(
            f'{settings.weights} fits the preset {settings.preset} in {len(fitting)} of '
            f'{len(own)} tensors only; start from weights of the same width'
        )
    net.load_state_dict(fitting, strict=False)
    with_person(net, (initial.config.person_gain, initial.config.person_offset))
    _log.info('%d of %d tensors from %s', len(fitting), len(own), settings.weights)
    return net
