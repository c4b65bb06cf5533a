"""Reads recordings: a folder or one file, whole or damaged, and reports unreadable parts.

A folder's `metadata.yaml` lists its files. If the recorder was killed, it is missing, and the
files are found by their names. Topics and messages are read from the files.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.core.paths import visible_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rosbags.interfaces import Connection

__all__ = ['RECORDING_ENDINGS', 'Recording', 'opened']

_EXPECTED = 'expected a rosbag2 folder, or a .mcap or .db3 file'
_ROS1_START = b'#ROSBAG V'
_PACKED = ('.zstd', '.zst')  # of rosbag2, and of the command zstd

RECORDING_ENDINGS = (
    *('.mcap', '.db3'),
    *(kind + packed for kind in ('.mcap', '.db3') for packed in _PACKED),
)
"""Endings of the files of a recording."""


class _Metadata(NamedTuple):
    """Facts that only `metadata.yaml` contains.

    Attributes:
        files: Their names, in order; empty: unknown.
        packed: Messages are compressed one by one.
        digests: Digests of topic and type.
        span_ns: Time of the first message, and from it to the last.
    """

    files: tuple[str, ...] = ()
    packed: bool = False
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
        self._packed = metadata.packed
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
        unpack = _zstd().decompress if self._packed else bytes
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
                    data = unpack(data)
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
    paths, lost = _storage_files(path, metadata.files)
    with ExitStack() as stack:
        files = []
        for file in paths:
            plain = _unpacked(file, stack, lost) if file.suffix in _PACKED else file
            try:
                files.append(_open_file(plain, stack))
                lost += _left_beside(plain)
            except DatasetError as error:
                lost.append(str(error))
        if not files:
            raise DatasetError('; '.join(lost) or f'{path} holds no recording; {_EXPECTED}')
        is_mcap = '.mcap' in paths[0].suffixes
        yield Recording(files, metadata, lost, is_mcap=is_mcap)


def _storage_files(path: Path, named: tuple[str, ...]) -> tuple[list[Path], list[str]]:
    """Return the files of a recording in their order, and the missing ones."""
    if not path.exists():
        raise DatasetError(f'there is no recording {path}; {_EXPECTED}')
    if path.is_file():
        _refuse_others(path)
        return [path], []
    there = [p for p in visible_files(path) if p.name.endswith(RECORDING_ENDINGS) and p.is_file()]
    if not there and (bags := visible_files(path, '*.bag')):
        _refuse_others(bags[0])
    if not named:
        return sorted(there, key=_numbers_as_numbers), []
    missing = [
        f'{path} has no file {n}, which metadata.yaml names'
        for n in named
        if path / n not in there
    ]
    return [path / name for name in named if path / name in there], missing


def _numbers_as_numbers(path: Path) -> list[Any]:
    """A key that sorts part 10 behind part 9."""
    return [int(part) if part.isdigit() else part for part in re.split(r'(\d+)', path.name)]


def _read_metadata(path: Path) -> _Metadata:
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding='utf-8'))['rosbag2_bagfile_information']
        topics = [row['topic_metadata'] for row in values.get('topics_with_message_count') or ()]
        return _Metadata(
            tuple(Path(name).name for name in values['relative_file_paths']),
            str(values.get('compression_mode', '')).lower() == 'message',
            {(t['name'], t['type']): t.get('type_description_hash') or '' for t in topics},
            _span_ns(values),
        )
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return _Metadata()  # the files have the same facts


def _span_ns(values: dict[str, Any]) -> tuple[int, int] | None:
    try:
        start_ns = int(values['starting_time']['nanoseconds_since_epoch'])
        return start_ns, int(values['duration']['nanoseconds'])
    except (KeyError, TypeError, ValueError):
        return None


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
