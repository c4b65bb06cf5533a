"""The file system that holds inputs or outputs: a local folder, or any that fsspec knows by URL.

A local output appears under its name in one step. An object store has no such step. There the mark
of the finished item is written last, and shows that the output is complete.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import fsspec

from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.core.paths import written_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ['OutputStore', 'fetched', 'is_url', 'trace_of']

_MARKS = '.pose_action'
_UNFINISHED = '.unfinished'
_TIMES = ('mtime', 'LastModified', 'last_modified', 'updated', 'created')


def is_url(place: str) -> bool:
    """Tell whether a place is a URL, not a local path."""
    return '://' in place


def trace_of(source: str) -> tuple[list[tuple[str, int, str]], int]:
    """Return name, size and time of every file of an input, and the bytes of all.

    Raises:
        DatasetError: There is no such input.
    """
    system, path = _opened(source)
    try:
        files = system.find(path, detail=True)
    except OSError as error:
        raise DatasetError(f'{source} cannot be read: {error}') from error
    if not files:
        raise DatasetError(f'there is no {source}' if is_url(source) else _why_empty(source))
    trace = [
        (name, int(info.get('size') or 0), str(next((info[t] for t in _TIMES if t in info), '')))
        for name, info in sorted(files.items())
    ]
    return trace, sum(size for _, size, _ in trace)


@contextmanager
def fetched(source: str) -> Iterator[Path]:
    """Return a local path of an input; for a URL, a copy that is deleted afterwards."""
    if not is_url(source):
        yield Path(source)
        return
    system, path = _opened(source)
    with tempfile.TemporaryDirectory(prefix='pose_action_') as folder:
        local = Path(folder) / PurePosixPath(path).name
        system.get(path, str(local), recursive=system.isdir(path))
        yield local


class OutputStore:
    """A folder of outputs, with a mark for each finished one.

    Args:
        place: A path or URL.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._system, self._root = _opened(place)
        self._is_local = not is_url(place)

    def exists(self, name: str) -> bool:
        """Tell whether there is an output of that name."""
        return bool(self._system.exists(f'{self._root}/{name}'))

    def mark(self, name: str) -> dict[str, Any] | None:
        """Return the note about an output; None if this command did not make it."""
        try:
            found = json.loads(self._system.cat_file(self._mark_path(name)))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def set_mark(self, name: str, content: dict[str, Any]) -> None:
        """Write the note about an output."""
        self._write(self._mark_path(name), content)

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a file of JSON beside the outputs; a reader never sees half of it."""
        self._write(f'{self._root}/{name}', content)

    @contextmanager
    def unfinished(self, name: str) -> Iterator[Path]:
        """A local path for an unfinished output; its content is deleted afterwards.

        It is beside the output if that is local. The remains of an earlier attempt that was killed
        are deleted first.
        """
        if not self._is_local:
            with tempfile.TemporaryDirectory(prefix='pose_action_') as folder:
                yield Path(folder) / PurePosixPath(name).name
            return
        final = Path(self._root) / name
        final.parent.mkdir(parents=True, exist_ok=True)
        for left in final.parent.glob(f'.{_literal(final.name)}.*{_UNFINISHED}'):
            shutil.rmtree(left, ignore_errors=True)
        hidden = _beside(final)
        hidden.mkdir()
        try:
            yield hidden / final.name  # files of a recording are named after its folder
        finally:
            shutil.rmtree(hidden, ignore_errors=True)

    def deliver(self, made: Path, name: str) -> None:
        """Move a finished output to its name; it replaces an older one."""
        target = f'{self._root}/{name}'
        if not self._is_local:
            if self._system.exists(target):
                self._system.rm(target, recursive=True)
            self._system.put(str(made), target, recursive=True)
            return
        final = Path(target)
        if final.exists():
            old = _beside(final)
            final.rename(old)
            made.rename(final)
            shutil.rmtree(old, ignore_errors=True)
        else:
            made.rename(final)

    def _mark_path(self, name: str) -> str:
        return f'{self._root}/{_MARKS}/{name}.json'

    def _write(self, path: str, content: dict[str, Any]) -> None:
        data = (json.dumps(content, indent=1, allow_nan=False) + '\n').encode()
        self._system.makedirs(path.rpartition('/')[0], exist_ok=True)
        if not self._is_local:
            self._system.pipe_file(path, data)
            return
        with written_whole(Path(path)) as part:
            part.write_bytes(data)


def _why_empty(source: str) -> str:
    """The reason why a local input has no files."""
    try:
        if os.path.isdir(source):
            for name in os.listdir(source):
                os.lstat(f'{source}/{name}')  # fails if the folder may be listed only
            return f'{source} holds no file'
        os.stat(source)
    except FileNotFoundError:
        target = f'; it is a link to {os.readlink(source)}' if os.path.islink(source) else ''
        return f'there is no {source}{target}'
    except OSError as error:
        return f'{source} cannot be read: {error.strerror}'
    return f'{source} is neither a file nor a folder'


def _opened(place: str) -> tuple[Any, str]:
    """The file system of a place, and the path in it; `::` in a local path means nothing."""
    if not is_url(place):
        return fsspec.filesystem('file'), str(Path(place).absolute()).rstrip('/')
    try:
        system, path = fsspec.core.url_to_fs(place)
    except (ImportError, ValueError) as error:
        raise ConfigError(f'{place} cannot be opened: {error}') from error
    return system, path.rstrip('/')


def _beside(final: Path) -> Path:
    """A hidden name beside an output, which no other attempt has."""
    return final.with_name(f'.{final.name}.{uuid.uuid4().hex[:12]}{_UNFINISHED}')


def _literal(name: str) -> str:
    """A name in which a glob pattern has no special characters."""
    return ''.join(f'[{c}]' if c in '*?[' else c for c in name)
