"""The folder of one run: settings, checkpoints, results, logs, and the final weights.

OUTPUT/config.yaml          the settings as used
OUTPUT/samples/             kept training samples (`data.pool`)
OUTPUT/PHASE/last.ckpt      the last epoch, for resuming (PyTorch, read with weights_only)
OUTPUT/PHASE/best.ckpt      the best epoch of the phase
OUTPUT/PHASE/features_*.npy outputs of the frozen network (`action.cache_features`)
OUTPUT/PHASE/logs/          CSV and TensorBoard, one folder per start
OUTPUT/PHASE/result.json    written when the phase is complete
OUTPUT/PHASE/weights.safetensors  its best epoch, for every command that takes weights
OUTPUT/weights.safetensors  the result
"""

from __future__ import annotations

import fcntl
import json
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import yaml

from pose_action_ros.core.errors import CheckpointError, ConfigError
from pose_action_ros.training.config import PHASES
from pose_action_ros.training.config_file import config_to_mapping, load_config
from pose_action_ros.training.resuming import (
    changed_settings,
    forbidden_changes,
    may_have_more_epochs,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pose_action_ros.training.config import FinderTrainConfig, TrainConfig

__all__ = ['PhaseResult', 'RunFolder', 'load_checkpoint']


@dataclass(frozen=True)
class PhaseResult:
    """The result of a complete phase, for the next phases and the weights' metadata.

    Attributes:
        phase: half_size, pose, action or finetune.
        steps: Optimiser steps taken.
        last_rate: Learning rate at the end.
        best_error: Best validation score: mean joint distance in crop units (half_size,
            pose), share of wrong clips (action, finetune).
        seconds: Wall time of all its epochs.
        epochs: Requested epochs; 0 in results of versions that did not write them.
        person: Gain and offset that `person_fit` found after the phase, or None.
    """

    phase: str
    steps: int
    last_rate: float
    best_error: float
    seconds: float
    epochs: int = 0
    person: tuple[float, float] | None = None


@dataclass(frozen=True)
class RunFolder:
    """Paths and small files of a run.

    Attributes:
        path: The folder.
        phases: Names of all phases that the run may have, in order.
    """

    path: Path
    phases: tuple[str, ...] = PHASES

    @property
    def samples(self) -> Path:
        """Folder of the kept samples."""
        return self.path / 'samples'

    @property
    def weights(self) -> Path:
        """The final weights."""
        return self.path / 'weights.safetensors'

    def phase(self, name: str) -> Path:
        """Return the folder of a phase."""
        return self.path / name

    def last(self, name: str) -> Path:
        """Return the checkpoint of the last epoch."""
        return self.phase(name) / 'last.ckpt'

    def best(self, name: str) -> Path:
        """Return the checkpoint of the best epoch."""
        return self.phase(name) / 'best.ckpt'

    def phase_weights(self, name: str) -> Path:
        """Return the weights after a phase."""
        return self.phase(name) / 'weights.safetensors'

    def begun(self) -> list[str]:
        """Return the phases with a complete epoch."""
        return [
            name
            for name in self.phases
            if self.last(name).exists() or (self.phase(name) / 'result.json').exists()
        ]

    def check(self, config: TrainConfig | FinderTrainConfig, *, resume: bool) -> None:
        """Check that a run may start or continue here; nothing is written.

        Raises:
            ConfigError: A new run would overwrite another, or a changed setting affects the
                completed part of the run.
        """
        begun = self.begun()
        if begun and not resume:
            raise ConfigError(
                f'{self.path} already holds a run; add --resume to continue it, '
                'or choose another folder with --output'
            )
        if begun and (changed := forbidden_changes(self._stored(), config, begun)):
            raise ConfigError(
                f'{self.path} was started with other settings: {", ".join(changed)}; '
                'continue with those of its config.yaml, or choose another folder with --output'
            )

    @contextmanager
    def opened(self, config: TrainConfig | FinderTrainConfig) -> Iterator[None]:
        """Create the folder, or prepare it for continuing a checked run.

        If settings changed, files kept for later phases are removed, and a phase with more epochs
        is no longer complete.

        Raises:
            ConfigError: Another process is training there.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / '.lock').open('w') as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ConfigError(
                    f'another process is training in {self.path}; wait for its end, or choose '
                    'another folder with --output'
                ) from error
            stored = self.path / 'config.yaml'
            if stored.exists():
                self._forget(config)
            stored.write_text(
                yaml.safe_dump(config_to_mapping(config), sort_keys=False), encoding='utf-8'
            )
            yield

    def _stored(self) -> TrainConfig | FinderTrainConfig:
        return load_config(self.path / 'config.yaml')

    def _forget(self, config: TrainConfig | FinderTrainConfig) -> None:
        before, begun = self._stored(), self.begun()
        for name in begun:
            if may_have_more_epochs(f'{name}.epochs', before, config, begun):
                (self.phase(name) / 'result.json').unlink(missing_ok=True)
        changed = [
            key
            for key in changed_settings(before, config)
            if key.partition('.')[0] in ('seed', 'model', 'data', *self.phases)
            and key != 'data.workers'
        ]
        if not changed:
            return
        for name in set(self.phases) - set(begun):
            shutil.rmtree(self.phase(name), ignore_errors=True)
        if not begun:
            shutil.rmtree(self.samples, ignore_errors=True)
        elif not {'action', 'finetune'} & set(begun):
            for path in self.samples.glob('*_clips.npy'):
                path.unlink()

    def result(self, name: str, epochs: int = 0) -> PhaseResult | None:
        """Return the result of a complete phase, or None.

        Args:
            name: The phase.
            epochs: Requested epochs; a result of fewer epochs is not complete.
        """
        path = self.phase(name) / 'result.json'
        if not path.exists():
            return None
        result = PhaseResult(**json.loads(path.read_text(encoding='utf-8')))
        return None if 0 < result.epochs < epochs else result

    def write_result(self, result: PhaseResult) -> None:
        """Mark a phase as complete."""
        path = self.phase(result.phase) / 'result.json'
        path.write_text(json.dumps(asdict(result), indent=2) + '\n', encoding='utf-8')


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a Lightning checkpoint as plain tensors and values, without executing any of it.

    Raises:
        CheckpointError: The file is missing or damaged.
    """
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:
        raise CheckpointError(
            f'{path} is not a checkpoint of a run ({error}); start again without --resume'
        ) from error
    return checkpoint
