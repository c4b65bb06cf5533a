"""Files: those of a folder that are data, and those that must be complete or absent.

macOS writes `._NAME` beside every file on exFAT and network disks, and other systems write other
hidden files. They have the endings of data files, but are not data.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ['visible_files', 'written_whole']


def visible_files(folder: Path, pattern: str = '*') -> list[Path]:
    """Return the files and folders of a folder that match, by name, without hidden ones.

    The content of a hidden folder is hidden too.

    Args:
        folder: The folder to search.
        pattern: As in `Path.glob`; `**/*` for everything below.
    """
    return sorted(path for path in folder.glob(pattern) if not _is_hidden(path, folder))


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a hidden path beside a file; at the end of the block it becomes that file.

    After an error or a signal (`core.ending`) it is deleted, so the file is complete or absent.
    Several machines may write the same file on a shared disk; the last one wins.

    Args:
        path: The file; its folder exists.
    """
    part = path.with_name(f'.{path.stem}.{uuid.uuid4().hex[:12]}.part{path.suffix}')
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith('.') for part in path.relative_to(folder).parts)
