"""`pose-action record`: films from a camera, a film, a recording and the simulated actor."""

import itertools

import cv2
import numpy as np
import pytest

from pose_action_ros.geometry import Film


@pytest.fixture
def camera(monkeypatch):
    """A camera of 10 images a second, by a clock that only it moves."""
    clock = itertools.count()
    now = [0.0]

    class Capture:
        opened = True

        def __init__(self, number):
            self.number = number

        def isOpened(self):  # noqa: N802
            return self.opened

        def set(self, key, value):
            return True

        def get(self, key):
            return 0.0

        def read(self):
            now[0] = next(clock) / 10.0
            return True, np.full((48, 64, 3), 128, np.uint8)

        def release(self):
            pass

    monkeypatch.setattr(cv2, 'VideoCapture', Capture)
    monkeypatch.setattr('time.monotonic', lambda: now[0])
    return Capture


def films(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_camera_with_a_countdown(run, tmp_path, camera, monkeypatch):
    arguments = ['--count', 2, '--seconds', 1, '--folder', tmp_path, '--countdown', 2]
    status, out, err = run('record', 'come here', *arguments)
    assert status == 0, err
    assert out.count('"come here" 2/2 in') == 2
    assert out.count('now\n') == 2
    assert '2/2: ' in out
    assert films(tmp_path / 'come here') == ['come_here_0001.mp4', 'come_here_0002.mp4']
    run('record', 'come here', *arguments)
    assert len(films(tmp_path / 'come here')) == 4
    monkeypatch.undo()
    assert Film(tmp_path / 'come here' / 'come_here_0001.mp4').count == 10


def test_a_camera_that_does_not_open(run, tmp_path, camera):
    camera.opened = False
    status, _, err = run('record', 'stop', '--folder', tmp_path)
    assert status == 1
    assert 'camera 0 does not open' in err


def test_a_film_is_cut_and_too_short_for_more(run, tmp_path, write_film):
    source = write_film(tmp_path / 'long.mp4', count=25, rate_hz=8.0)
    options = ['--source', source, '--seconds', 1, '--folder', tmp_path / 'mine']
    status, out, err = run('record', 'stop', '--count', 2, *options)
    assert status == 0, err
    assert [Film(p).count for p in (tmp_path / 'mine' / 'stop').iterdir()] == [8, 8]
    assert 'pose-action teach' in out
    status, _, err = run('record', 'stop', '--count', 9, *options)
    assert status == 1
    assert 'gave 3 of 9 films of 1 s' in err


def test_the_simulated_actor(run, tmp_path):
    options = ['--source', 'simulated', '--seconds', 0.5, '--count', 1, '--folder', tmp_path]
    status, _, err = run('record', 'wave', *options)
    assert status == 0, err
    assert films(tmp_path / 'wave') == ['wave_0001.mp4']
    status, _, err = run('record', 'hello', *options)
    assert status == 1
    assert "does not know 'hello'; give --action" in err
    assert run('record', 'other', '--action', 'walk', *options)[0] == 0


def write_recording(path, images, stamps=None):
    """A recording of raw images, 10 a second; every second one is damaged.

    `stamps` are those of the sound ones, seconds after the first; by default they are right.
    """
    pytest.importorskip('rosbags', reason='needs the extra `bag`')
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    from pose_action_ros.recordings.message_types import RecordedMessageMaker

    make = RecordedMessageMaker(get_typestore(Stores.ROS2_JAZZY))
    with Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        kind = 'sensor_msgs/msg/Image'
        connection = writer.add_connection('/camera/image_raw', kind, typestore=make.store)
        for number in range(images):
            tenths = number if stamps is None else round(10 * stamps[number // 2])
            sec, part = divmod(tenths, 10)
            stamp = make('builtin_interfaces/Time', sec=100 + sec, nanosec=part * 10**8)
            header = make('std_msgs/Header', stamp=stamp, frame_id='camera')
            data = np.full(48 * 64 * (3 if number % 2 == 0 else 1), number, np.uint8)
            message = make(
                'sensor_msgs/Image', header=header, height=48, width=64, encoding='rgb8',
                step=192, data=data,
            )  # fmt: skip
            time_ns = (1000 + number) * 10**8
            writer.write(connection, time_ns, make.store.serialize_cdr(message, kind))
    return path


def test_one_wrong_stamp_costs_one_image_of_a_recording(tmp_path):
    pytest.importorskip('rosbags', reason='needs the extra `bag`')
    from pose_action_ros.recordings.images import recorded_images

    good = [number / 5.0 for number in range(10)]
    for wrong in (-100.0, 0.3, 2.9, 3600.0, -50.0):  # none, late, ahead, far ahead, long ago
        stamps = [*good[:4], wrong, *good[4:]]
        source = write_recording(tmp_path / f'{wrong}', 2 * len(stamps), stamps)
        times = np.array([time_s for time_s, _ in recorded_images(source)])
        np.testing.assert_allclose(times - times[0], good, err_msg=f'{wrong}')
    again = write_recording(tmp_path / 'again', 40, [*good, *good])
    times = np.array([time_s for time_s, _ in recorded_images(again)])
    assert len(times) >= 18
    assert (np.diff(times) > 0.0).all()


def test_a_recording_is_cut(run, tmp_path):
    source = write_recording(tmp_path / 'bag', 40)
    options = ['--source', source, '--seconds', 1, '--count', 3, '--folder', tmp_path / 'mine']
    status, _, err = run('record', 'stop', *options)
    assert status == 0, err
    cut = [Film(path) for path in sorted((tmp_path / 'mine' / 'stop').iterdir())]
    assert [(film.count, round(film.rate_hz)) for film in cut] == [(5, 5)] * 3
    status, _, err = run('record', 'stop', '--topic', '/other', *options)
    assert status == 1
    assert 'there is no image topic /other; the recording has /camera/image_raw' in err


@pytest.mark.parametrize('seconds', ['inf', '1e9'])
def test_a_length_without_end_is_refused(run, tmp_path, seconds):
    status, _, err = run('record', 'wave', '--seconds', seconds, '--folder', tmp_path)
    assert status == 1
    assert 'expected less than 3600' in err
