"""Weights files: safetensors with the network's config and origin in the metadata.

Nothing in a file is executed. `find_weights` finds files by name; nothing is downloaded here.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import platformdirs
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from pose_action_ros.core.errors import CheckpointError, ConfigError
from pose_action_ros.core.paths import visible_files, written_whole
from pose_action_ros.core.spelling import did_you_mean
from pose_action_ros.core.weights import UNTRAINED
from pose_action_ros.models.config import PRESETS, ModelConfig
from pose_action_ros.models.multitask import MultitaskNet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn

__all__ = [
    'CONFIG_KEY',
    'cache_folder',
    'find_weights',
    'load_model',
    'load_network',
    'open_model',
    'read_config',
    'read_metadata',
    'save_model',
    'write_network',
]

NetT = TypeVar('NetT', bound='nn.Module')

CONFIG_KEY = 'pose_action_ros.config'
"""Metadata key of the network's config, one line of JSON."""

_ENDING = '.safetensors'


def save_model(net: MultitaskNet, path: Path | str, provenance: Mapping[str, str] = {}) -> None:
    """Write a network to a file.

    Args:
        net: The network; its tensors are written as they are.
        path: Ends in .safetensors; its folder exists.
        provenance: Origin of the weights (source, seed, command, ...), free text.
    """
    write_network(net, path, {**provenance, CONFIG_KEY: net.config.to_json()})


def write_network(net: nn.Module, path: Path | str, metadata: Mapping[str, str]) -> None:
    """Write the tensors of any network to a file, as they are.

    Args:
        net: The network.
        path: Ends in .safetensors; its folder exists.
        metadata: Texts that are stored with them.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
    with written_whole(Path(path)) as part:
        part.write_bytes(save(tensors, {**metadata, 'format': 'pt'}))  # save_file bars other users


def read_metadata(path: Path | str, key: str = CONFIG_KEY) -> dict[str, str]:
    """Return a file's metadata: config, provenance.

    Args:
        path: The file.
        key: Key of the config for the wanted kind of network.

    Raises:
        CheckpointError: The file is missing, damaged or not ours.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f'there is no weights file {path}')
    try:
        with safe_open(path, framework='pt') as file:
            metadata = dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f'{path} is damaged or not a safetensors file ({error}); convert the files of '
            'the authors (.h5) with `pose-action convert-weights`'
        ) from error
    if key not in metadata:
        raise CheckpointError(
            f'{path} is a safetensors file without {key!r} in its metadata, so not a '
            'network of this package, or one of another kind'
        )
    return metadata


def read_config(path: Path | str) -> ModelConfig:
    """Return the config in a file.

    Raises:
        CheckpointError: The file is missing, damaged or not ours.
    """
    text = read_metadata(path)[CONFIG_KEY]
    try:
        return ModelConfig.from_json(text)
    except ConfigError as error:
        raise CheckpointError(f'{path}: {error}') from error


def load_model(path: Path | str) -> MultitaskNet:
    """Read a network from a file.

    Returns:
        The network in evaluation mode, float32, on the CPU.

    Raises:
        CheckpointError: The file is missing, damaged, not ours, or does not fit its own config.
    """
    config = read_config(path)
    return load_network(path, lambda: MultitaskNet(config))


def load_network(path: Path | str, build: Callable[[], NetT]) -> NetT:
    """Read a network of a known shape from a file.

    Args:
        path: The file.
        build: Makes the network, with any weights.

    Returns:
        The network in evaluation mode, float32, on the CPU.

    Raises:
        CheckpointError: The file is damaged or does not hold that network.
    """
    with torch.device('meta'):  # shapes first: a wrong config must not ask for memory
        expected = build().state_dict()
    try:
        with safe_open(path, framework='pt') as file:
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f'{path} is damaged ({error}); copy or make it again') from error
    _check(found, expected, path)
    net = build()
    net.load_state_dict({name: value.float() for name, value in found.items()})
    return net.eval()


def open_model(name_or_path: str | Path) -> MultitaskNet:
    """Return a network by name or path: as `find_weights`, or `untrained:PRESET`.

    Raises:
        CheckpointError: No such weights, or the file is damaged.
        ConfigError: No such preset.
    """
    name = str(name_or_path)
    if name.startswith(UNTRAINED):
        config = ModelConfig.preset(name.removeprefix(UNTRAINED))
        config = replace(config, name=f'{config.name} (untrained)')
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return MultitaskNet(config).eval()
    return load_model(find_weights(name_or_path))


def find_weights(name_or_path: str | Path) -> Path:
    """Return the path of a weights file.

    Args:
        name_or_path: A path; a shipped name (`people`, `demo`); or a preset's name, for released
            weights that `pose-action fetch-weights` has put into the cache folder.

    Raises:
        CheckpointError: There is none; the message lists the searched folders and the remedy.
    """
    path = Path(name_or_path).expanduser()
    if path.suffix or len(path.parts) > 1:
        if path.is_file():
            return path
        raise CheckpointError(f'there is no weights file {path}; give an existing {_ENDING} file')
    name = str(name_or_path)
    folders = [*_shared_folders(), cache_folder()]
    for folder in folders:
        if (folder / f'{name}{_ENDING}').is_file():
            return folder / f'{name}{_ENDING}'
    found = [path.stem for folder in folders for path in visible_files(folder, f'*{_ENDING}')]
    released = [preset for preset in PRESETS if preset != 'compact']
    meant = '' if name in released else did_you_mean(name, [*found, *released])
    advice = f'give a path, a name ({", ".join(dict.fromkeys(found))}) or {UNTRAINED}PRESET'
    if name in released:
        advice = f'`pose-action fetch-weights {name}` downloads the released file'
    places = ', '.join(str(folder) for folder in folders)
    raise CheckpointError(f'no weights named {name!r}; {advice}; searched in {places}{meant}')


def cache_folder() -> Path:
    """Return the user's folder for fetched weights; it may not exist yet."""
    return platformdirs.user_cache_path('pose_action_ros') / 'weights'


def _shared_folders() -> list[Path]:
    """The checkout's own weights, and `share/` of every install prefix."""
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    shares = [Path(prefix) / 'share/pose_action_ros/weights' for prefix in prefixes if prefix]
    checkout = Path(__file__).parents[2] / 'weights'
    return [folder for folder in dict.fromkeys([checkout, *shares]) if folder.is_dir()]


def _check(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path | str) -> None:
    missing = sorted(set(expected) - set(found))
    extra = sorted(set(found) - set(expected))
    if missing or extra:
        raise CheckpointError(
            f'{path} does not hold the network of its config: missing {_first(missing)}, '
            f'unexpected {_first(extra)}; the file was changed or made by another version'
        )
    for name, value in found.items():
        if value.shape != expected[name].shape or not value.is_floating_point():
            raise CheckpointError(
                f'{path}: {name} is {tuple(value.shape)} {value.dtype}, expected '
                f'{tuple(expected[name].shape)} of floats'
            )
        if not value.isfinite().all():
            raise CheckpointError(f'{path}: {name} holds NaN or infinity; train or copy it again')


def _first(names: list[str]) -> str:
    shown = ', '.join(names[:3]) or 'nothing'
    return shown if len(names) <= 3 else f'{shown} and {len(names) - 3} more'
