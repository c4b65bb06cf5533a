"""The search for recordings in files and folders."""

from __future__ import annotations

import os
from pathlib import Path

from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.recordings.storage_files import RECORDING_ENDINGS

__all__ = ['name_of', 'recordings_below']


def recordings_below(folder: Path, output: Path | None = None) -> list[Path]:
    """Return the recordings in a folder and its sub-folders; itself if it is one.

    Links are followed, but not upwards, and a folder that is reached twice counts once, under its
    own name. A folder or link that can't be read is returned too: its conversion then reports the
    reason.

    Args:
        folder: A folder, or a file, which is returned as it is.
        output: A folder whose content is ignored.

    Raises:
        ConfigError: `output` is `folder`.
        DatasetError: There is none.
    """
    root, ignored = _real(folder), _real(output) if output is not None else None
    if root == ignored:
        raise ConfigError(f'OUT is IN ({folder}); give another folder for the new recordings')
    if not os.path.isdir(folder):
        return [folder]
    found: list[Path] = []
    folders, links, seen = [folder], list[Path](), {ignored, *root.parents}
    while folders or links:
        here = folders.pop() if folders else links.pop(0)
        if _real(here) in seen:
            continue
        seen.add(_real(here))
        entries = _entries(here)
        if entries is None or _is_recording(entries):
            found.append(here)
            continue
        found += [path for path in entries if not os.path.exists(path)]
        below = [path for path in entries if os.path.isdir(path)]
        links += [path for path in below if path.is_symlink()]
        folders += [path for path in below if not path.is_symlink()]
    if not found:
        raise DatasetError(
            f'{folder} holds no recording, and no folder in it does; expected rosbag2 folders, '
            'or .mcap or .db3 files'
        )
    return sorted(found)


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


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # unlike `Path.resolve`, also for links in a circle


def _entries(folder: Path) -> list[Path] | None:
    """The content of a folder without hidden files; None if it can't be read."""
    try:
        names = os.listdir(folder)
    except OSError:
        return None
    return sorted(folder / name for name in names if not name.startswith('.'))


def _is_recording(entries: list[Path]) -> bool:
    """With `metadata.yaml` or files of a recording, also of ROS 1, which is refused."""
    names = [path.name for path in entries if not os.path.isdir(path)]
    return any(n == 'metadata.yaml' or n.endswith((*RECORDING_ENDINGS, '.bag')) for n in names)
