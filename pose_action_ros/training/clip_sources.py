"""The clips that the settings ask for, from one data set or from several with common classes.

`data.options.clips` is a mix like `data.options.mix`. In an entry of a recorded data set,
`classes` maps its classes to actions of the network, and `rest` is the action of all other
classes. Classes without either are skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pose_action_ros.core.actions import SIMULATED_ACTIONS
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.data.mixing import JoinedSamples, MixedSamples, SpreadSamples
from pose_action_ros.data.opening import dataset_options, open_library
from pose_action_ros.data.prepared import require_extent
from pose_action_ros.data.recorded import RecordedClips
from pose_action_ros.data.renamed import RenamedLibrary
from pose_action_ros.data.simulated import SimulatedClips
from pose_action_ros.training.recorded_sources import sound_samples
from pose_action_ros.training.simulated_sources import make_framing

if TYPE_CHECKING:
    import numpy as np

    from pose_action_ros.models import ModelConfig
    from pose_action_ros.training.config import DataSettings

__all__ = ['mixed_clips', 'simulated_clips']

_ENTRY_OPTIONS = ('name', 'share', 'root', 'framing', 'classes', 'rest')


def simulated_clips(
    model: ModelConfig, split: str, count: int | None, **options: Any
) -> SimulatedClips:
    """Return clips of the simulated actor, labelled with the network's actions.

    Args:
        model: The network.
        split: train or val.
        count: Number of clips; None: endless.
        **options: Options of `SimulatedClips`.

    Raises:
        ConfigError: The network lacks an action of the simulated actor.
    """
    missing = set(SIMULATED_ACTIONS) - set(model.actions)
    if missing:
        raise ConfigError(
            f'the network {model.name!r} has no action {", ".join(sorted(missing))}, which the '
            'simulated actor does: give the network core.actions.SIMULATED_ACTIONS and more'
        )
    return SimulatedClips(
        split, count, frames=model.clip_frames, period_s=model.clip_period_s,
        labels=model.actions, **options,
    )  # fmt: skip


def mixed_clips(data: DataSettings, model: ModelConfig, split: str, *, seed: int = 0) -> Any:
    """Return the clips of a split from all entries of `data.options.clips`.

    Args:
        data: The settings; all entries get the same part of `data.val_clips`.
        model: The network.
        split: train (`data.clips` clips, or endless; varied) or val (unvaried).
        seed: Seed of the run; `data.options.seed` overrides it.

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
    seed = int(data.options.get('seed', seed))
    sources: list[Any] = [
        _entry(label, dict(entry), model, split, each, seed) for label, entry in entries.items()
    ]
    if split == 'val':
        return JoinedSamples(sources)
    shares = [float(entry.get('share', 1.0)) for entry in entries.values()]
    return MixedSamples(sources, shares, seed=seed, count=data.clips or None)


class _Unvaried:
    """Clips of the simulated actor that look the same at every visit."""

    def __init__(self, clips: SimulatedClips) -> None:
        self._clips = clips

    def __len__(self) -> int:
        return len(self._clips)

    def varied(self, index: int, rng: np.random.Generator) -> Any:
        return self._clips[index]


def _entry(
    label: str,
    entry: dict[str, Any],
    model: ModelConfig,
    split: str,
    val_count: int,
    seed: int,
) -> Any:
    name = str(entry.pop('name', label))
    entry.pop('share', None)
    where = f'data.options.clips.{label}'
    if name == 'simulated':
        if entry:
            raise ConfigError(f'{where} has no {", ".join(entry)}; known are name and share')
        if split == 'val':
            return simulated_clips(model, split, val_count)
        return _Unvaried(simulated_clips(model, split, None, seed=seed))
    unknown = set(entry) - {*_ENTRY_OPTIONS, *dataset_options(name)}
    if unknown or 'root' not in entry:
        raise ConfigError(
            f'{where} has no {", ".join(sorted(unknown))}' if unknown else f'{where} needs `root`'
        )
    framing = make_framing(entry.pop('framing', {}))
    classes, rest = entry.pop('classes', {}), entry.pop('rest', None)
    skeleton = get_skeleton(model.layout)
    library = open_library(name, entry.pop('root'), split, skeleton, **entry)
    require_extent(library, framing if split == 'train' else None)
    renamed = RenamedLibrary(library, model.actions, classes, rest)
    clips = RecordedClips(renamed, model.clip_frames, framing if split == 'train' else None)
    sound = sound_samples(clips, renamed, split)
    return SpreadSamples(sound, val_count) if split == 'val' else sound
