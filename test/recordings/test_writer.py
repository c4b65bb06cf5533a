"""A recording that is being written is whole at any moment."""

import errno
import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip('rosbags', reason='needs the extra `bag`')

from rosbags.rosbag2 import Reader

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.recordings import writer as writer_module
from pose_action_ros.recordings.message_types import load_types
from pose_action_ros.recordings.writer import CheckpointedWriter

KIND = 'std_msgs/msg/String'
STORE = load_types()
BIG = bytes(700_000)  # two of them fill a chunk of MCAP

pytestmark = pytest.mark.parametrize('is_mcap', [True, False], ids=['mcap', 'sqlite3'])


def topic(writer):
    return writer.add_connection('/words', KIND, typestore=STORE)


def read(path):
    """By rosbags alone, which knows nothing of checkpoints."""
    with Reader(path) as reader:
        assert {c.topic for c in reader.connections} == {'/words'}
        return [(time_ns, len(data)) for _, time_ns, data in reader.messages()]


def test_every_checkpoint_is_a_whole_recording(tmp_path, is_mcap):
    path, expected = tmp_path / 'out', []
    with CheckpointedWriter(path, is_mcap=is_mcap) as writer:
        connection = topic(writer)
        for number in range(12):
            writer.write(connection, 1000 + number, BIG[: number * 60_000])
            expected.append((1000 + number, number * 60_000))
            if number % 3 == 2:
                writer.checkpoint()
                assert read(path) == expected
    assert read(path) == expected
    assert sorted(p.suffix for p in path.iterdir()) == sorted(
        ['.yaml', '.mcap' if is_mcap else '.db3']
    )


def test_checkpoints_come_by_themselves(tmp_path, monkeypatch, is_mcap):
    monkeypatch.setattr(writer_module, '_EVERY_S', 1e9)
    monkeypatch.setattr(writer_module, '_EVERY_BYTES', 2 * len(BIG))
    monkeypatch.setattr(writer_module, '_INDEX_SHARE', 0)
    with CheckpointedWriter(tmp_path / 'out', is_mcap=is_mcap) as writer:
        connection = topic(writer)
        for number in range(4):
            writer.write(connection, number, BIG)
        assert len(read(tmp_path / 'out')) == 3
        monkeypatch.setattr(writer_module, '_EVERY_S', 0.0)
        writer.write(connection, 4, b'abcd')
        assert len(read(tmp_path / 'out')) == 5


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from test_writer import BIG, CheckpointedWriter, topic
writer = CheckpointedWriter(Path({path!r}), is_mcap={is_mcap})
writer.open()
connection = topic(writer)
for number in range(9):
    writer.write(connection, number, BIG)
    if number == 3:
        writer.checkpoint()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_costs_what_came_after_the_last_checkpoint(tmp_path, is_mcap):
    path = tmp_path / 'out'
    code = KILLED.format(folder=os.path.dirname(__file__), path=str(path), is_mcap=is_mcap)
    done = subprocess.run([sys.executable, '-c', code], check=False)
    assert done.returncode == -signal.SIGKILL
    found = read(path)
    assert found == [(number, len(BIG)) for number in range(len(found))]
    assert 4 <= len(found) <= 9  # a slow machine makes further checkpoints by time


def fill_the_disk(monkeypatch, writer, is_mcap):
    """Of the next 100 kB only the first 10 kB find room."""
    if not is_mcap:
        pages = writer.storage.conn.execute('PRAGMA page_count').fetchone()[0]
        writer.storage.conn.execute(f'PRAGMA max_page_count = {pages + 1}')
        return
    write, room = os.pwrite, [10_000]

    def pwrite(descriptor, data, at):
        if len(data) < 5_000:  # the old index, which has its room
            return write(descriptor, data, at)
        if not room:
            raise OSError(errno.ENOSPC, 'No space left on device')
        return write(descriptor, data[: room.pop()], at)

    monkeypatch.setattr(os, 'pwrite', pwrite)


def write_until_full(path, monkeypatch, is_mcap):
    with CheckpointedWriter(path, is_mcap=is_mcap) as writer:
        connection = topic(writer)
        writer.write(connection, 1, b'abcd')
        writer.checkpoint()
        fill_the_disk(monkeypatch, writer, is_mcap)
        writer.write(connection, 2, BIG)
        writer.checkpoint()


def test_a_full_disk_keeps_the_last_checkpoint_and_is_said(tmp_path, monkeypatch, is_mcap):
    path = tmp_path / 'out'
    with pytest.raises(DatasetError, match=r'cannot be written: .*(space|full).*keeps everything'):
        write_until_full(path, monkeypatch, is_mcap)
    assert read(path) == [(1, 4)]


def write_and_stop(path, is_mcap):
    with CheckpointedWriter(path, is_mcap=is_mcap) as writer:
        writer.write(topic(writer), 1, b'abcd')
        raise KeyboardInterrupt


def test_an_error_keeps_what_was_written(tmp_path, is_mcap):
    path = tmp_path / 'out'
    with pytest.raises(KeyboardInterrupt):
        write_and_stop(path, is_mcap)
    assert read(path) == [(1, 4)]


def test_an_error_before_the_first_message_leaves_nothing(tmp_path, is_mcap):
    with pytest.raises(ZeroDivisionError), CheckpointedWriter(tmp_path / 'out', is_mcap=is_mcap):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
