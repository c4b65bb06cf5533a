"""Settings that may change when a run is resumed: those that do not affect its completed part.

Always: the name, the `trainer`, folders of data sets and caches, loader processes, `stop_after`
and `gradient_clip` of a phase. Until a phase begins: its settings, and those of data that only it
and later phases use. For the last phase that has begun: more epochs, unless its learning rates
depend on their number.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_action_ros.training.config import PHASES
from pose_action_ros.training.config_file import config_to_mapping

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pose_action_ros.training.config import FinderTrainConfig, TrainConfig

    AnyConfig = TrainConfig | FinderTrainConfig

__all__ = ['changed_settings', 'forbidden_changes', 'may_have_more_epochs']

_FREE = ('output', 'name', 'trainer', 'data.workers', 'data.root')
_FREE_OPTIONS = ('root', 'prepared')
_AHEAD = ('gradient_clip', 'stop_after')
_FILES = ('labels', 'checks', 'split_file', 'broken')
_POSES = ('data.poses', 'data.val_poses', 'data.options.mix', 'data.options.validate')
_CLIPS = ('data.clips', 'data.val_clips', 'data.options.clips', 'data.options.classes')
_SEEN_BY = {
    **dict.fromkeys(_POSES, ('half_size', 'pose')),
    **dict.fromkeys(_CLIPS, ('action', 'finetune')),
}
_EPOCHS_DECIDE = ('cosine', 'one_cycle')


def changed_settings(before: AnyConfig, now: AnyConfig) -> list[str]:
    """Return the dotted keys of all settings that differ, options of data sets included."""
    old, new = (_flat(config_to_mapping(config)) for config in (before, now))
    keys = [*old, *(key for key in new if key not in old)]
    return [
        key
        for key in keys
        if old.get(key, _ABSENT) != new.get(key, _ABSENT)
        and not _has_parts(key, old)  # an empty mapping on the other side
        and not _has_parts(key, new)
    ]


def forbidden_changes(before: AnyConfig, now: AnyConfig, begun: Collection[str]) -> list[str]:
    """Return the changes that would affect the completed part of a run.

    Args:
        before: The settings so far.
        now: The new settings.
        begun: Phases that have begun.
    """
    if not begun:
        return []
    old, new = (_flat(config_to_mapping(config)) for config in (before, now))
    return [
        key
        for key in changed_settings(before, now)
        if not _is_free(key, old.get(key), new.get(key))
        and not _is_ahead(key, begun)
        and not (key.endswith('.epochs') and may_have_more_epochs(key, before, now, begun))
    ]


def may_have_more_epochs(
    key: str, before: AnyConfig, now: AnyConfig, begun: Collection[str]
) -> bool:
    """Return whether a change of PHASE.epochs does not affect the completed epochs."""
    name = key.partition('.')[0]
    old, new = getattr(before, name), getattr(now, name)
    later = PHASES[PHASES.index(name) + 1 :] if name in PHASES else ()
    return (
        new.epochs > old.epochs
        and not set(later) & set(begun)
        and old.schedule not in _EPOCHS_DECIDE
    )


def _is_free(key: str, old: Any, new: Any) -> bool:
    name = key.rpartition('.')[2]
    if any(key == free or key.startswith(f'{free}.') for free in _FREE):
        return True
    same_file = isinstance(old, str) and isinstance(new, str) and Path(old).name == Path(new).name
    if not key.startswith('data.options.'):
        return key == 'model.weights' and same_file  # read by the first phase alone
    return name in _FREE_OPTIONS or (name in _FILES and same_file)


def _is_ahead(key: str, begun: Collection[str]) -> bool:
    """Whether a setting only affects future steps: its phase and all later ones have not begun."""
    section, _, name = key.partition('.')
    if section in PHASES and name in _AHEAD:
        return True
    if section in PHASES:
        return not set(PHASES[PHASES.index(section) :]) & set(begun)
    for seen, names in _SEEN_BY.items():
        if key == seen or key.startswith(f'{seen}.'):
            return not set(names) & set(begun)
    return False


def _has_parts(key: str, flat: Mapping[str, Any]) -> bool:
    return any(other.startswith(f'{key}.') for other in flat)


_ABSENT = object()


def _flat(mapping: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in mapping.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f'{prefix}{key}.')
        else:
            flat[f'{prefix}{key}'] = value
    return flat
