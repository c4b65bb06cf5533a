"""Recordings of all kinds are opened, or named with the command that converts them."""

import shutil

import pytest

pytest.importorskip('rosbags', reason='needs the extra `bag`')

from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.rosbag2.reader import zstd

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.recordings.message_types import load_types
from pose_action_ros.recordings.reader import opened

STORE = load_types()
KIND = 'std_msgs/msg/String'


def record(path, storage=StoragePlugin.MCAP, mode=CompressionMode.NONE, start=0):
    writer = Writer(path, version=8, storage_plugin=storage)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        connection = writer.add_connection('/words', KIND, typestore=STORE)
        for number in range(start, start + 5):
            text = STORE.types[KIND](f'word {number}')
            writer.write(connection, 1000 + number, STORE.serialize_cdr(text, KIND))
    return path


def words(path):
    with opened(path) as recording:
        found = [
            (time_ns - 1000, STORE.deserialize_cdr(data, connection.msgtype).data)
            for connection, time_ns, data in recording.messages()
        ]
        return found, dict(recording.problems)


WORDS = [(number, f'word {number}') for number in range(5)]
STORAGES = pytest.mark.parametrize('storage', list(StoragePlugin))


@STORAGES
@pytest.mark.parametrize(
    'mode', [CompressionMode.NONE, CompressionMode.FILE, CompressionMode.MESSAGE]
)
def test_whole_recordings(tmp_path, storage, mode):
    path = record(tmp_path / 'in', storage, mode)
    assert words(path) == (WORDS, {})
    with opened(path) as recording:
        assert recording.is_mcap == (storage is StoragePlugin.MCAP)
        assert recording.message_count == 5
        (connection,) = recording.connections
        assert connection.digest == STORE.hash_rihs01(KIND)


@STORAGES
def test_a_single_file_also_packed_or_without_metadata(tmp_path, storage):
    path = record(tmp_path / 'in', storage)
    (file,) = (p for p in path.iterdir() if p.suffix in ('.mcap', '.db3'))
    assert words(file) == (WORDS, {})
    for ending in ('zstd', 'zst'):
        packed = file.with_name(f'{file.name}.{ending}')
        packed.write_bytes(zstd.compress(file.read_bytes()))
        assert words(packed) == (WORDS, {})
        packed.unlink()
    (path / '._hidden.mcap').write_bytes(b'\0\5\26\7')
    (path / 'metadata.yaml').unlink()  # the recorder was killed
    assert words(path) == (WORDS, {})
    (path / 'metadata.yaml').write_bytes(b'\0\0\0 not: [yaml')
    assert words(path) == (WORDS, {})


@STORAGES
def test_parts_are_read_in_the_order_of_their_numbers(tmp_path, storage):
    folder = tmp_path / 'in'
    folder.mkdir()
    for part, start in ((2, 0), (10, 5)):
        source = record(tmp_path / f'part{part}', storage, start=start)
        file = next(p for p in source.iterdir() if p.suffix != '.yaml')
        shutil.copy(file, folder / f'in_{part}{file.suffix}')
    found, problems = words(folder)
    assert [number for number, _ in found] == list(range(10))
    assert not problems


@STORAGES
def test_a_missing_or_damaged_part_is_said_and_the_others_are_read(tmp_path, storage):
    path = record(tmp_path / 'in', storage)
    file = next(p for p in path.iterdir() if p.suffix != '.yaml')
    text = (path / 'metadata.yaml').read_text()
    damaged, missing = f'damaged{file.suffix}', f'missing{file.suffix}'
    text = text.replace(f'  - {file.name}', f'  - {damaged}\n  - {missing}\n  - {file.name}')
    (path / 'metadata.yaml').write_text(text)
    (path / damaged).write_bytes(b'nothing of the kind')
    found, problems = words(path)
    assert found == WORDS
    assert any(missing in problem for problem in problems)
    assert any(damaged in problem for problem in problems)


def test_a_damaged_database_is_named_with_the_command_that_saves_it(tmp_path):
    path = record(tmp_path / 'in', StoragePlugin.SQLITE3)
    (file,) = path.glob('*.db3')
    data = bytearray(file.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    file.write_bytes(data)
    with pytest.raises(DatasetError, match=r'in\.db3 .*sqlite3 .*\.recover'), opened(path):
        pass


def test_what_a_killed_recorder_left_beside_its_database_is_said(tmp_path):
    path = record(tmp_path / 'in', StoragePlugin.SQLITE3)
    (file,) = path.glob('*.db3')
    beside = file.with_name(f'{file.name}-wal')
    beside.touch()
    assert words(path) == (WORDS, {})
    beside.write_bytes(bytes(100))
    found, problems = words(path)
    assert found == WORDS
    assert any('in.db3-wal' in problem and 'wal_checkpoint' in problem for problem in problems)


def test_ros_1_is_named_with_the_command_that_converts_it(tmp_path):
    path = tmp_path / 'old.bag'
    path.write_bytes(b'#ROSBAG V2.0\n' + bytes(100))
    command = f'rosbags-convert --src {path} --dst {tmp_path / "old"}'
    for source in (path, tmp_path):
        with pytest.raises(DatasetError, match='ROS 1') as refused, opened(source):
            pass
        assert command in str(refused.value)


@pytest.mark.parametrize('name', ['film.mp4', 'none.mcap', 'empty.mcap', 'empty.db3', 'empty'])
def test_what_is_no_recording_is_named(tmp_path, name):
    path = tmp_path / name
    if name == 'empty':
        path.mkdir()
    elif name != 'none.mcap':
        path.write_bytes(b'')
    with pytest.raises(DatasetError, match=name), opened(path):
        pass


def test_a_packed_file_that_is_cut_short_or_no_zstd_is_said(tmp_path):
    path = record(tmp_path / 'in')
    (file,) = path.glob('*.mcap')
    packed = tmp_path / 'a.mcap.zstd'
    packed.write_bytes(b'nothing of the kind')
    with (
        pytest.raises(DatasetError, match=r'a\.mcap\.zstd cannot be unpacked.*zstd -d'),
        opened(packed),
    ):
        pass
    content = zstd.compress(file.read_bytes() + bytes(200_000))
    packed.write_bytes(content[:-4])
    found, problems = words(packed)
    assert found == WORDS
    assert any('a.mcap.zstd is cut short' in problem for problem in problems)
