"""From the settings to samples of recorded data sets, alone or mixed.

`data.name` says which data set validates and gives the clips; `data.options.mix` which ones the
pose phase trains on, and with which shares. What can't be read of them is skipped and logged.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.data.augment import ranges_named
from pose_action_ros.data.mixing import MixedSamples, SpreadSamples
from pose_action_ros.data.opening import DATASETS, open_library
from pose_action_ros.data.recorded import RecordedClips, RecordedPoses, skipped_files
from pose_action_ros.data.sound_samples import SoundSamples

if TYPE_CHECKING:
    from pose_action_ros.data.recorded import Library
    from pose_action_ros.models import ModelConfig
    from pose_action_ros.training.config import DataSettings
    from pose_action_ros.training.order import SampleSource

__all__ = ['recorded_clips', 'recorded_poses']

_log = logging.getLogger(__name__)

_SET_OPTIONS = ('view', 'broken', 'every', 'prepared')
_OPTIONS = ('augmentation', 'mix', 'seed', *_SET_OPTIONS)
_MIX_OPTIONS = ('share', 'root', 'augmentation', *_SET_OPTIONS)


def recorded_poses(data: DataSettings, model: ModelConfig, split: str) -> SampleSource:
    """Return the single images of a split.

    Args:
        data: The settings.
        model: The network; joints come in its layout.
        split: train (endless, or `data.poses` long, varied) or val (tidy).

    Raises:
        ConfigError: The settings name no such data set or option.
        DatasetError: A file is missing or damaged.
    """
    own = _own_options(data)
    if split == 'val':
        poses = _poses(data.name, data.root, split, model, own)
        return SpreadSamples(poses, data.val_poses)
    mix = data.options.get('mix') or {data.name: {}}
    sources, shares = [], []
    for name, entry in mix.items():
        _check(entry, _MIX_OPTIONS, f'data.options.mix.{name}')
        options = {**(own if name == data.name else _augmentation(own)), **entry}
        shares.append(options.pop('share', 1.0))
        root = options.pop('root', data.root if name == data.name else None)
        sources.append(_poses(name, root, split, model, options))
    seed = int(data.options.get('seed', 0))
    return MixedSamples(sources, shares, seed=seed, count=data.poses or None)


def recorded_clips(data: DataSettings, model: ModelConfig, split: str) -> SampleSource:
    """Return the clips of a split with the network's frames; arguments and errors as above.

    Raises:
        ConfigError: As above, or the network's actions are not those of the data set.
        DatasetError: As above.
    """
    options = _own_options(data)
    augmentation = options.pop('augmentation')
    skeleton = get_skeleton(model.layout)
    library = open_library(data.name, _root(data.name, data.root), split, skeleton, **options)
    if model.actions != library.actions:
        raise ConfigError(
            f'the network {model.name!r} knows {len(model.actions)} actions, {data.name} has '
            f'{len(library.actions)}; choose the preset {data.name}, or skip the phases action '
            'and finetune (epochs: 0)'
        )
    _report_files(data.name, split, library)
    ranges = ranges_named(augmentation, data.name, 'clips') if split == 'train' else None
    recorded = RecordedClips(library, model.clip_frames, ranges)
    clips = SoundSamples(recorded, f'{data.name} {split}')
    if split == 'val':
        return SpreadSamples(clips, data.val_clips)
    seed = int(data.options.get('seed', 0))
    return MixedSamples([clips], seed=seed, count=data.clips or None)


def _poses(
    name: str, root: str | None, split: str, model: ModelConfig, options: dict[str, Any]
) -> SoundSamples:
    options = dict(options)
    ranges = ranges_named(options.pop('augmentation'), name, 'poses')
    skeleton = get_skeleton(model.layout)
    library = open_library(name, _root(name, root), split, skeleton, **options)
    _report_files(name, split, library)
    poses = RecordedPoses(library, ranges if split == 'train' else None)
    return SoundSamples(poses, f'{name} {split}')


def _report_files(name: str, split: str, library: Library) -> None:
    """Log which files of a data set were skipped as it was opened."""
    for text in skipped_files(library):
        _log.warning('%s %s: %s', name, split, text)


def _own_options(data: DataSettings) -> dict[str, Any]:
    """The options of the data set itself, the augmentation among them, checked."""
    if data.name not in DATASETS:
        raise ConfigError(
            f'unknown data set {data.name!r}; expected simulated or one of {", ".join(DATASETS)}'
        )
    _check(data.options, _OPTIONS, 'data.options')
    own = {name: data.options[name] for name in _SET_OPTIONS if name in data.options}
    return {**_augmentation(data.options), **own}


def _augmentation(options: dict[str, Any]) -> dict[str, Any]:
    return {'augmentation': options.get('augmentation', 'paper')}


def _check(options: Any, known: tuple[str, ...], where: str) -> None:
    if not isinstance(options, dict):
        raise ConfigError(f'{where} is {options!r}; expected `key: value` lines')
    unknown = set(options) - set(known)
    if unknown:
        raise ConfigError(
            f'{where} has no {", ".join(sorted(unknown))}; known are {", ".join(known)}'
        )


def _root(name: str, root: str | None) -> str:
    if root is None:
        raise ConfigError(f'where is {name}? Set data.root (or root in the mix) to its folder')
    return root
