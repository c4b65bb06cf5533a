"""The samples of recorded data sets that the settings ask for, alone or mixed with simulated ones.

`data.name` is the data set of the clips and, by default, of the validation. `data.options.mix`
lists the data sets of the pose phases with their shares. `data.options.validate` lists the entries
of the mix for validation. Unreadable files are skipped and logged.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.data.augment import Drawn, Framing, chosen_ranges
from pose_action_ros.data.empty_windows import EmptyWindows, read_candidates
from pose_action_ros.data.mixing import JoinedSamples, MixedSamples, SpreadSamples
from pose_action_ros.data.opening import dataset_names, dataset_options, open_library
from pose_action_ros.data.photographs import Photographs
from pose_action_ros.data.prepared import require_extent
from pose_action_ros.data.recorded import RecordedClips, RecordedPoses, skipped_files
from pose_action_ros.data.sound_samples import SoundSamples
from pose_action_ros.training.simulated_sources import (
    make_framing,
    revisited_actor,
    simulated_val,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pose_action_ros.data.recorded import Library
    from pose_action_ros.models import ModelConfig
    from pose_action_ros.training.config import DataSettings
    from pose_action_ros.training.order import SampleSource

__all__ = ['recorded_clips', 'recorded_poses', 'sound_samples']

_log = logging.getLogger(__name__)

_OWN_OPTIONS = ('augmentation', 'framing', 'mix', 'validate', 'clips', 'seed')
_ENTRY_OPTIONS = ('name', 'share', 'root', 'augmentation', 'framing', 'windows', 'candidates')
_ACTOR_RUN_OPTIONS = ('mix', 'validate', 'clips', 'seed', 'framing', 'photographs')
_ACTOR_OPTIONS = ('name', 'share', 'count', 'framing', 'photographs', 'zoom', 'turn_deg')


def recorded_poses(
    data: DataSettings,
    model: ModelConfig,
    split: str,
    folder: Path | None = None,
    *,
    seed: int = 0,
) -> SampleSource:
    """Return the single images of a split.

    Args:
        data: The settings.
        model: The network; joints come in its layout.
        split: train (endless, or `data.poses` images; varied) or val (unvaried).
        folder: Folder for the kept samples of the simulated actor.
        seed: Seed of the run; `data.options.seed` overrides it.

    Raises:
        ConfigError: The settings name no such data set or option.
        DatasetError: A file is missing or damaged.
    """
    entries = _entries(data)
    if split == 'val':
        chosen = data.options.get('validate') or [data.name]
        missing = set(chosen) - set(entries) - {data.name}
        if missing:
            raise ConfigError(
                f'data.options.validate names {", ".join(sorted(missing))}; the mix has '
                f'{", ".join(entries)}'
            )
        each = max(1, data.val_poses // len(chosen))
        entries = {data.name: {}, **entries}
        return JoinedSamples([_validation(data, n, entries[n], model, each) for n in chosen])
    mix = entries if 'mix' in data.options else {data.name: {}}
    shares = [float(entry.get('share', 1.0)) for entry in mix.values()]
    seed = int(data.options.get('seed', seed))
    sources = [_training(data, label, entry, model, folder, seed) for label, entry in mix.items()]
    return MixedSamples(sources, shares, seed=seed, count=data.poses or None)


def recorded_clips(
    data: DataSettings, model: ModelConfig, split: str, *, seed: int = 0
) -> SampleSource:
    """Return the clips of a split with the network's frames; arguments and errors as above.

    Raises:
        ConfigError: As above, or the network's actions are not those of the data set.
        DatasetError: As above.
    """
    options = _own_options(data)
    ranges = _ranges(options, data.name, 'clips')
    skeleton = get_skeleton(model.layout)
    library = open_library(data.name, _root(data.name, data.root), split, skeleton, **options)
    if model.actions != library.actions:
        raise ConfigError(
            f'the network {model.name!r} knows {len(model.actions)} actions, {data.name} has '
            f'{len(library.actions)} others: give the network those of the data set, '
            f'model.changes: {{actions: [{", ".join(library.actions)}]}}, or skip the phases '
            'action and finetune (epochs: 0)'
        )
    ranges = ranges if split == 'train' else None
    require_extent(library, ranges)
    recorded = RecordedClips(library, model.clip_frames, ranges)
    clips = sound_samples(recorded, library, _read_split(split, options))
    if split == 'val':
        return SpreadSamples(clips, data.val_clips)
    seed = int(data.options.get('seed', seed))
    return MixedSamples([clips], seed=seed, count=data.clips or None)


def sound_samples(samples: Any, library: Library, split: str) -> SoundSamples:
    """Return samples that skip damaged files; log the files that the library skipped.

    Args:
        samples: Samples of the library.
        library: The data set.
        split: The split that is read.
    """
    for text in skipped_files(library):
        _log.warning('%s %s: %s', library.name, split, text)
    return SoundSamples(samples, f'{library.name} {split}')


def _entries(data: DataSettings) -> dict[str, dict[str, Any]]:
    """The entries of the mix, with checked names and options."""
    if data.name == 'simulated':
        _check(data.options, _ACTOR_RUN_OPTIONS, 'data.options')
    else:
        _own_options(data)
    mix = data.options.get('mix') or {}
    _check(mix, None, 'data.options.mix')
    for label, entry in mix.items():
        where = f'data.options.mix.{label}'
        _check(entry, None, where)
        name = entry.get('name', label)
        if name == 'simulated':
            _check(entry, _ACTOR_OPTIONS, where)
        else:
            _check(entry, (*_ENTRY_OPTIONS, *dataset_options(name)), where)
    return dict(mix)


def _training(
    data: DataSettings,
    label: str,
    entry: Mapping[str, Any],
    model: ModelConfig,
    folder: Path | None,
    seed: int,
) -> Any:
    """The varied samples of one entry."""
    name, options = _entry_options(data, label, entry)
    if name == 'simulated':
        return revisited_actor(label, options, model, folder, seed=seed)
    return _recorded(data, label, name, options, model, 'train')


def _validation(
    data: DataSettings, label: str, entry: Mapping[str, Any], model: ModelConfig, count: int
) -> Any:
    """`count` unvaried samples of one entry."""
    name, options = _entry_options(data, label, entry)
    if name == 'simulated':
        return simulated_val(options, model, count)
    return SpreadSamples(_recorded(data, label, name, options, model, 'val'), count)


def _recorded(
    data: DataSettings,
    label: str,
    name: str,
    options: dict[str, Any],
    model: ModelConfig,
    split: str,
) -> SoundSamples:
    """People, or empty windows, of a recorded data set; varied for training."""
    windows, candidates = options.pop('windows', 'people'), options.pop('candidates', None)
    ranges = _ranges(options, name, 'poses')
    if split == 'val':
        ranges = None
    library = _library(data, name, split, model, options)
    split = _read_split(split, options)
    require_extent(library, ranges)
    if candidates and windows != 'empty':
        raise ConfigError(f'data.options.mix.{label}.candidates needs `windows: empty`')
    if windows == 'people':
        return sound_samples(RecordedPoses(library, ranges), library, split)
    if windows != 'empty' or not isinstance(library, Photographs):
        raise ConfigError(
            f'data.options.mix.{label}.windows is {windows!r}; expected people, or empty of a '
            'data set of photographs that is not prepared'
        )
    places = read_candidates(Path(candidates)) if candidates else None
    empty = EmptyWindows(library, ranges if isinstance(ranges, Framing) else None, places)
    return sound_samples(empty, library, split)


def _entry_options(
    data: DataSettings, label: str, entry: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Name of an entry's data set, and its options; they override those of `data.options`."""
    name = str(entry.get('name', label))
    own = _own_options(data) if name == data.name != 'simulated' else {}
    if {'augmentation', 'framing'} & set(entry):  # its own rule in place of the data set's
        own = {k: v for k, v in own.items() if k not in ('augmentation', 'framing')}
    options = {**own, **entry}
    for key in ('name', 'share'):
        options.pop(key, None)
    if name != 'simulated' and not {'augmentation', 'framing'} & set(options):
        options['augmentation'] = data.options.get('augmentation', 'paper')
    return name, options


def _library(
    data: DataSettings, name: str, split: str, model: ModelConfig, options: dict[str, Any]
) -> Any:
    root = options.pop('root', data.root if name == data.name else None)
    return open_library(name, _root(name, root), split, get_skeleton(model.layout), **options)


def _read_split(split: str, options: Mapping[str, Any]) -> str:
    """The split whose recordings are read."""
    return 'test' if split == 'val' and options.get('validate_on_test') else split


def _own_options(data: DataSettings) -> dict[str, Any]:
    """The checked options of the data set itself, including the augmentation."""
    if data.name not in dataset_names():
        raise ConfigError(
            f'unknown data set {data.name!r}; expected simulated or one of '
            f'{", ".join(dataset_names())}'
        )
    known = dataset_options(data.name)
    _check(data.options, (*_OWN_OPTIONS, *known), 'data.options')
    own = {k: v for k, v in data.options.items() if k in known or k == 'framing'}
    return own if 'framing' in own else {**own, 'augmentation': _augmentation(data)}


def _augmentation(data: DataSettings) -> Any:
    return data.options.get('augmentation', 'paper')


def _ranges(options: dict[str, Any], name: str, kind: str) -> Drawn | None:
    """Take `framing` or `augmentation` out of an entry's options."""
    framing, augmentation = options.pop('framing', None), options.pop('augmentation', 'none')
    return (
        make_framing(framing) if framing is not None else chosen_ranges(augmentation, name, kind)
    )


def _check(options: Any, known: tuple[str, ...] | None, where: str) -> None:
    if not isinstance(options, dict):
        raise ConfigError(f'{where} is {options!r}; expected `key: value` lines')
    unknown = set() if known is None else set(options) - set(known)
    if unknown:
        raise ConfigError(
            f'{where} has no {", ".join(sorted(unknown))}; known are {", ".join(known or ())}'
        )


def _root(name: str, root: str | None) -> str:
    if root is None:
        raise ConfigError(f'the folder of {name} is not set; set data.root (or root in the mix)')
    return root
