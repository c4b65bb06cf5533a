"""Files: those of a folder that are data, and those that must be complete or absent.

macOS writes `._NAME` beside every file on exFAT and network disks, and other systems write other
hidden files. They have the endings of data files, but are not data.
"""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ['visible_files', 'written_whole']

_BELOW = '**/'


def visible_files(
    folder: Path, pattern: str = '*', skipped: dict[Path, str] | None = None
) -> list[Path]:
    """Return the files and folders of a folder that match, by name, without hidden ones.

    The content of a hidden folder is hidden too. Links to folders are followed, but each folder
    is listed once, and its own name precedes links to it.

    Args:
        folder: The folder to search; a missing one has no files.
        pattern: A name with `*`; with `**/` before it, a name of anything below.
        skipped: Gets the folders below whose content is not listed, with the reason. Without it,
            a folder that can't be read is an error.

    Raises:
        OSError: A folder can't be read.
    """
    name = pattern.removeprefix(_BELOW)
    if name == pattern:
        found = [folder / entry.name for entry in _entries(folder)]
    else:
        found = _everything(folder, skipped)
    return sorted(path for path in found if fnmatchcase(path.name, name))


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


def _everything(folder: Path, skipped: dict[Path, str] | None) -> list[Path]:
    """All files and folders below a folder; real folders come before linked ones."""
    found: list[Path] = []
    listed: set[Path] = set()
    folders: list[Path] = [folder]
    links: list[Path] = []
    while folders or links:
        here = folders.pop() if folders else links.pop(0)
        reason = _why_not(here, folder, listed)
        listed.add(here.resolve())
        entries: list[os.DirEntry[str]] = []
        try:
            entries = [] if reason else _entries(here)
        except OSError as error:
            if skipped is None:
                raise
            reason = f'the folder cannot be read ({error.strerror}); make it readable'
        if reason and skipped is not None:
            skipped[here] = reason
        for entry in entries:
            path = here / entry.name
            found.append(path)
            if _is_folder(entry):
                (links if entry.is_symlink() else folders).append(path)
        links.sort()
    return found


def _why_not(here: Path, root: Path, listed: set[Path]) -> str:
    """The reason not to list a folder again, which may be a link."""
    real = here.resolve()
    if real in listed:
        return 'a link to a folder that is listed already'
    around = (root.resolve(), here.parent.resolve())
    if here != root and any(place.is_relative_to(real) for place in around):
        return 'a link to a folder around it'
    return ''


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith('.')]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """False also for a link that leads nowhere."""
    try:
        return entry.is_dir()
    except OSError:
        return False
