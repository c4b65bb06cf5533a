"""MCAP files as recorders, crashes and other tools leave them, written byte by byte."""

import struct

import pytest

pytest.importorskip('rosbags', reason='needs the extra `bag`')

from rosbags.rosbag2.storage_mcap import zstd

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.recordings.mcap_file import McapFile
from pose_action_ros.recordings.reader import opened

MAGIC = b'\x89MCAP0\r\n'
HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, CHUNK_INDEX, STATISTICS, DATA_END = (
    *(1, 2, 3, 4, 5, 6, 8, 11, 15),
)


def text(value):
    raw = value.encode()
    return struct.pack('<I', len(raw)) + raw


def record(code, content):
    return struct.pack('<BQ', code, len(content)) + content


def channel(number, topic, schema=1, encoding='cdr'):
    return record(
        CHANNEL, struct.pack('<HH', number, schema) + text(topic) + text(encoding) + text('')
    )


def schema(number=1, name='std_msgs/msg/String', encoding='ros2msg', definition='string data'):
    return record(
        SCHEMA, struct.pack('<H', number) + text(name) + text(encoding) + text(definition)
    )


def message(time_ns, data, number=1):
    return record(MESSAGE, struct.pack('<HIQQ', number, 0, time_ns, time_ns) + data)


def chunk(start_ns, content, compression=''):
    packed = zstd.compress(content) if compression else content
    head = struct.pack('<QQQI', start_ns, start_ns + 99, len(content), 0) + text(compression)
    return record(CHUNK, head + struct.pack('<Q', len(packed)) + packed)


def mcap(parts, *, profile='ros2', index=True, statistics=True):
    """Of top-level records; chunks are found in it for the index."""
    out = MAGIC + record(HEADER, text(profile) + text('test'))
    rows, count = b'', 0
    for part in parts:
        if part[0] == CHUNK:
            start_ns, end_ns = struct.unpack_from('<QQ', part, 9)
            rows += record(
                CHUNK_INDEX,
                struct.pack('<QQQQ', start_ns, end_ns, len(out), len(part))
                + struct.pack('<IQ', 0, 0) + text('') + struct.pack('<QQ', 0, 0),
            )  # fmt: skip
            count += 1
        out += part
    out += record(DATA_END, bytes(4))
    start = len(out)
    if index:
        out += schema() + channel(1, '/words') + rows
        if statistics:
            counts = struct.pack('<QHIIIIQQ', 4, 1, 1, 0, 0, count, 0, 99)
            out += record(STATISTICS, counts + struct.pack('<IHQ', 10, 1, 4))
    return out + record(FOOTER, struct.pack('<QQI', start if index else 0, 0, 0)) + MAGIC


KNOWN = schema() + channel(1, '/words')
FIRST = chunk(10, KNOWN + message(10, b'a') + message(30, b'c'), 'zstd')
SECOND = chunk(20, message(40, b'd') + message(20, b'b'))
LOOSE = [KNOWN, *(message(t, d) for t, d in ((30, b'c'), (10, b'a'), (40, b'd'), (20, b'b')))]
CUT = 'was not closed'


def read(tmp_path, content):
    path = tmp_path / 'a.mcap'
    path.write_bytes(content)
    file = McapFile(path)
    found = [(c.topic, time_ns, data) for c, time_ns, data in file.messages()]
    return file, found


WORDS = [('/words', 10, b'a'), ('/words', 20, b'b'), ('/words', 30, b'c'), ('/words', 40, b'd')]


@pytest.mark.parametrize('profile', ['ros2', '', 'other'])
@pytest.mark.parametrize('parts', [[FIRST, SECOND], [SECOND, FIRST], LOOSE])
@pytest.mark.parametrize('index', [{}, {'statistics': False}, {'index': False}])
def test_messages_come_in_time_however_the_file_is_laid_out(tmp_path, parts, index, profile):
    if parts[0] is SECOND:
        parts = [KNOWN, *parts]
    file, found = read(tmp_path, mcap(parts, profile=profile, **index))
    assert found == WORDS
    assert not file.problems
    (connection,) = file.connections
    assert (connection.topic, connection.msgtype) == ('/words', 'std_msgs/msg/String')
    assert connection.msgdef.data == 'string data'
    assert found == [(c.topic, t, d) for c, t, d in file.messages()]  # and once more


@pytest.mark.parametrize('parts', [[FIRST, SECOND], LOOSE])
def test_a_file_that_was_not_closed_is_read_as_far_as_it_goes(tmp_path, parts):
    whole = mcap(parts)
    for length in range(len(MAGIC), len(whole)):
        try:
            file, found = read(tmp_path, whole[:length])
        except DatasetError:
            assert length < 60  # not even the header is whole
            continue
        assert found == [word for word in WORDS if word in found]
        is_told = CUT in ' '.join(file.problems)
        assert is_told or found == WORDS
    assert found == WORDS


def test_a_damaged_chunk_costs_its_own_messages_alone(tmp_path):
    damaged = bytearray(FIRST)
    damaged[80:90] = bytes(10)
    file, found = read(tmp_path, mcap([bytes(damaged), SECOND]))
    assert found == [WORDS[1], WORDS[3]]
    ((problem, count),) = file.problems.items()
    assert count == 1
    assert 'chunks of messages could not be read' in problem
    list(file.messages())
    assert sum(file.problems.values()) == 1  # not counted again


def test_other_schemas_and_channels_do_no_harm(tmp_path):
    others = schema(2, 'foxglove.Log', 'protobuf', 'binary') + channel(2, '/log', 2, 'protobuf')
    lost = message(15, b'x', number=9)  # of a channel that is defined nowhere
    content = chunk(10, others + message(11, b'p', 2) + lost)
    file, found = read(tmp_path, mcap([FIRST, SECOND, content], index=False))
    assert ('/log', 11, b'p') in found
    assert len(found) == 5
    assert {c.topic: c.ext.serialization_format for c in file.connections} == {
        '/words': 'cdr',
        '/log': 'protobuf',
    }


def test_channels_of_one_topic_are_one_in_a_recording(tmp_path):
    content = KNOWN + channel(2, '/words') + message(10, b'a') + message(11, b'b', number=2)
    path = tmp_path / 'a.mcap'
    path.write_bytes(mcap([chunk(10, content)], index=False))
    with opened(path) as recording:
        (connection,) = recording.connections
        assert connection.msgcount == 2
        found = [(c.id, data) for c, _, data in recording.messages()]
    assert found == [(connection.id, b'a'), (connection.id, b'b')]


def test_what_is_none_is_named(tmp_path):
    path = tmp_path / 'a.mcap'
    for content in (b'', b'no MCAP file'):
        path.write_bytes(content)
        with pytest.raises(DatasetError, match='not an MCAP file, or is empty'):
            McapFile(path)
    with pytest.raises(DatasetError, match=r'ROS 1.*rosbags-convert --src BAG --dst FOLDER'):
        read(tmp_path, mcap([FIRST], profile='ros1', index=False))
    old = schema(name='std_msgs/String', encoding='ros1msg') + channel(1, '/a', encoding='ros1')
    with pytest.raises(DatasetError, match=r'ROS 1.*rosbags-convert'):
        read(tmp_path, mcap([chunk(10, old + message(10, b'a'))], profile='', index=False))
