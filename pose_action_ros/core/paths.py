"""Which files of a folder are data: those that a person sees.

macOS leaves `._NAME` beside every file on exFAT and network disks, other systems leave hidden
files of their own. They have the endings of data and are none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ['visible_files']


def visible_files(folder: Path, pattern: str = '*') -> list[Path]:
    """Return the files and folders of a folder that match, by name, without hidden ones.

    What lies in a hidden folder is hidden too.

    Args:
        folder: The folder to search.
        pattern: As `Path.glob` has it; `**/*` for everything below.
    """
    return sorted(path for path in folder.glob(pattern) if not _is_hidden(path, folder))


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith('.') for part in path.relative_to(folder).parts)
