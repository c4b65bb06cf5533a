"""The origin of weights, for the metadata of their file."""

from __future__ import annotations

import json
import os
import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any

import torch

from pose_action_ros.core.errors import CheckpointError
from pose_action_ros.core.weights import UNTRAINED
from pose_action_ros.models.checkpoint import find_weights, read_metadata
from pose_action_ros.training.config_file import config_to_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pose_action_ros.training.config import DataSettings, FinderTrainConfig, TrainConfig
    from pose_action_ros.training.run_folder import PhaseResult

__all__ = ['DATA_KEY', 'named_data', 'provenance', 'training_data']

DATA_KEY = 'training_data'
"""Metadata key of the names of all training data, those of the initial weights among them."""


def provenance(
    config: TrainConfig | FinderTrainConfig,
    data: Sequence[str],
    results: Sequence[PhaseResult],
    initial: str | None = None,
) -> dict[str, str]:
    """Return the origin of weights as plain texts.

    Args:
        config: The settings of the run.
        data: Names of the training data.
        results: Results of its phases.
        initial: The weights that the run started from.
    """
    device = platform.processor() or platform.machine()
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
    earlier = () if initial is None else _data_of(initial)
    return {
        'source': f'trained by pose_action_ros {_version()} on {", ".join(data)}',
        'seed': str(config.seed),
        'hardware': f'{device}, {os.cpu_count()} CPU cores',
        'libraries': f'torch {torch.__version__}',
        'settings': json.dumps(config_to_mapping(config)),
        'phases': json.dumps([vars(result) for result in results]),
        DATA_KEY: json.dumps(list(dict.fromkeys([*data, *earlier]))),
    }


def named_data(data: DataSettings) -> list[str]:
    """Return the names of the data sets that a run's settings name."""
    return _named(data.name, data.options)


def training_data(name_or_path: str) -> list[str]:
    """Return the names of the training data of weights; empty if the file names none.

    Files without `DATA_KEY` only have the settings of their last run.

    Args:
        name_or_path: See `models.checkpoint.find_weights`; `untrained:PRESET` has no data.

    Raises:
        CheckpointError: There are no such weights, or the file is damaged.
    """
    if name_or_path.startswith(UNTRAINED):
        return []
    texts = read_metadata(find_weights(name_or_path), 'format')
    try:
        if DATA_KEY in texts:
            return [str(name) for name in json.loads(texts[DATA_KEY])]
        data = json.loads(texts.get('settings', '{}')).get('data') or {}
        return _named(data['name'], data.get('options') or {}) if 'name' in data else []
    except (ValueError, TypeError, AttributeError):  # free text, or another program's
        return []


def _named(name: str, options: Mapping[str, Any]) -> list[str]:
    names = []
    for kind in ('mix', 'clips'):
        for label, entry in (options.get(kind) or {name: {}}).items():
            data_set = (entry or {}).get('name', label)
            names.append(label if label == data_set else f'{label} ({data_set})')
    return list(dict.fromkeys(names))


def _data_of(weights: str) -> list[str]:
    """The training data of weights; a file that is gone, or names none, stands for itself."""
    try:
        named = training_data(weights)
    except CheckpointError:  # a resumed run does not need it any more
        named = []
    return named or ([] if weights.startswith(UNTRAINED) else [f'those of {weights}'])


def _version() -> str:
    try:
        return metadata.version('pose_action_ros')
    except metadata.PackageNotFoundError:
        return 'of a checkout'
