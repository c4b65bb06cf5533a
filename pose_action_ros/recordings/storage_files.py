"""The files of a recording: those that `metadata.yaml` names, and those that continue them.

A recorder that is killed leaves no `metadata.yaml`, or an old one without the last files. So the
names of the files decide. Every file that is not read is reported.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.paths import visible_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ['PACKED', 'RECORDING_ENDINGS', 'storage_files']

_EXPECTED = 'expected a rosbag2 folder, or a .mcap or .db3 file'
_ROS1_START = b'#ROSBAG V'

PACKED = ('.zstd', '.zst')
"""Endings of packed files: of rosbag2, and of the command zstd."""

RECORDING_ENDINGS = (
    *('.mcap', '.db3'),
    *(kind + packed for kind in ('.mcap', '.db3') for packed in PACKED),
)
"""Endings of the files of a recording."""


def storage_files(path: Path, named: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Return the files of a recording in their order, and notes about all others.

    Args:
        path: The folder, or a single file.
        named: Names of the files according to `metadata.yaml`; empty: unknown.

    Raises:
        DatasetError: There is no recording, or its folder can't be read.
    """
    try:
        return _storage_files(path, named)
    except OSError as error:
        raise DatasetError(f'{path} cannot be read: {error.strerror}') from error


def _storage_files(path: Path, named: Sequence[str]) -> tuple[list[Path], list[str]]:
    if not path.exists():
        raise DatasetError(f'there is no recording {path}; {_EXPECTED}')
    if path.is_file():
        _refuse_others(path)
        return [path], []
    if not os.access(path, os.R_OK | os.X_OK):  # a glob would find nothing there
        raise DatasetError(f'{path} cannot be read: Permission denied')
    there, notes = _distinct(path, named)
    if not there and (bags := visible_files(path, '*.bag')):
        _refuse_others(bags[0])
    missing = [name for name in named if name not in there]
    notes += [f'{path} has no file {name}, which metadata.yaml names' for name in missing]
    files = [there[name] for name in named if name in there]
    others = sorted((file for file in there.values() if file not in files), key=_with_numbers)
    if not files:  # metadata.yaml is missing, or of other files
        return others, notes
    continuing = [file for file in others if _continues(file, files)]
    for file in others:
        notes.append(
            f'{file} is read although metadata.yaml does not name it: its number continues the '
            'named files, as after a killed recorder'
            if file in continuing
            else f'{file} is not read: metadata.yaml does not name it, and its number does not '
            'continue the named files; if it belongs to the recording, delete metadata.yaml'
        )
    return files + continuing, notes


def _distinct(folder: Path, named: Sequence[str]) -> tuple[dict[str, Path], list[str]]:
    """Return the readable files by name, one of each packed and unpacked pair, and notes."""
    found = [p for p in visible_files(folder) if p.name.endswith(RECORDING_ENDINGS)]
    notes = [
        f'{p} is not read: it is a link to {p.readlink()}, which does not exist'
        for p in found
        if p.is_symlink() and not p.exists()
    ]
    files = [p for p in found if p.is_file()]
    # Of a pair the named file is complete; without names, packing may have been interrupted.
    best = sorted(files, key=lambda p: (p.name in named, not p.name.endswith(PACKED)))
    chosen = {_unpacked_name(p): p for p in best}
    for file in files:
        if (other := chosen[_unpacked_name(file)]) is not file:
            notes.append(f'{file} is not read: {other.name} beside it has the same messages')
    return {p.name: p for p in chosen.values()}, notes


def _continues(file: Path, named: Sequence[Path]) -> bool:
    """Tell whether a file is of the same kind as the named ones, with a higher number."""
    part = _part_of(file)
    if part is None:
        return False
    numbers = [number for whole, number in filter(None, map(_part_of, named)) if whole == part[0]]
    numbers += [-1 for other in named if _unpacked_name(other) == part[0]]
    return part[1] > max(numbers, default=part[1])


def _part_of(file: Path) -> tuple[str, int] | None:
    """Part 3 of walk.mcap, for walk_3.mcap; None without a number."""
    found = re.fullmatch(r'(.+)_(\d+)(\.\w+)', _unpacked_name(file))
    return (found[1] + found[3], int(found[2])) if found else None


def _unpacked_name(file: Path) -> str:
    return file.stem if file.name.endswith(PACKED) else file.name


def _with_numbers(path: Path) -> list[Any]:
    """A key that sorts part 10 behind part 9."""
    return [int(part) if part.isdecimal() else part for part in re.split(r'(\d+)', path.name)]


def _refuse_others(path: Path) -> None:
    """Raise an error that describes a file that is not a recording of ROS 2."""
    with path.open('rb') as file:
        start = file.read(len(_ROS1_START))
    if start == _ROS1_START or path.suffix == '.bag':
        target = path.with_suffix('')
        raise DatasetError(
            f'{path} is a recording of ROS 1; convert it with '
            f'`rosbags-convert --src {path} --dst {target}`, then give {target}'
        )
    if not path.name.endswith(RECORDING_ENDINGS):
        raise DatasetError(f'{path} is not a recording; {_EXPECTED}')
