"""Writes a recording that is complete at any moment, however the process ends.

Every two seconds, or 32 MB, the written part becomes a checkpoint: a file that any reader opens,
with a `metadata.yaml` that fits it. A kill, a full disk or an error loses only the messages after
the last checkpoint. An MCAP file ends in an index, so each checkpoint writes its new messages and
the whole new index at once, over the old index.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.rosbag2.storage_mcap import McapWriter, PendingChunk
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Writer

from pose_action_ros.core.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import CompressionMode

__all__ = ['CheckpointedWriter']

_METADATA_VERSION = 8  # read by Humble and all later distributions
_EVERY_S, _EVERY_BYTES = 2.0, 32 << 20
_INDEX_SHARE = 8  # an index is written again once its messages are larger by this factor


class CheckpointedWriter(Writer):
    """Writer of a new recording; a context manager.

    Args:
        path: Folder that is made. It is removed again if it gets no message.
        is_mcap: MCAP; otherwise sqlite3.
    """

    def __init__(self, path: Path, *, is_mcap: bool) -> None:
        plugin = StoragePlugin.MCAP if is_mcap else StoragePlugin.SQLITE3
        super().__init__(path, version=_METADATA_VERSION, storage_plugin=plugin)
        self._since, self._bytes = time.monotonic(), 0
        self._is_broken = False

    def write(self, connection: Connection, timestamp: int, data: bytes | memoryview) -> None:
        """Write a message.

        Raises:
            DatasetError: The disk is full, or can't be written for another reason.
        """
        if not self.min_timestamp <= self.max_timestamp:
            self.checkpoint()  # with all topics, before the first message
        with self._refusing():
            super().write(connection, timestamp, data)
        self._bytes += len(data)
        late = time.monotonic() - self._since > _EVERY_S
        if late or self._bytes > _EVERY_BYTES + _INDEX_SHARE * getattr(self.storage, 'tail', 0):
            self.checkpoint()

    def checkpoint(self) -> None:
        """Complete the recording written so far, and continue.

        Raises:
            DatasetError: As `write`; the last checkpoint stays.
        """
        storage = self.storage
        try:
            with self._refusing():
                self.close()
        finally:
            self.storage = storage
        self._since, self._bytes = time.monotonic(), 0

    def __exit__(self, kind: Any, value: Any, trace: Any) -> Any:
        """Write the last checkpoint, even after an error."""
        try:
            if not self._is_broken:
                self.checkpoint()
        finally:
            if self.storage is not None:
                self.storage.end()  # type: ignore[attr-defined]
            self.storage = None
            if not sum(self.counts.values()):
                shutil.rmtree(self.path, ignore_errors=True)
        return False

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Report the error of the disk, and keep the last checkpoint."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            self._is_broken = True
            self.metapath.with_suffix('.yaml.tmp').unlink(missing_ok=True)
            raise DatasetError(
                f'{self.path} cannot be written: {error}; it keeps everything written before'
            ) from error


class _Sqlite3(Sqlite3Writer):
    """A database whose file changes at checkpoints only."""

    def __init__(self, path: Path, compression: CompressionMode) -> None:
        super().__init__(path, compression)
        self.conn.execute('PRAGMA cache_spill = OFF')

    def close(self, version: int, metadata: str) -> None:
        """Commit; the database stays open."""
        try:
            self.cursor.execute('DELETE FROM metadata')
            self.cursor.execute(
                'INSERT INTO metadata(metadata_version, metadata) VALUES(?, ?)',
                (version, metadata),
            )
            self.conn.commit()
        except sqlite3.Error:
            self.conn.rollback()
            raise

    def end(self) -> None:
        """Close the database."""
        self.conn.close()


class _Mcap(McapWriter):
    """An MCAP file that ends in an index at any time."""

    def __init__(self, path: Path, compression: CompressionMode) -> None:
        super().__init__(path, compression)
        self._file = self.bio
        self._file.flush()
        self.bio = self._staged = _Staged(self._file.fileno(), self._file.tell())

    @property
    def tail(self) -> int:
        """Bytes of the last index."""
        return len(self._staged.old_tail)

    def close(self, version: int, metadata: str) -> None:
        """Put messages and index into the file; both stay open."""
        pending = self.chunk
        if pending.msgs:
            self.close_chunk()
        else:  # topics alone stand in the index
            self.chunk = PendingChunk(2**63 - 1, 0, BytesIO(), pending.msgs)
        index_at = self._staged.tell()
        super().close(version, metadata)
        if not pending.msgs:
            self.chunk = pending
        self._staged.commit(index_at)

    def end(self) -> None:
        """Close the file."""
        self._file.close()


class _Staged:
    """The pending end of a file, kept in memory until it is written at once.

    Args:
        descriptor: Descriptor of the file.
        start: End of the file; the next commit begins there.
    """

    def __init__(self, descriptor: int, start: int) -> None:
        self.old_tail = b''
        self._descriptor = descriptor
        self._start = start
        self._data = BytesIO()

    def write(self, data: Any) -> int:
        """Add bytes."""
        return self._data.write(data)

    def tell(self) -> int:
        """Return the place in the file of the next byte."""
        return self._start + self._data.tell()

    def close(self) -> None:
        """Keep the written part; the file continues."""

    def commit(self, tail_at: int) -> None:
        """Write to the file; if that fails, the file stays unchanged.

        Args:
            tail_at: The next commit writes again from here on.

        Raises:
            OSError: The disk is full, or the like.
        """
        content = self._data.getvalue()
        kept = tail_at - self._start
        try:
            _write_all(self._descriptor, content, self._start)
        except OSError:
            self._data.truncate(kept)  # without this index
            self._data.seek(kept)
            _write_all(self._descriptor, self.old_tail, self._start)
            os.ftruncate(self._descriptor, self._start + len(self.old_tail))
            raise
        self.old_tail, self._start, self._data = content[kept:], tail_at, BytesIO()


def _write_all(descriptor: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(descriptor, view, at)
        view, at = view[done:], at + done


CheckpointedWriter.STORAGE_PLUGINS = {  # type: ignore[misc]
    StoragePlugin.MCAP: _Mcap,
    StoragePlugin.SQLITE3: _Sqlite3,
}
