"""Reads MCAP files, also those that were not closed or are damaged in places.

`rosbags` refuses a file without its last bytes, with an empty profile or with an unknown schema,
and ends at the first damaged chunk. Here the chunks are read independently: one that can't be read
is counted, and the rest is read. Format: mcap.dev/spec.
"""

from __future__ import annotations

import heapq
import mmap
import struct
from collections import Counter
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from rosbags.interfaces import (
    Connection,
    ConnectionExtRosbag2,
    MessageDefinition,
    MessageDefinitionFormat,
)
from rosbags.rosbag2.metadata import parse_qos
from rosbags.rosbag2.storage_mcap import DECOMPRESSORS

from pose_action_ros.core.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import Buffer

__all__ = ['McapFile']

_MAGIC = b'\x89MCAP0\r\n'
_HEADER, _FOOTER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK = 1, 2, 3, 4, 5, 6
_CHUNK_INDEX, _STATISTICS, _DATA_END = 8, 11, 15
_FOOTER_BYTES = 9 + 20 + len(_MAGIC)
_CUT_SHORT = 'the file was not closed (power loss, full disk, kill): its last messages are missing'
_FORMATS = {
    'ros2msg': MessageDefinitionFormat.MSG,
    'ros2idl': MessageDefinitionFormat.IDL,
    'omgidl': MessageDefinitionFormat.IDL,
}


class _Place(NamedTuple):
    """Place of a chunk, or of a message outside of chunks, and time of its first message."""

    start_ns: int
    code: int
    at: int
    end: int


class McapFile:
    """An open MCAP file.

    Args:
        path: The file.

    Attributes:
        connections: Its channels; the number of messages is 0 if it is not known.
        message_count: Number of messages of all channels.
        problems: Kinds of damage and their numbers; complete once all messages were read.

    Raises:
        DatasetError: It is not an MCAP file, is empty, or holds ROS 1 messages.
    """

    def __init__(self, path: Path) -> None:
        self.problems: Counter[str] = Counter()
        self._lost: list[str] = []
        self._path = path
        self._schemas: dict[int, tuple[str, str, str]] = {}
        self._channels: dict[int, Connection] = {}
        self._counts: Counter[int] = Counter()
        self._places: list[_Place] = []
        with path.open('rb') as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise DatasetError(f'{path} is not an MCAP file, or is empty')
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            if not self._read_summary():
                self._scan()
        except struct.error as error:
            raise DatasetError(f'{path} is a damaged MCAP file: {error}') from error
        self.connections = [
            channel._replace(msgcount=self._counts[number])
            for number, channel in self._channels.items()
        ]
        self.message_count = sum(self._counts.values())

    def close(self) -> None:
        """Close the file."""
        self._data.close()

    def messages(self) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield channel, time of recording in nanoseconds and bytes of each message, in time."""
        self.problems = Counter(self._lost)
        connections = {connection.id: connection for connection in self.connections}
        places = iter(sorted(self._places))
        place, ready, number = next(places, None), [], 0
        while place is not None or ready:
            while place is not None and (not ready or place.start_ns <= ready[0][0]):
                for time_ns, channel, data in self._messages_at(place):
                    if channel in connections:
                        heapq.heappush(ready, (time_ns, number, connections[channel], data))
                        number += 1
                place = next(places, None)
            if ready:
                time_ns, _, connection, data = heapq.heappop(ready)
                yield connection, time_ns, data

    def _read_summary(self) -> bool:
        """Read channels, chunks and counts from the end of the file, if it is complete."""
        data = self._data
        if len(data) < _FOOTER_BYTES + len(_MAGIC) or data[-len(_MAGIC) :] != _MAGIC:
            return False
        footer = len(data) - _FOOTER_BYTES
        (start,) = struct.unpack_from('<Q', data, footer + 9)
        if data[footer] != _FOOTER or not 0 < start <= footer:
            return False
        statistics = None
        for code, at, end in _records(data, start, footer):
            if code == _STATISTICS:
                total, *_, chunks = struct.unpack_from('<QHIIII', data, at)
                statistics = (total, chunks)
                rows = data[at + 46 : end]
                self._counts.update(dict(struct.iter_unpack('<HQ', rows[: len(rows) // 10 * 10])))
            elif code == _CHUNK_INDEX:
                start_ns, _, chunk_at, length = struct.unpack_from('<QQQQ', data, at)
                self._places.append(_Place(start_ns, _CHUNK, chunk_at + 9, chunk_at + length))
            else:
                self._take(code, data, at, end)
        whole = bool(self._channels) and len(self._places) == (statistics or (0, 0))[1]
        if not (whole and self._places):
            self._forget()
            return False
        self._check_profile()
        return True

    def _scan(self) -> None:
        """Read the whole file, because it has no index of its contents."""
        self._check_profile()
        data, ended = self._data, False
        for code, at, end in _records(data, len(_MAGIC), len(data)):
            if code == _CHUNK:
                (start_ns,) = struct.unpack_from('<Q', data, at)
                self._places.append(_Place(start_ns, _CHUNK, at, end))
                for inner, content, first, last in self._records_of_chunk(at, end):
                    self._take(inner, content, first, last)
            elif code == _MESSAGE and end - at >= 22:
                (start_ns,) = struct.unpack_from('<Q', data, at + 6)
                self._places.append(_Place(start_ns, _MESSAGE, at, end))
            ended = ended or code in (_DATA_END, _FOOTER)
            if not ended:
                self._take(code, data, at, end)
        if not ended:
            self._lost.append(_CUT_SHORT)

    def _forget(self) -> None:
        self._places.clear()
        self._counts.clear()
        self._channels.clear()
        self._schemas.clear()

    def _check_profile(self) -> None:
        header = next(_records(self._data, len(_MAGIC), len(self._data)), None)
        if header is None or header[0] != _HEADER:
            raise DatasetError(f'{self._path} is a damaged MCAP file: it has no header')
        profile, _ = _text(self._data, header[1])
        self._refuse_ros1(profile == 'ros1')

    def _refuse_ros1(self, is_ros1: bool) -> None:
        if is_ros1:
            raise DatasetError(
                f'{self._path} holds ROS 1 messages; convert the bag that it was made from: '
                '`rosbags-convert --src BAG --dst FOLDER`'
            )

    def _take(self, code: int, data: Buffer, at: int, end: int) -> None:
        """Store a schema or channel, or count a message."""
        if code == _SCHEMA:
            (number,) = struct.unpack_from('<H', data, at)
            name, at = _text(data, at + 2)
            encoding, at = _text(data, at)
            text, _ = _text(data, at)
            self._refuse_ros1(encoding == 'ros1msg')  # where the profile is empty
            self._schemas[number] = (name, encoding, text)
        elif code == _CHANNEL:
            number, schema = struct.unpack_from('<HH', data, at)
            topic, at = _text(data, at + 4)
            message_encoding, at = _text(data, at)
            name, encoding, text = self._schemas.get(schema, ('', '', ''))
            form = _FORMATS.get(encoding, MessageDefinitionFormat.NONE)
            definition = MessageDefinition(form, text if encoding in _FORMATS else '')
            ext = ConnectionExtRosbag2(message_encoding, _qos(data, at))
            self._channels[number] = Connection(number, topic, name, definition, '', 0, ext, self)
        elif code == _MESSAGE and end - at >= 22:
            self._counts[struct.unpack_from('<H', data, at)[0]] += 1

    def _messages_at(self, place: _Place) -> Iterator[tuple[int, int, bytes]]:
        """Time, channel and bytes of the messages of a chunk, or of the one message."""
        if place.code == _MESSAGE:
            yield _message(self._data, place.at, place.end)
            return
        found = [
            _message(content, at, end)
            for code, content, at, end in self._records_of_chunk(place.at, place.end)
            if code == _MESSAGE and end - at >= 22
        ]
        yield from sorted(found, key=itemgetter(0))

    def _records_of_chunk(self, at: int, end: int) -> Iterator[tuple[int, Buffer, int, int]]:
        """Yield kind, buffer and place of each record in a chunk; none if it is unreadable."""
        try:
            (size,) = struct.unpack_from('<Q', self._data, at + 16)
            compression, at = _text(self._data, at + 28)
            (length,) = struct.unpack_from('<Q', self._data, at)
            packed = self._data[at + 8 : at + 8 + length]
            if len(packed) < length or at + 8 + length > end:
                raise ValueError('it is longer than the file')
            content = DECOMPRESSORS[compression](packed, size)
        except Exception as error:  # any error of three libraries on damaged bytes
            self.problems[f'chunks of messages could not be read: {error!r:.200}'] += 1
            return
        for code, first, last in _records(content, 0, len(content)):
            yield code, content, first, last


def _records(data: Buffer, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield kind and place of each complete record."""
    while at + 9 <= end:
        code, length = struct.unpack_from('<BQ', data, at)
        if at + 9 + length > end:
            return
        yield code, at + 9, at + 9 + length
        at += 9 + length


def _message(data: Any, at: int, end: int) -> tuple[int, int, bytes]:
    channel, _, time_ns = struct.unpack_from('<HIQ', data, at)
    return time_ns, channel, bytes(data[at + 22 : end])


def _text(data: Any, at: int) -> tuple[str, int]:
    """Return a string and its end."""
    (length,) = struct.unpack_from('<I', data, at)
    return bytes(data[at + 4 : at + 4 + length]).decode(errors='replace'), at + 4 + length


def _qos(data: Any, at: int) -> list[Any]:
    """Return the QoS noted by the recorder; none if it is missing or unknown."""
    (length,) = struct.unpack_from('<I', data, at)
    at, end = at + 4, at + 4 + length
    try:
        while at < end:
            key, at = _text(data, at)
            value, at = _text(data, at)
            if key == 'offered_qos_profiles':
                return list(parse_qos(value))
    except Exception:  # a library's errors; a recording is worth more than its QoS
        return []
    return []
