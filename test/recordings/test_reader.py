"""Recordings of all kinds are opened, or named with the command that converts them."""

import os
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


def part(folder, name, source):
    """Add a file of another recording to a folder."""
    (file,) = (p for p in source.iterdir() if p.suffix in ('.mcap', '.db3'))
    shutil.copy(file, folder / f'{name}{file.suffix}')
    return folder / f'{name}{file.suffix}'


@STORAGES
def test_parts_that_metadata_does_not_name_are_read_if_they_continue_it(tmp_path, storage):
    """As after a recorder that was killed once it had split its recording."""
    path = record(tmp_path / 'in', storage)
    further = [
        part(path, f'in_{number}', record(tmp_path / f'{number}', storage, start=start))
        for number, start in ((2, 5), (10, 10))
    ]
    found, problems = words(path)
    assert [number for number, _ in found] == list(range(15))
    assert len(problems) == 2
    for file in further:
        assert any(f'{file} is read although metadata.yaml' in problem for problem in problems)


@STORAGES
def test_files_that_are_not_read_are_named(tmp_path, storage):
    path = record(tmp_path / 'in_3', storage)
    source = record(tmp_path / 'other', storage, start=5)
    kinds = {StoragePlugin.MCAP: StoragePlugin.SQLITE3, StoragePlugin.SQLITE3: StoragePlugin.MCAP}
    others = [
        *(part(path, name, source) for name in ('in_2', 'in_3_copy', 'out_4')),
        part(path, 'in_4', record(tmp_path / 'kind', kinds[storage])),
    ]
    found, problems = words(path)
    assert found == WORDS
    assert len(problems) == len(others)
    for file in others:
        assert any(
            f'{file} is not read' in problem and 'delete metadata.yaml' in problem
            for problem in problems
        )
    (file,) = path.glob('in_3.*')
    file.unlink()  # metadata.yaml is of other files
    found, problems = words(path)
    assert len(found) == 20
    assert list(problems) == [f'{path} has no file {file.name}, which metadata.yaml names']


def test_a_link_to_nothing_is_named(tmp_path):
    path = record(tmp_path / 'in')
    (path / 'metadata.yaml').unlink()
    (path / 'in_1.mcap').symlink_to(tmp_path / 'gone.mcap')
    found, problems = words(path)
    assert found == WORDS
    (problem,) = problems
    assert f'in_1.mcap is not read: it is a link to {tmp_path / "gone.mcap"}' in problem


def test_of_a_packed_file_and_its_unpacked_copy_one_is_read(tmp_path):
    path = record(tmp_path / 'in')
    (file,) = path.glob('*.mcap')
    packed = path / 'in.mcap.zstd'
    packed.write_bytes(zstd.compress(file.read_bytes())[:-9])  # packing was interrupted
    for _ in range(2):
        found, problems = words(path)
        assert found == WORDS
        assert list(problems) == [f'{packed} is not read: in.mcap beside it has the same messages']
        (path / 'metadata.yaml').unlink(missing_ok=True)


def test_a_damaged_packed_part_costs_itself(tmp_path):
    path = record(tmp_path / 'in')
    (path / 'metadata.yaml').unlink()
    (path / 'in_1.mcap.zstd').write_bytes(b'nothing of the kind')
    found, problems = words(path)
    assert found == WORDS
    assert any('in_1.mcap.zstd cannot be unpacked' in problem for problem in problems)


@STORAGES
def test_messages_that_are_packed_one_by_one_need_no_metadata(tmp_path, storage):
    path = record(tmp_path / 'in', storage, CompressionMode.MESSAGE)
    (file,) = (p for p in path.iterdir() if p.suffix != '.yaml')
    assert words(file) == (WORDS, {})
    (path / 'metadata.yaml').unlink()
    assert words(path) == (WORDS, {})


@pytest.mark.parametrize(
    'text',
    [
        'rosbag2_bagfile_information:\n  recorded: 2024-13-45\n',
        'rosbag2_bagfile_information: ' + '[' * 100_000,
        'rosbag2_bagfile_information: {relative_file_paths: 5}',
        'rosbag2_bagfile_information: {relative_file_paths: word}',
    ],
    ids=['date', 'nesting', 'number', 'text'],
)
def test_a_damaged_metadata_file_costs_nothing(tmp_path, text):
    path = record(tmp_path / 'in')
    (path / 'metadata.yaml').write_text(text)
    assert words(path)[0] == WORDS


def test_a_folder_that_may_not_be_read_is_said(tmp_path, monkeypatch):
    path = record(tmp_path / 'in')
    monkeypatch.setattr(os, 'access', lambda *_: False)  # root may read everything
    with pytest.raises(DatasetError, match='in cannot be read: Permission denied'), opened(path):
        pass


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
