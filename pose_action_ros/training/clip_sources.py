"""From the settings to clips: of one data set, or of several whose classes have our names.

`data.options.clips` is a mix as `data.options.mix`, entry by entry. An entry of a recorded data
set says by `classes` which of its classes is which action of the network, and by `rest` what the
others are; classes without either are skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from pose_action_ros.core.actions import OTHER, SIMULATED_ACTIONS
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.data.mixing import JoinedSamples, MixedSamples, SpreadSamples
from pose_action_ros.data.opening import dataset_options, open_library
from pose_action_ros.data.recorded import RecordedClips
from pose_action_ros.data.simulated import SimulatedClips
from pose_action_ros.training.simulated_sources import make_framing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from pose_action_ros.models import ModelConfig
    from pose_action_ros.training.config import DataSettings

__all__ = ['RenamedClips', 'class_numbers', 'mixed_clips', 'simulated_clips']

_SIMULATED = (*SIMULATED_ACTIONS, OTHER)
_ENTRY_OPTIONS = ('name', 'share', 'root', 'framing', 'classes', 'rest')


def simulated_clips(
    model: ModelConfig, split: str, count: int | None, **options: Any
) -> RenamedClips:
    """Return clips of the simulated actor, of those actions of the network that it can do.

    Args:
        model: The network.
        split: train or val.
        count: Number of clips; None for no end.
        **options: Of `SimulatedClips`.

    Raises:
        ConfigError: The network lacks an action of the simulated actor.
    """
    missing = set(SIMULATED_ACTIONS) - set(model.actions)
    if missing:
        raise ConfigError(
            f'the network {model.name!r} has no action {", ".join(sorted(missing))}, which the '
            'simulated actor does: give the network core.actions.SIMULATED_ACTIONS and more'
        )
    actions = tuple(name for name in _SIMULATED if name in model.actions)
    clips = SimulatedClips(
        split, count, frames=model.clip_frames, period_s=model.clip_period_s, actions=actions,
        **options,
    )  # fmt: skip
    return RenamedClips(clips, [model.actions.index(name) for name in actions])


def mixed_clips(data: DataSettings, model: ModelConfig, split: str) -> Any:
    """Return the clips of a split out of all entries of `data.options.clips`.

    Args:
        data: The settings.
        model: The network; `data.val_clips` is shared out evenly among the entries.
        split: train (`data.clips` long, or endless, varied) or val (tidy).

    Raises:
        ConfigError: An entry names no such data set, option or class.
        DatasetError: A file is missing or damaged.
    """
    entries = data.options['clips']
    if not isinstance(entries, dict) or not entries:
        raise ConfigError(
            'data.options.clips is empty; expected `LABEL: {name, share, ...}` lines'
        )
    each = max(1, data.val_clips // len(entries))
    sources: list[Any] = [
        _entry(label, dict(entry), model, split, each) for label, entry in entries.items()
    ]
    if split == 'val':
        return JoinedSamples(sources)
    shares = [float(entry.get('share', 1.0)) for entry in entries.values()]
    seed = int(data.options.get('seed', 0))
    return MixedSamples(sources, shares, seed=seed, count=data.clips or None)


def class_numbers(
    names: Sequence[str], actions: Sequence[str], classes: Mapping[str, str], rest: str | None
) -> list[int]:
    """Return, for each class of a data set, the number of the network's action; -1 for none.

    Args:
        names: The data set's classes.
        actions: The network's.
        classes: Which class is which action; others keep their name.
        rest: The action of all others; None for none.

    Raises:
        ConfigError: A class or an action does not exist.
    """
    unknown = [c for c in classes if c not in names]
    wrong = [a for a in (*classes.values(), *([rest] if rest else [])) if a not in actions]
    if unknown or wrong:
        raise ConfigError(
            f'unknown classes {unknown} or actions {wrong}; the data set has {", ".join(names)}, '
            f'the network {", ".join(actions)}'
        )
    renamed = [classes.get(name, name) for name in names]
    others = -1 if rest is None else list(actions).index(rest)
    return [list(actions).index(name) if name in actions else others for name in renamed]


class RenamedClips:
    """Clips whose classes have other numbers; those without one are skipped.

    Args:
        clips: The clips.
        numbers: New number of each class; -1 skips it.
        kept: Indices of the clips that stay; None for all.
    """

    def __init__(self, clips: Any, numbers: Sequence[int], kept: list[int] | None = None) -> None:
        self._clips = clips
        self._numbers = list(numbers)
        self._kept = kept

    def __len__(self) -> int:
        return len(self._clips) if self._kept is None else len(self._kept)

    def __getitem__(self, index: int) -> Any:
        """Return clip `index`; raises IndexError out of range."""
        return self._renamed(self._clips[self._place(index)])

    def varied(self, index: int, rng: np.random.Generator) -> Any:
        """Return clip `index` as a generator has it seen; one that can't vary stays as it is."""
        if hasattr(self._clips, 'varied'):
            return self._renamed(self._clips.varied(self._place(index), rng))
        return self[index]

    def _place(self, index: int) -> int:
        return index if self._kept is None else self._kept[index]

    def _renamed(self, clip: Any) -> Any:
        return {**clip, 'action': torch.tensor(self._numbers[int(clip['action'])])}


def _entry(
    label: str, entry: dict[str, Any], model: ModelConfig, split: str, val_count: int
) -> Any:
    name = str(entry.pop('name', label))
    entry.pop('share', None)
    where = f'data.options.clips.{label}'
    if name == 'simulated':
        if entry:
            raise ConfigError(f'{where} has no {", ".join(entry)}; known are name and share')
        return simulated_clips(model, split, val_count if split == 'val' else None)
    unknown = set(entry) - {*_ENTRY_OPTIONS, *dataset_options(name)}
    if unknown or 'root' not in entry:
        raise ConfigError(
            f'{where} has no {", ".join(sorted(unknown))}' if unknown else f'{where} needs `root`'
        )
    framing = make_framing(entry.pop('framing', {}))
    classes, rest = entry.pop('classes', {}), entry.pop('rest', None)
    skeleton = get_skeleton(model.layout)
    library = open_library(name, entry.pop('root'), split, skeleton, **entry)
    numbers = class_numbers(library.actions, model.actions, classes, rest)
    kept = [i for i in range(len(library)) if numbers[library.action(i)] >= 0]
    if not kept:
        raise ConfigError(f'{where}: none of its classes is an action of the network')
    if split == 'val':
        tidy = RenamedClips(RecordedClips(library, model.clip_frames), numbers, kept)
        return SpreadSamples(tidy, val_count)
    clips = RecordedClips(library, model.clip_frames, framing)
    return RenamedClips(clips, numbers, kept)
