"""`pose-action bag` on damaged recordings: one bad message is one bad item, never a lost run."""

import os
import signal
import struct
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip('rosbags', reason='needs the extra `bag`')

from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg

from pose_action_ros.cli.app import app
from pose_action_ros.core.errors import DatasetError
from pose_action_ros.inference import PoseActionStream, StreamSettings
from pose_action_ros.inference.settings import TrackSettings
from pose_action_ros.models import save_model
from pose_action_ros.recordings.annotator import Annotator
from pose_action_ros.recordings.conversion import add_results
from pose_action_ros.recordings.images import recorded_images
from pose_action_ros.recordings.message_types import (
    _DETECTION_DEFINITIONS,
    RecordedMessageMaker,
    load_types,
)
from pose_action_ros.recordings.topics import RecordingTopics
from pose_action_ros.runtime import Engine

FRAMES, PERIOD_NS = 5, 66_666_667
SEEN = StreamSettings(track=TrackSettings(min_confidence=0.0, min_joint_confidence=0.0))
STORE = load_types()
for name, text in _DETECTION_DEFINITIONS.items():
    STORE.register(get_types_from_msg(text, f'vision_msgs/msg/{name}'))
MAKE = RecordedMessageMaker(STORE)
TOPICS = {
    '/image': 'sensor_msgs/msg/Image',
    '/camera_info': 'sensor_msgs/msg/CameraInfo',
    '/depth': 'sensor_msgs/msg/Image',
    '/detections': 'vision_msgs/msg/Detection2DArray',
    '/other': 'std_msgs/msg/String',
}


@pytest.fixture(autouse=True)
def without_openvino(monkeypatch):
    """PyTorch starts at once; what OpenVINO computes is tested where it is used."""
    monkeypatch.setitem(sys.modules, 'openvino', None)


@pytest.fixture(scope='module')
def net(tiny, filled):
    return filled(tiny('compact', clip_frames=4), seed=4)  # sees a body in every image


@pytest.fixture
def stream(net):
    return PoseActionStream(Engine(net, 'cpu'), SEEN)


def header(index):
    stamp = MAKE('builtin_interfaces/Time', sec=100, nanosec=index * PERIOD_NS)
    return MAKE('std_msgs/Header', stamp=stamp, frame_id='camera')


def image(index, encoding='rgb8'):
    size = {'rgb8': 3, '16UC1': 2}[encoding]
    values = np.random.default_rng(index).integers(1, 200, 48 * 64 * size).astype(np.uint8)
    return MAKE(
        'sensor_msgs/Image', header=header(index), height=48, width=64, encoding=encoding,
        step=64 * size, data=values,
    )  # fmt: skip


def person(index):
    center = MAKE('vision_msgs/Pose2D', position=MAKE('vision_msgs/Point2D', x=32.0, y=24.0))
    hypothesis = MAKE('vision_msgs/ObjectHypothesis', class_id='person', score=0.9)
    detection = MAKE(
        'vision_msgs/Detection2D',
        bbox=MAKE('vision_msgs/BoundingBox2D', center=center, size_x=20.0, size_y=40.0),
        results=[MAKE('vision_msgs/ObjectHypothesisWithPose', hypothesis=hypothesis)],
    )
    return MAKE('vision_msgs/Detection2DArray', header=header(index), detections=[detection])


def messages(index):
    k = np.array([60.0, 0, 32, 0, 60, 24, 0, 0, 1])
    yield (
        '/camera_info',
        MAKE('sensor_msgs/CameraInfo', header=header(index), width=64, height=48, k=k),
    )
    yield '/depth', image(index, '16UC1')
    yield '/detections', person(index)
    yield '/image', image(index)
    yield '/other', MAKE('std_msgs/String', data='word')


def record(path, storage, topics=TOPICS, damage=lambda topic, index, data: data):
    with Writer(path, version=8, storage_plugin=storage) as writer:
        connections = {t: writer.add_connection(t, TOPICS[t], typestore=STORE) for t in topics}
        for index in range(FRAMES):
            for topic, message in messages(index):
                if topic in topics:
                    data = bytes(STORE.serialize_cdr(message, TOPICS[topic]))
                    time_ns = 100 * 10**9 + index * PERIOD_NS
                    writer.write(connections[topic], time_ns, damage(topic, index, data))
    return path


def contents(path):
    with Reader(path) as reader:
        return [(c.topic, bytes(data)) for c, _, data in reader.messages()]


DAMAGES = {
    'empty': lambda data: b'',
    'cut in the header': lambda data: data[:14],
    'cut in half': lambda data: data[: len(data) // 2],
    'cut at its end': lambda data: data[:-3],
    'noise': lambda data: data[:4] + np.random.default_rng(3).bytes(len(data) - 4),
    'ones': lambda data: data[:4] + b'\xff' * (len(data) - 4),
}


@pytest.mark.parametrize('topic', TOPICS)
def test_a_damaged_message_of_any_topic_is_one_bad_item(tmp_path, net, topic):
    given = RecordingTopics(depth='/depth', detections='/detections')
    for name, damaged in DAMAGES.items():
        stream = PoseActionStream(Engine(net, 'cpu'), SEEN)
        source = record(
            tmp_path / name,
            StoragePlugin.MCAP,
            damage=lambda at, i, data, f=damaged: f(data) if at == topic and i == 2 else data,
        )
        output = tmp_path / f'{name} out'
        counts = add_results(source, output, stream, given)
        copied = contents(output)
        assert [row for row in copied if row[0] in TOPICS] == contents(source)
        assert counts.images == FRAMES
        assert counts.calibrated
        is_image = topic == '/image'
        assert counts.bad_images == is_image
        assert counts.poses >= FRAMES - 1 - (topic == '/detections')
        if topic in ('/camera_info', '/depth', '/detections'):
            assert sum(counts.damaged.values()) + sum(counts.problems.values()) >= 1, name
        elif is_image:
            (problem,) = (p for p in counts.problems if p.startswith('could not be read'))
            assert counts.problems[problem] == 1


@pytest.mark.parametrize('stamp', [(2**31 - 1, 2**32 - 1), (-(2**31), 0)])
def test_stamps_that_are_no_time_cost_nothing(tmp_path, stream, stamp):
    """All images have the first or the last stamp that a message holds, and beyond."""
    source = record(
        tmp_path / 'in',
        StoragePlugin.MCAP,
        topics=['/image'],
        damage=lambda topic, index, data: data[:4] + struct.pack('<iI', *stamp) + data[12:],
    )
    counts = add_results(source, tmp_path / 'out', stream, RecordingTopics())
    assert (counts.images, counts.bad_images, counts.poses) == (FRAMES, 0, FRAMES)


def test_whatever_the_network_raises_costs_one_image(tmp_path, stream):
    process, calls = stream.process, iter(range(FRAMES))

    def fails_once(*args, **kwargs):
        if next(calls) == 1:
            raise MemoryError('no memory for this one')
        return process(*args, **kwargs)

    stream.process = fails_once
    source = record(tmp_path / 'in', StoragePlugin.MCAP, topics=['/image'])
    counts = add_results(source, tmp_path / 'out', stream, RecordingTopics())
    assert (counts.bad_images, counts.poses) == (1, FRAMES - 1)
    assert any('no memory for this one' in problem for problem in counts.problems)


@pytest.fixture
def weights(tmp_path, net):
    path = tmp_path / 'net.safetensors'
    save_model(net, path)
    return path


def run(*arguments, weights):
    words = ['bag', *arguments, '--weights', weights, '--device', 'cpu', '--quiet']
    return CliRunner().invoke(app, [str(word) for word in words])


def test_bad_images_are_reported_and_none_at_all_is_an_error(tmp_path, weights):
    def cut(bad):
        return lambda topic, index, data: data[:40] if index in bad else data

    one = record(tmp_path / 'one', StoragePlugin.MCAP, topics=['/image'], damage=cut({1}))
    done = run(one, tmp_path / 'out1', weights=weights)
    assert done.exit_code == 0
    assert '5 images of /image (1 bad)' in done.stdout
    assert '1 images: could not be read: the message is cut short' in done.stderr
    bad = record(
        tmp_path / 'all', StoragePlugin.MCAP, topics=['/image'], damage=cut(set(range(FRAMES)))
    )
    done = run(bad, tmp_path / 'out2', weights=weights)
    assert done.exit_code == 1
    assert isinstance(done.exception, DatasetError)
    assert 'none of the 5 images of /image could be read' in str(done.exception)
    assert len(contents(tmp_path / 'out2')) == FRAMES


def test_a_recording_without_images_is_an_error_that_names_what_there_is(tmp_path, weights):
    path = tmp_path / 'in'
    with Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        writer.add_connection('/image', TOPICS['/image'], typestore=STORE)  # silent
        other = writer.add_connection('/other', TOPICS['/other'], typestore=STORE)
        word = STORE.serialize_cdr(MAKE('std_msgs/String', data='word'), TOPICS['/other'])
        writer.write(other, 1, word)
    done = run(path, tmp_path / 'out', weights=weights)
    assert done.exit_code == 1
    assert isinstance(done.exception, DatasetError)
    assert '/image has no messages; ' in str(done.exception)
    assert str(done.exception).endswith(' has /other (1)')
    assert [topic for topic, _ in contents(tmp_path / 'out')] == ['/other']


def test_an_encoding_that_is_not_cdr_is_said_once_for_each_channel(tmp_path, weights):
    path, topics = tmp_path / 'in', ('/image', '/camera_info')
    with Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        for topic in topics:
            connection = writer.add_connection(
                topic, TOPICS[topic], typestore=STORE, serialization_format='json'
            )
            for index in range(FRAMES):
                writer.write(connection, 1 + index, b'{"header": {}}')
    done = run(path, tmp_path / 'out', weights=weights)
    assert done.exit_code == 1
    for topic, start in zip(topics, ('5 images: could not be read: ', '5 '), strict=True):
        said = f"{start}messages of {topic} have the encoding 'json'; only CDR is read"
        assert done.stderr.count(said) == 1
    assert 'cut short' not in done.stderr
    with pytest.raises(DatasetError, match="/image have the encoding 'json'; only CDR"):
        next(recorded_images(path))


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_work_in_order(tmp_path, monkeypatch, weights, number):
    source = record(tmp_path / 'in', StoragePlugin.MCAP, topics=['/image'])
    see, calls = Annotator.see, []

    def interrupted(self, *message):
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), number)
        see(self, *message)

    monkeypatch.setattr(Annotator, 'see', interrupted)
    inherited = signal.signal(number, signal.default_int_handler)  # nohup and `&` ignore some
    try:
        done = run(source, tmp_path / 'out', weights=weights)
        after = signal.getsignal(number)
    finally:
        signal.signal(number, inherited)
    assert done.exit_code == 128 + number
    assert f'stopped by {number.name}' in done.stderr
    assert '3 images of /image (0 bad)' in done.stdout
    assert [topic for topic, _ in contents(tmp_path / 'out')].count('/image') == 3
    assert after is signal.default_int_handler
