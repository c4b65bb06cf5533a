"""Reads recordings: a folder or one file, whole or damaged, and reports unreadable parts.

`storage_files` finds the files. Topics and messages are read from them, and `metadata.yaml` has
only further facts, because a killed recorder leaves none.
"""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.recordings.storage_files import PACKED, storage_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rosbags.interfaces import Connection

__all__ = ['Recording', 'opened']

_EXPECTED = 'expected .mcap or .db3 files'
_ZSTD_START = b'\x28\xb5\x2f\xfd'  # CDR begins with a zero


class _Metadata(NamedTuple):
    """Facts that only `metadata.yaml` contains.

    Attributes:
        files: Their names, in order; empty: unknown.
        digests: Digests of topic and type.
        span_ns: Time of the first message, and from it to the last.
    """

    files: tuple[str, ...] = ()
    digests: dict[tuple[str, str], str] = {}  # noqa: RUF012
    span_ns: tuple[int, int] | None = None


class Recording:
    """An open recording; `opened` makes it.

    Attributes:
        connections: One for each topic and type; several channels of one are joined.
        message_count: Number of messages, as far as the files state it.
        problems: Kinds of damage and their numbers; complete once all messages were read.
        is_mcap: Its files are MCAP.
        span_ns: Time of the first message, and from it to the last; None if `metadata.yaml` does
            not state it.
    """

    def __init__(
        self, files: list[Any], metadata: _Metadata, lost: list[str], *, is_mcap: bool
    ) -> None:
        self.problems: Counter[str] = Counter()
        self._lost = lost
        self.is_mcap = is_mcap
        self.span_ns = metadata.span_ns
        self._files = files
        self._joined: dict[tuple[str, str, str], Connection] = {}
        for connection in (c for file in files for c in file.connections):
            key = _key(connection)
            digest = connection.digest or metadata.digests.get(key[:2], '')
            number = len(self._joined) + 1
            before = self._joined.setdefault(
                key, connection._replace(id=number, digest=digest, msgcount=0)
            )
            count = before.msgcount + connection.msgcount
            self._joined[key] = before._replace(msgcount=count)
        self.connections = list(self._joined.values())
        self.message_count = sum(file.message_count for file in files)

    def messages(self) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield connection, time of recording in nanoseconds and bytes of each message."""
        self.problems = Counter(self._lost)
        zstd = _zstd()
        for file in self._files:
            source = iter(file.messages())
            while True:
                try:
                    connection, time_ns, data = next(source)
                except StopIteration:
                    break
                except Exception as error:  # any error of a damaged database
                    self.problems[f'a file is damaged, its rest is missing: {error!r:.200}'] += 1
                    break
                try:
                    # Messages that were compressed one by one: metadata.yaml may be missing.
                    data = zstd.decompress(data) if data[:4] == _ZSTD_START else bytes(data)
                except Exception as error:
                    self.problems[f'messages could not be unpacked: {error!r:.200}'] += 1
                    continue
                yield self._joined[_key(connection)], time_ns, data
        for file in self._files:
            self.problems.update(getattr(file, 'problems', {}))


@contextmanager
def opened(path: Path) -> Iterator[Recording]:
    """Open a recording.

    Args:
        path: A folder with or without `metadata.yaml`; a `.mcap` or `.db3` file, also `.zstd`.

    Raises:
        ConfigError: The library `rosbags` is missing.
        DatasetError: There is no recording, or none that can be read.
    """
    try:
        import rosbags.rosbag2  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f'recordings need the library rosbags ({error}): pip install rosbags'
        ) from error
    metadata = _read_metadata(path / 'metadata.yaml')
    paths, lost = storage_files(path, metadata.files)
    with ExitStack() as stack:
        files = []
        for file in paths:
            try:
                plain = _unpacked(file, stack, lost) if file.suffix in PACKED else file
                files.append(_open_file(plain, stack))
                lost += _left_beside(plain)
            except DatasetError as error:
                lost.append(str(error))
        if not files:
            raise DatasetError('; '.join(lost) or f'{path} holds no recording; {_EXPECTED}')
        is_mcap = '.mcap' in paths[0].suffixes
        yield Recording(files, metadata, lost, is_mcap=is_mcap)


def _read_metadata(path: Path) -> _Metadata:
    from pose_action_ros.core.yaml_text import read_yaml_file

    try:
        values = read_yaml_file(path, 'that of a recording')['rosbag2_bagfile_information']
        topics = [row['topic_metadata'] for row in values.get('topics_with_message_count') or ()]
        return _Metadata(
            tuple(Path(name).name for name in values['relative_file_paths']),
            {(t['name'], t['type']): t.get('type_description_hash') or '' for t in topics},
            _span_ns(values),
        )
    except Exception:  # any error of yaml on damaged text: impossible dates, deep nesting
        return _Metadata()  # the files have the same facts


def _span_ns(values: dict[str, Any]) -> tuple[int, int] | None:
    try:
        start_ns = int(values['starting_time']['nanoseconds_since_epoch'])
        return start_ns, int(values['duration']['nanoseconds'])
    except (KeyError, TypeError, ValueError):
        return None


def _open_file(path: Path, stack: ExitStack) -> Any:
    if path.suffix == '.mcap':
        from pose_action_ros.recordings.mcap_file import McapFile

        try:
            file = McapFile(path)
        except (OSError, ValueError) as error:
            raise DatasetError(f'{path} cannot be read: {error}') from error
        stack.callback(file.close)
        return file
    from rosbags.rosbag2 import Reader

    try:
        return stack.enter_context(Reader(path))
    except Exception as error:  # of apsw, rosbags and Python, for any content
        raise DatasetError(
            f'{path} cannot be read as a .db3 file: {error}; `sqlite3 {path} .recover '
            f'| sqlite3 NEW.db3` saves the readable rest'
        ) from error


def _left_beside(path: Path) -> list[str]:
    """Return the files with messages that a killed recorder has not moved to the database."""
    beside = [path.with_name(f'{path.name}{ending}') for ending in ('-wal', '-journal')]
    return [
        f'{path} was not closed, its last messages are in {file.name}; '
        f'`sqlite3 {path} "PRAGMA wal_checkpoint(TRUNCATE)"` brings them back'
        for file in beside
        if file.is_file() and file.stat().st_size
    ]


def _unpacked(path: Path, stack: ExitStack, lost: list[str]) -> Path:
    """Unpack a file into the system's temporary folder, as far as it is readable."""
    folder = Path(stack.enter_context(TemporaryDirectory(prefix='pose_action_')))
    plain = folder / path.stem
    try:
        with _zstd().open(path, 'rb') as packed, plain.open('wb') as file:
            shutil.copyfileobj(packed, file)
    except EOFError:
        lost.append(f'{path} is cut short: its last messages are missing')
    except Exception as error:  # of the library, or a full disk
        raise DatasetError(f'{path} cannot be unpacked ({error}); try `zstd -d {path}`') from error
    return plain


def _zstd() -> Any:
    """The module that rosbags uses too."""
    from rosbags.rosbag2 import reader

    return reader.zstd


def _key(connection: Connection) -> tuple[str, str, str]:
    return connection.topic, connection.msgtype, connection.ext.serialization_format
