"""`pose-action doctor`: lists what is installed and what is broken, or the size of a network."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pose_action_ros.core.console import RESULTS
from pose_action_ros.core.errors import CheckpointError, DeviceError
from pose_action_ros.core.weights import DEMO_WEIGHTS, SHIPPED_WEIGHTS, UNTRAINED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pose_action_ros.models import ModelConfig
    from pose_action_ros.models.complexity import Complexity

__all__ = ['PUBLISHED', 'doctor']

PUBLISHED = {
    'mpii': (14_847_936, 9.833),
    'h36m': (16_721_938, 11.815),
    'penn_action': (12_906_496, 96.33),
    'ntu': (16_988_568, 130.11),
}
"""By preset: numbers in the authors' file, and G multiply-adds of a frame (of a clip, if it has
actions), counted on their own implementation."""

_MESSAGES = 'pose_action_ros.msg'
# Installed name by module.
_LIBRARIES = {
    **{'torch': 'torch', 'numpy': 'numpy', 'cv2': 'opencv-python-headless'},
    **{'safetensors': 'safetensors', 'h5py': 'h5py', 'lightning': 'lightning'},
    **{'openvino': 'openvino', 'rosbags': 'rosbags', 'onnx': 'onnx'},
    **{'av': 'av', 'rerun': 'rerun-sdk', 'ray': 'ray'},
}


def doctor(
    weights: Annotated[
        str | None,
        typer.Option(
            help='Count the parameters and operations of this network instead: weights, or a '
            'preset, whose weights are not needed.'
        ),
    ] = None,
) -> None:
    """Print versions, devices, ROS and weights, and import every library."""
    if weights is None:
        broken = _broken_modules()
        RESULTS.print(_machine_table(broken))
        if broken:
            reasons = '; '.join(f'{name} ({reason})' for name, reason in broken.items())
            raise DeviceError(
                f'installed, but does not import: {reasons}. Install it again with its '
                'dependencies: `pip install --force-reinstall NAME`, or delete the virtual '
                'environment and run `make setup`'
            )
        return
    from pose_action_ros.models.complexity import count_complexity

    config = _config_of(weights)
    complexity = count_complexity(config)
    RESULTS.print(_parts_table(config, complexity))
    for line in _totals(config, complexity):
        RESULTS.print(line, soft_wrap=True)


def _config_of(weights: str) -> ModelConfig:
    from pose_action_ros.models import ModelConfig, find_weights, read_config
    from pose_action_ros.models.config import PRESETS

    name = weights.removeprefix(UNTRAINED)
    if name in PRESETS or weights != name:
        return ModelConfig.preset(name)
    return read_config(find_weights(weights))


def _broken_modules() -> dict[str, str]:
    """Import every library; return those that are installed and fail, with the reason.

    Of ROS, rclpy and the C code of our messages are loaded.
    """
    reasons = {name: _why_broken(name) for name in (*_LIBRARIES, 'rclpy', _MESSAGES)}
    return {name: reason for name, reason in reasons.items() if reason}


def _why_broken(name: str) -> str:
    """Return the reason if an installed module does not import; otherwise empty."""
    try:
        module = importlib.import_module(name)
        if name == _MESSAGES:
            type(module.Pose3D).__import_type_support__()
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f'{error.name}.')):
            return ''
        return f'{type(error).__name__}: {error}'
    except Exception as error:  # a broken library may raise anything
        return ' '.join(f'{type(error).__name__}: {error}'.split())
    return ''


def _machine_table(broken: Mapping[str, str]) -> Table:
    table = Table(show_header=False)
    table.add_row('pose_action_ros', _version('pose_action_ros') or 'from a checkout')
    table.add_row('Python', f'{platform.python_version()} on {platform.platform()}')
    for name, package in _LIBRARIES.items():
        version = _version(package) or _version(name) or 'not installed'
        if name in broken:
            version += ', does not import'
        table.add_row(
            package.removesuffix('-python-headless'),
            version,
            style='bold red' if name in broken else None,
        )
    devices = {} if 'torch' in broken else _devices()
    for name, value in {**devices, **_ros(broken), **_weights(broken)}.items():
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


def _ros(broken: Mapping[str, str]) -> dict[str, str]:
    """Whether the nodes could start."""
    distribution = os.environ.get('ROS_DISTRO') or 'none sourced'
    words = {}
    for name in ('rclpy', _MESSAGES):
        words[name] = 'found' if name in sys.modules else 'not found'
        if name in broken:
            words[name] = 'does not import'
    messages = words[_MESSAGES]
    if messages == 'not found':
        messages = 'not built; `make setup` or colcon builds them'
    return {'ROS 2': f'{distribution}; rclpy {words["rclpy"]}', 'messages': messages}


def _weights(broken: Mapping[str, str]) -> dict[str, str]:
    if {'torch', 'safetensors'} & set(broken):
        return {}
    from pose_action_ros.models import find_weights

    found = {}
    for name in (SHIPPED_WEIGHTS, DEMO_WEIGHTS, *PUBLISHED):
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
    """The sums as text; for a published network with the authors' figures."""
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
