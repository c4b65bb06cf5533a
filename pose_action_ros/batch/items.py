"""Inputs of a batch and their outcomes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pose_action_ros.core.errors import ConfigError

__all__ = ['Item', 'Outcome', 'State', 'Summary', 'named_apart']


class State(str, Enum):
    """The end of an item."""

    DONE = 'done'
    UNCHANGED = 'unchanged'
    FAILED = 'failed'
    STOPPED = 'stopped'


@dataclass(frozen=True)
class Item:
    """One input.

    Attributes:
        source: Its path or URL.
        name: Path of its output below the output folder, parts separated by `/`.
        parts: Its parts, if it is watched in parts; empty if it is one task.
    """

    source: str
    name: str
    parts: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Summary:
    """The content of one output.

    Attributes:
        images: Number of images read.
        poses: Number of poses written.
        notes: Problems, for the user.
        failure: The reason if the output is useless; otherwise empty.
        stopped_by: The signal that ended the work early; 0 for none.
    """

    images: int = 0
    poses: int = 0
    notes: tuple[str, ...] = ()
    failure: str = ''
    stopped_by: int = 0


@dataclass(frozen=True)
class Outcome:
    """The end of one item, as it stands in the report.

    Attributes:
        name: As `Item`.
        source: As `Item`.
        state: The end.
        reason: The reason of a failure; otherwise empty.
        size_bytes: Size of the input; 0 if it could not be read.
        images: As `Summary`.
        poses: As `Summary`.
        notes: As `Summary`.
        duration_s: Time of the work, without waiting.
        worker: Host and process that did it.
        peak_mib: Largest memory of that process so far.
    """

    name: str
    source: str
    state: State
    reason: str = ''
    size_bytes: int = 0
    images: int = 0
    poses: int = 0
    notes: tuple[str, ...] = ()
    duration_s: float = 0.0
    worker: str = ''
    peak_mib: int = 0


def named_apart(items: list[Item]) -> list[Item]:
    """Return the items, if no two have one name and none lies inside another.

    Raises:
        ConfigError: Two items would have the same output.
    """
    names = Counter(item.name for item in items)
    for item in items:
        parents = item.name.split('/')[:-1]
        inside = {'/'.join(parents[: n + 1]) for n in range(len(parents))} & names.keys()
        if names[item.name] > 1 or inside:
            same = [other.source for other in items if other.name in {item.name, *inside}]
            raise ConfigError(
                f'{" and ".join(same[:3])} would have one output {min({item.name, *inside})}; '
                'rename one, or give the folder that contains both'
            )
    return items
