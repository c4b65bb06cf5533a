"""The search for recordings in files and folders."""

from __future__ import annotations

import os
from pathlib import Path

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.paths import visible_files
from pose_action_ros.recordings.reader import RECORDING_ENDINGS

__all__ = ['name_of', 'recordings_below']


def recordings_below(folder: Path, output: Path | None = None) -> list[Path]:
    """Return the recordings in a folder and its sub-folders; itself if it is one.

    Args:
        folder: A folder, or a file, which is returned as it is.
        output: A folder whose content is ignored.

    Raises:
        DatasetError: There is none.
    """
    if not folder.is_dir() or _is_recording(folder):
        return [folder]
    ignored = output.resolve() if output is not None else None
    found: list[Path] = []
    for place, folders, _ in os.walk(folder):
        here = Path(place)
        if here.resolve() == ignored:
            folders.clear()
        elif _is_recording(here):
            found.append(here)
            folders.clear()
        else:
            folders[:] = sorted(name for name in folders if not name.startswith('.'))
    if not found:
        raise DatasetError(
            f'{folder} holds no recording, and no folder in it does; expected rosbag2 folders, '
            'or .mcap or .db3 files'
        )
    return found


def name_of(recording: Path, given: Path) -> str:
    """Return the name of a recording's output: its path below the given folder.

    Args:
        recording: One of `recordings_below`.
        given: The folder or file in which it was found.
    """
    if recording != given:
        return recording.relative_to(given).as_posix()
    name = given.resolve().name
    ending = next(
        (end for end in sorted(RECORDING_ENDINGS, key=len)[::-1] if name.endswith(end)), ''
    )
    return name.removesuffix(ending) or name


def _is_recording(folder: Path) -> bool:
    """A folder with `metadata.yaml` or files of a recording, also of ROS 1, which is refused."""
    names = [path.name for path in visible_files(folder) if path.is_file()]
    return any(n == 'metadata.yaml' or n.endswith((*RECORDING_ENDINGS, '.bag')) for n in names)
