"""The origin of weights, for the metadata of their file."""

from __future__ import annotations

import json
import os
import platform
from importlib import metadata
from typing import TYPE_CHECKING

import torch

from pose_action_ros.training.config_file import config_to_mapping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_action_ros.training.config import FinderTrainConfig, TrainConfig
    from pose_action_ros.training.run_folder import PhaseResult

__all__ = ['provenance']


def provenance(
    config: TrainConfig | FinderTrainConfig, data: str, results: Sequence[PhaseResult]
) -> dict[str, str]:
    """Return the origin of weights as plain texts.

    Args:
        config: The settings of the run.
        data: Names of the training data.
        results: Results of its phases.
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


def _version() -> str:
    try:
        return metadata.version('pose_action_ros')
    except metadata.PackageNotFoundError:
        return 'of a checkout'
