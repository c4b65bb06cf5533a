"""`pose-action doctor`: what this machine has, and how large a network is."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from pose_action_ros.models import ModelConfig
    from pose_action_ros.models.complexity import Complexity

__all__ = ['PUBLISHED', 'doctor']

PUBLISHED = {
    'mpii': (14_847_936, 9.833),
    'h36m': (16_721_938, 11.815),
    'penn_action': (12_906_496, 96.33),
    'ntu': (16_988_568, 130.11),
}
"""Preset -> numbers in the authors' file, G multiply-adds a frame (a clip, where it has actions);
counted on their own implementation."""

_LIBRARIES = {
    **{'torch': 'torch', 'numpy': 'numpy', 'opencv': 'opencv-python-headless'},
    **{'safetensors': 'safetensors', 'h5py': 'h5py', 'lightning': 'lightning'},
    'openvino': 'openvino',
}


def doctor(
    model: Annotated[
        str | None, typer.Option(help='Count a network: a preset, or weights.')
    ] = None,
) -> None:
    """Say what this machine has: versions, devices, ROS, weights; count a network."""
    console = Console()
    if model is None:
        console.print(_machine_table())
        return
    from pose_action_ros.models.complexity import count_complexity

    config = _config_of(model)
    complexity = count_complexity(config)
    console.print(_parts_table(config, complexity))
    for line in _totals(config, complexity):
        console.print(line, highlight=False, soft_wrap=True)


def _config_of(model: str) -> ModelConfig:
    from pose_action_ros.models import ModelConfig, find_weights, read_config
    from pose_action_ros.models.checkpoint import UNTRAINED
    from pose_action_ros.models.config import PRESETS

    name = model.removeprefix(UNTRAINED)
    if name in PRESETS or model != name:
        return ModelConfig.preset(name)
    return read_config(find_weights(model))


def _machine_table() -> Table:
    table = Table(show_header=False)
    table.add_row('pose_action_ros', _version('pose_action_ros') or 'from a checkout')
    table.add_row('Python', f'{platform.python_version()} on {platform.platform()}')
    for name, package in _LIBRARIES.items():
        table.add_row(name, _version(package) or _version(name) or 'not installed')
    for name, value in {**_devices(), **_ros(), **_weights()}.items():
        table.add_row(name, value)
    return table


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ''


def _devices() -> dict[str, str]:
    import torch

    found = {'CPU': f'{os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads'}
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        found[f'cuda:{index}'] = f'{properties.name}, {properties.total_memory >> 30} GiB'
    return found if len(found) > 1 else {**found, 'GPU': 'none that torch can use'}


def _ros() -> dict[str, str]:
    """Whether the nodes could start; nothing of ROS is loaded."""
    distribution = os.environ.get('ROS_DISTRO') or 'none sourced'
    rclpy = importlib.util.find_spec('rclpy') is not None
    messages = importlib.util.find_spec('pose_action_ros.msg') is not None
    return {
        'ROS 2': f'{distribution}; rclpy {"found" if rclpy else "not found"}',
        'messages': 'built' if messages else 'not built; `make setup` or colcon builds them',
    }


def _weights() -> dict[str, str]:
    from pose_action_ros.core.errors import CheckpointError
    from pose_action_ros.models import find_weights

    found = {}
    for name in ('demo', *PUBLISHED):
        try:
            found[f'weights {name}'] = str(find_weights(name))
        except CheckpointError:
            found[f'weights {name}'] = 'not here'
    return found


def _parts_table(config: ModelConfig, complexity: Complexity) -> Table:
    table = Table('part', 'times', 'parameters each', 'M multiply-adds each', title=config.name)
    for column in table.columns[1:]:
        column.justify = 'right'
    rows: dict[tuple[str, int, int], int] = {}
    for part, macs in complexity.parts.items():
        name = re.sub(r'blocks\.\d+', 'blocks.*', part)
        row = (name, complexity.part_parameters[part], macs)
        rows[row] = rows.get(row, 0) + 1
    for (name, parameters, macs), times in rows.items():
        table.add_row(name, f'{times}', f'{parameters:,}', f'{macs / 1e6:,.1f}')
    return table


def _totals(config: ModelConfig, complexity: Complexity) -> list[str]:
    """Sums in words; for a published network, beside the figures of the authors' own."""
    in_file = complexity.parameters + complexity.fixed_grids
    frame = complexity.frame_macs / 1e9
    lines = [
        f'parameters: {complexity.parameters:,}, of which {complexity.learnable:,} learnable',
        f'with the fixed grids of the released files: {in_file:,}',
        f'a frame: {frame:.3f} G multiply-adds',
    ]
    total = frame
    if config.actions:
        clip = complexity.clip_macs / 1e9
        total = config.clip_frames * frame + clip
        lines.append(
            f'a clip of {config.clip_frames}: {total:.2f} G, of which {clip:.3f} G in the heads'
        )
    if _is_published(config):
        parameters, published = PUBLISHED[config.name]
        same = in_file == parameters and abs(total - published) <= 5e-4 * published
        lines.append(
            f"the authors' network: {parameters:,} numbers, {published} G: "
            f'{"agrees" if same else "DIFFERS"}'
        )
    return lines


def _is_published(config: ModelConfig) -> bool:
    from pose_action_ros.models.config import PRESETS

    return config.name in PUBLISHED and config == PRESETS[config.name]
