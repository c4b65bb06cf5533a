"""The folder of one run: settings, checkpoints, results, logs, and the final weights.

OUTPUT/config.yaml          the settings as used
OUTPUT/samples/             training samples that are kept (`data.pool`)
OUTPUT/PHASE/last.ckpt      to go on from (PyTorch, read with weights_only)
OUTPUT/PHASE/best.ckpt      the best epoch of the phase
OUTPUT/PHASE/features_*.npy what the frozen network sees (`action.cache_features`)
OUTPUT/PHASE/logs/          CSV and TensorBoard, one folder per start
OUTPUT/PHASE/result.json    written when the phase is complete
OUTPUT/weights.safetensors  the result
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import yaml

from pose_action_ros.core.errors import CheckpointError, ConfigError
from pose_action_ros.training.config_file import config_to_mapping, load_config

if TYPE_CHECKING:
    from pose_action_ros.training.config import TrainConfig

__all__ = ['PhaseResult', 'RunFolder', 'load_checkpoint']


@dataclass(frozen=True)
class PhaseResult:
    """What a complete phase leaves for the next ones and for the weights' provenance.

    Attributes:
        phase: half_size, pose, action or finetune.
        steps: Optimiser steps taken.
        last_rate: Learning rate at the end.
        best_error: Best validation score: mean joint distance in crop units (half_size,
            pose), share of wrong clips (action, finetune).
        seconds: Wall time of all its epochs.
    """

    phase: str
    steps: int
    last_rate: float
    best_error: float
    seconds: float


@dataclass(frozen=True)
class RunFolder:
    """Paths and small files of a run."""

    path: Path

    @property
    def samples(self) -> Path:
        """Where samples are kept."""
        return self.path / 'samples'

    @property
    def weights(self) -> Path:
        """The final weights."""
        return self.path / 'weights.safetensors'

    def phase(self, name: str) -> Path:
        """Return the folder of a phase."""
        return self.path / name

    def last(self, name: str) -> Path:
        """Return the checkpoint to go on from."""
        return self.phase(name) / 'last.ckpt'

    def best(self, name: str) -> Path:
        """Return the checkpoint of the best epoch."""
        return self.phase(name) / 'best.ckpt'

    def open(self, config: TrainConfig, *, resume: bool) -> None:
        """Create the folder, or check that it holds the same run.

        Raises:
            ConfigError: A new run would overwrite one, or the settings changed since.
        """
        stored = self.path / 'config.yaml'
        if not stored.exists():
            self.path.mkdir(parents=True, exist_ok=True)
            stored.write_text(
                yaml.safe_dump(config_to_mapping(config), sort_keys=False), encoding='utf-8'
            )
        elif not resume:
            raise ConfigError(
                f'{self.path} holds a run already; add --resume to go on with it, '
                'or choose another folder with --output'
            )
        elif changed := _differences(load_config(stored), config):
            raise ConfigError(
                f'{self.path} was started with other settings: {", ".join(changed)}; '
                'go on with those of its config.yaml, or choose another folder with --output'
            )

    def result(self, name: str) -> PhaseResult | None:
        """Return the result of a complete phase, or None."""
        path = self.phase(name) / 'result.json'
        if not path.exists():
            return None
        return PhaseResult(**json.loads(path.read_text(encoding='utf-8')))

    def write_result(self, result: PhaseResult) -> None:
        """Mark a phase as complete."""
        path = self.phase(result.phase) / 'result.json'
        path.write_text(json.dumps(asdict(result), indent=2) + '\n', encoding='utf-8')


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a Lightning checkpoint as plain tensors and values; nothing in it is executed.

    Raises:
        CheckpointError: The file is missing or damaged.
    """
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:
        raise CheckpointError(
            f'{path} is no checkpoint of a run ({error}); start again without --resume'
        ) from error
    return checkpoint


_MAY_CHANGE = ('output', 'trainer', 'name')


def _differences(stored: TrainConfig, config: TrainConfig) -> list[str]:
    before, now = config_to_mapping(stored), config_to_mapping(config)
    changed = []
    for section in before:
        if section in _MAY_CHANGE or before[section] == now[section]:
            continue
        if not isinstance(before[section], dict):
            changed.append(section)
            continue
        changed += [f'{section}.{k}' for k, v in before[section].items() if now[section][k] != v]
    return changed
