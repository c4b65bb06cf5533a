"""`pose-action bag`: recordings in both formats, raw and compressed; without ROS."""

import sys

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip('rosbags', reason='needs the extra `bag`')

from rosbags.interfaces import MessageDefinition, MessageDefinitionFormat
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from pose_action_ros.cli.app import app
from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.geometry import Camera, decode_compressed
from pose_action_ros.inference import PoseActionStream, StreamSettings
from pose_action_ros.inference.settings import DetectionSettings, TrackSettings
from pose_action_ros.messages.matched_inputs import MatchSettings
from pose_action_ros.models import save_model
from pose_action_ros.recordings.conversion import add_results
from pose_action_ros.recordings.message_types import (
    DETECTIONS_TYPE,
    RecordedMessageMaker,
    load_types,
    register_detections,
)
from pose_action_ros.recordings.topics import RecordingTopics
from pose_action_ros.runtime import Engine
from pose_action_ros.simulation.scene import SimulatedFilm

START_NS = 1_700_000_000_123_456_789
PERIOD_NS = 66_666_667
LATENCY_NS = 4_000_000  # from an image's stamp to its recording
FRAMES = 6
NOBODY_IS_LOST = StreamSettings(track=TrackSettings(min_confidence=0.0, min_joint_confidence=0.0))


@pytest.fixture(autouse=True)
def without_openvino(monkeypatch):
    """PyTorch starts at once; what OpenVINO computes is tested where it is used."""
    monkeypatch.setitem(sys.modules, 'openvino', None)


@pytest.fixture(scope='module')
def net(tiny, filled):
    return filled(tiny('compact', clip_frames=4), seed=4)  # sees a body in every image


@pytest.fixture(scope='module')
def film():
    film = SimulatedFilm(3, 160, 120, 15.0)
    return film.camera, [film.frame(index / 15.0).image_rgb for index in range(FRAMES)]


class Recorder:
    """Writes a recording as a camera driver and `ros2 bag record` make it."""

    def __init__(self, path, storage=StoragePlugin.SQLITE3, version=8):
        self.make = RecordedMessageMaker(get_typestore(Stores.ROS2_JAZZY))
        self.writer = Writer(path, version=version, storage_plugin=storage)
        self.writer.open()
        self.connections = {}

    def write(self, topic, message, stamp_ns):
        kind = message.__msgtype__
        if topic not in self.connections:
            self.connections[topic] = self.writer.add_connection(
                topic, kind, typestore=self.make.store
            )
        data = self.make.store.serialize_cdr(message, kind)
        self.writer.write(self.connections[topic], stamp_ns + LATENCY_NS, data)

    def header(self, stamp_ns):
        sec, nanosec = divmod(stamp_ns, 10**9)
        stamp = self.make('builtin_interfaces/Time', sec=sec, nanosec=nanosec)
        return self.make('std_msgs/Header', stamp=stamp, frame_id='head_optical')

    def image(self, image, stamp_ns, encoding='rgb8'):
        """Of any array: (H, W, 3) bytes, or (H, W) depth."""
        height, width = image.shape[:2]
        pixels = np.ascontiguousarray(image)
        return self.make(
            'sensor_msgs/Image',
            header=self.header(stamp_ns),
            height=height,
            width=width,
            encoding=encoding,
            step=pixels[0].nbytes,
            data=pixels.reshape(-1).view(np.uint8),
        )

    def compressed(self, image, stamp_ns):
        data = cv2.imencode('.jpg', image[..., ::-1])[1]
        return self.make(
            'sensor_msgs/CompressedImage',
            header=self.header(stamp_ns),
            format='rgb8; jpeg compressed bgr8',
            data=data.reshape(-1),
        )

    def detections(self, boxes, stamp_ns):
        """Of (class id, score, x, y, size)."""
        make = self.make
        if DETECTIONS_TYPE not in make.store.fielddefs:
            make.store.register(detection_types())
        return make(
            'vision_msgs/Detection2DArray',
            header=self.header(stamp_ns),
            detections=[
                make(
                    'vision_msgs/Detection2D',
                    header=self.header(stamp_ns),
                    bbox=make(
                        'vision_msgs/BoundingBox2D',
                        center=make(
                            'vision_msgs/Pose2D', position=make('vision_msgs/Point2D', x=x, y=y)
                        ),
                        size_x=size,
                        size_y=size / 2,
                    ),
                    results=[
                        make(
                            'vision_msgs/ObjectHypothesisWithPose',
                            hypothesis=make(
                                'vision_msgs/ObjectHypothesis', class_id=name, score=score
                            ),
                        )
                    ],
                )
                for name, score, x, y, size in boxes
            ],
        )

    def camera_info(self, camera, stamp_ns):
        k = [camera.fx, 0.0, camera.cx, 0.0, camera.fy, camera.cy, 0.0, 0.0, 1.0]
        return self.make(
            'sensor_msgs/CameraInfo',
            header=self.header(stamp_ns),
            width=camera.width,
            height=camera.height,
            k=np.array(k),
        )


def detection_types():
    """Detection2DArray and all that it holds, as vision_msgs 4 defines them."""
    store = get_typestore(Stores.ROS2_JAZZY)
    register_detections(store, MessageDefinition(MessageDefinitionFormat.NONE, ''))
    return {n: kind for n, kind in store.fielddefs.items() if n.startswith('vision_msgs/')}


def record(path, film, *, compressed=False, **options):
    """Images, calibration and something else, which must survive."""
    camera, images = film
    recorder = Recorder(path, **options)
    for index, image in enumerate(images):
        stamp_ns = START_NS + index * PERIOD_NS
        if compressed:
            message = recorder.compressed(image, stamp_ns)
            recorder.write('/cam/image/compressed', message, stamp_ns)
        else:
            recorder.write('/cam/image', recorder.image(image, stamp_ns), stamp_ns)
        recorder.write('/cam/camera_info', recorder.camera_info(camera, stamp_ns), stamp_ns)
        text = recorder.make('std_msgs/String', data=f'word {index}')
        recorder.write('/chatter', text, stamp_ns)
    recorder.writer.close()
    return path


def stream_of(net):
    return PoseActionStream(Engine(net, 'cpu'), NOBODY_IS_LOST)


def read(path, topic):
    """(time of recording, message) of a topic, by types that know nothing but the recording."""
    with Reader(path) as reader:
        connections = [c for c in reader.connections if c.topic == topic]
        store = load_types()
        return [
            (time_ns, store.deserialize_cdr(data, connection.msgtype))
            for connection, time_ns, data in reader.messages(connections)
        ]


def raw(path):
    with Reader(path) as reader:
        return [(c.topic, time_ns, bytes(data)) for c, time_ns, data in reader.messages()]


def pixels(pose):
    return np.array([(joint.u, joint.v) for joint in pose.joints])


def metres(pose):
    return np.array([(j.position.x, j.position.y, j.position.z) for j in pose.joints])


@pytest.mark.parametrize('storage', list(StoragePlugin))
@pytest.mark.parametrize('compressed', [False, True])
def test_a_recording_gives_what_the_film_gives(tmp_path, film, net, storage, compressed):
    camera, images = film
    if compressed:
        jpegs = [cv2.imencode('.jpg', image[..., ::-1])[1] for image in images]
        images = [decode_compressed(jpeg) for jpeg in jpegs]
    source = record(tmp_path / 'in', film, compressed=compressed, storage=storage)
    output = tmp_path / 'out'
    counts = add_results(source, output, stream_of(net), RecordingTopics())
    assert (counts.images, counts.bad_images, counts.poses, counts.actions) == (6, 0, 6, 6)
    assert counts.calibrated
    poses, actions = read(output, '/poses'), read(output, '/actions')
    live = stream_of(net)
    undistorted = Camera(camera.fx, camera.fy, camera.cx, camera.cy, 160, 120)
    for index, ((time_ns, pose), (_, action)) in enumerate(zip(poses, actions, strict=True)):
        stamp_ns = START_NS + index * PERIOD_NS
        expected = live.process(images[index], stamp_ns, camera=undistorted).persons[0]
        assert time_ns == stamp_ns + LATENCY_NS
        for header in (pose.header, action.header):
            assert divmod(stamp_ns, 10**9) == (header.stamp.sec, header.stamp.nanosec)
            assert header.frame_id == 'head_optical'
        np.testing.assert_allclose(pixels(pose), expected.joints_image_px, atol=1e-4)
        np.testing.assert_allclose(metres(pose), expected.joints_camera_m, atol=1e-5)
        assert pose.reference == pose.REFERENCE_CAMERA
        np.testing.assert_allclose(action.scores, expected.action.scores, atol=1e-6)
        assert action.valid == expected.action.valid == (index >= 3)
    markers = read(output, '/markers')
    assert [[m.ns for m in array.markers] for _, array in markers] == 6 * [
        ['joints', 'bones', 'label']
    ]


@pytest.mark.parametrize('storage', list(StoragePlugin))
def test_every_message_of_the_recording_survives(tmp_path, film, net, storage):
    source = record(tmp_path / 'in', film, storage=storage)
    with Reader(source) as reader:
        before = {(c.topic, c.msgtype, c.digest, c.msgdef.data) for c in reader.connections}
    add_results(source, tmp_path / 'out', stream_of(net), RecordingTopics(namespace='/left/'))
    with Reader(tmp_path / 'out') as reader:
        after = {(c.topic, c.msgtype, c.digest, c.msgdef.data) for c in reader.connections}
        definitions = {c.topic: c.msgdef.data for c in reader.connections}
    assert before < after
    ours = {'/left/people', '/left/poses', '/left/actions', '/left/markers'}
    ours.add('/left/pose_action/skeleton')
    assert {topic for topic, *_ in after - before} == ours
    assert 'float32 confidence' in definitions['/left/poses']
    copied = [row for row in raw(tmp_path / 'out') if row[0] not in ours]
    assert sorted(copied) == sorted(raw(source))


def test_types_that_nobody_knows_and_bad_images_are_copied(tmp_path, film, net):
    recorder = Recorder(tmp_path / 'in', StoragePlugin.MCAP)
    _, images = film
    odd = recorder.writer.add_connection(
        '/odd', 'odd_msgs/msg/Odd', msgdef='int32 number', rihs01='RIHS01_' + 64 * 'a'
    )
    recorder.writer.write(odd, START_NS, b'\0\1\0\0\7\0\0\0')
    for index, encoding in enumerate(['rgb9', 'rgb8']):
        stamp_ns = START_NS + index * PERIOD_NS
        recorder.write('/image', recorder.image(images[index], stamp_ns, encoding), stamp_ns)
    recorder.writer.close()
    counts = add_results(tmp_path / 'in', tmp_path / 'out', stream_of(net), RecordingTopics())
    assert (counts.images, counts.bad_images, counts.poses) == (2, 1, 1)
    assert not counts.calibrated
    assert ('/odd', START_NS, b'\0\1\0\0\7\0\0\0') in raw(tmp_path / 'out')
    (_, pose), = read(tmp_path / 'out', '/poses')  # fmt: skip
    assert pose.reference == pose.REFERENCE_ROOT


def test_a_person_who_leaves_leaves_no_markers(tmp_path, net):
    settings = StreamSettings(track=TrackSettings(min_confidence=0.0, lost_after_s=0.05))
    stream = PoseActionStream(Engine(net, 'cpu'), settings)
    recorder = Recorder(tmp_path / 'in')
    for index in range(2):
        stamp_ns = START_NS + index * PERIOD_NS
        image = np.full((120, 160, 3), 100, np.uint8)
        recorder.write('/image', recorder.image(image, stamp_ns), stamp_ns)
    recorder.writer.close()
    process = stream.process

    def leave(*args, **kwargs):  # from the second image on nobody is confident enough
        prediction = process(*args, **kwargs)
        stream.settings = StreamSettings(
            track=TrackSettings(min_confidence=1.0, lost_after_s=0.05)
        )
        return prediction

    stream.process = leave
    add_results(tmp_path / 'in', tmp_path / 'out', stream, RecordingTopics())
    (_, shown), (_, removed) = read(tmp_path / 'out', '/markers')
    assert [m.action for m in shown.markers] == [0, 0, 0]
    assert [m.action for m in removed.markers] == [2, 2, 2]
    assert {m.id for m in shown.markers} == {m.id for m in removed.markers}


DEPTHS = {
    '16UC1': np.full((120, 160), 2500, np.uint16),
    '32FC1': np.full((120, 160), 2.5, np.float32),
}


@pytest.mark.parametrize('storage', list(StoragePlugin))
@pytest.mark.parametrize('encoding', DEPTHS)
@pytest.mark.parametrize('delay_ns', [-10_000_000, 30_000_000])
def test_depth_of_the_recording_gives_the_distance(
    tmp_path, film, net, storage, encoding, delay_ns
):
    """Recorded before or after its image; the last two images have none, or a bad one."""
    camera, images = film
    recorder = Recorder(tmp_path / 'in', storage)
    info = recorder.camera_info(camera, START_NS)
    recorder.write('/camera_info', info, START_NS - PERIOD_NS)
    for index, image in enumerate(images):
        stamp_ns = START_NS + index * PERIOD_NS
        recorder.write('/image', recorder.image(image, stamp_ns), stamp_ns)
        depth = recorder.image(DEPTHS[encoding], stamp_ns, encoding)
        if index == FRAMES - 2:
            depth = recorder.image(image, stamp_ns)
        if index < FRAMES - 1:
            recorder.write('/range', depth, stamp_ns + delay_ns)
    recorder.writer.close()
    topics = RecordingTopics(depth='/range')
    counts = add_results(tmp_path / 'in', tmp_path / 'out', stream_of(net), topics)
    assert (counts.images, counts.bad_images, counts.poses) == (6, 0, 6)
    assert counts.with_depth == 4
    assert counts.problems == {
        'no depth image within 0.05 s of the image; the nearest is 0.07 s older': 1,
        "depth image skipped: 'rgb8' is not a depth encoding; expected one of "
        '16UC1, mono16, 32FC1': 1,
    }
    live = stream_of(net)
    undistorted = Camera(camera.fx, camera.fy, camera.cx, camera.cy, 160, 120)
    for index, (_, pose) in enumerate(read(tmp_path / 'out', '/poses')):
        depth_m = np.full((120, 160), 2.5, np.float32) if index < FRAMES - 2 else None
        stamp_ns = START_NS + index * PERIOD_NS
        person, = live.process(
            images[index], stamp_ns, camera=undistorted, depth_m=depth_m
        ).persons  # fmt: skip
        assert pose.scale_source == int(person.scale_source)
        np.testing.assert_allclose(metres(pose), person.joints_camera_m, atol=1e-5)


def write_people(path, film, storage=StoragePlugin.SQLITE3, delay_ns=40_000_000):
    """Two people and a dog in every image but the last, which has no detections."""
    recorder = Recorder(path, storage)
    for index, image in enumerate(film[1]):
        stamp_ns = START_NS + index * PERIOD_NS
        recorder.write('/image', recorder.image(image, stamp_ns), stamp_ns)
        boxes = [('person', 0.6, 50, 60, 70), ('dog', 0.9, 9, 9, 9), ('person', 0.8, 110, 60, 60)]
        if index < FRAMES - 1:
            message = recorder.detections(boxes, stamp_ns)
            recorder.write('/detector/boxes', message, stamp_ns + delay_ns)
    recorder.writer.close()
    return path


@pytest.mark.parametrize(('wait_s', 'served'), [(0.04, 0), (0.1, FRAMES - 1)])
def test_an_image_waits_as_long_as_it_is_told(tmp_path, film, net, wait_s, served):
    source = write_people(tmp_path / 'in', film, delay_ns=90_000_000)
    topics = RecordingTopics(detections='/detector/boxes')
    settings = MatchSettings(detections=DetectionSettings(max_age_s=0.01), sync_wait_s=wait_s)
    counts = add_results(source, tmp_path / 'out', stream_of(net), topics, settings=settings)
    assert (counts.images, counts.poses) == (FRAMES, 2 * served)
    assert bool(counts.problems) == (not served)


def test_late_images_and_wrong_stamps_cost_themselves_alone(tmp_path, film, net):
    """As if they were not there: the poses, actions and clips of the others."""
    tidy, untidy = Recorder(tmp_path / 'tidy'), Recorder(tmp_path / 'untidy')
    for index, image in enumerate(film[1]):
        stamp_ns = START_NS + index * PERIOD_NS
        for recorder in (tidy, untidy):
            recorder.write('/image', recorder.image(image, stamp_ns), stamp_ns)
        if index:
            wrong_ns = (0, stamp_ns - PERIOD_NS, stamp_ns + 5 * 10**9)[index % 3]
            untidy.write('/image', untidy.image(image, wrong_ns), stamp_ns + 1_000_000)
    outputs = []
    for recorder, name in ((tidy, 'tidy'), (untidy, 'untidy')):
        recorder.writer.close()
        output = tmp_path / f'{name}_out'
        counts = add_results(tmp_path / name, output, stream_of(net), RecordingTopics())
        outputs.append([message for _, message in read(output, '/actions')])
    assert sum(counts.problems.values()) == FRAMES - 1
    assert all(text.startswith('skipped: ') for text in counts.problems)
    assert len(outputs[0]) == len(outputs[1]) == FRAMES
    assert outputs[0][-1].valid
    for ours, theirs in zip(*outputs, strict=True):
        assert ours.track_id == theirs.track_id == 1
        assert ours.valid == theirs.valid
        np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-6)


@pytest.mark.parametrize('factor', [1, 4])
def test_a_calibration_of_another_size_gives_the_same_metres_and_is_said(
    tmp_path, film, net, factor
):
    camera, images = film
    camera = Camera(camera.fx, camera.fy, camera.cx, camera.cy, 160, 120)
    big = camera.scaled(160 * factor, 120 * factor)
    for name, used in (('in', big), ('right', camera)):
        recorder = Recorder(tmp_path / name)
        recorder.write('/camera_info', recorder.camera_info(used, START_NS), START_NS)
        for index, image in enumerate(images):
            stamp_ns = START_NS + index * PERIOD_NS
            recorder.write('/image', recorder.image(image, stamp_ns), stamp_ns)
        recorder.writer.close()
    counts, found = {}, {}
    for name in ('in', 'right'):
        output = tmp_path / f'{name}_out'
        counts[name] = add_results(tmp_path / name, output, stream_of(net), RecordingTopics())
        found[name] = np.array([metres(pose) for _, pose in read(output, '/poses')])
    np.testing.assert_allclose(found['in'], found['right'], atol=1e-4)
    assert counts['in'].calibrated
    said = any('640 x 480, the image 160 x 120' in text for text in counts['in'].problems)
    assert said == (factor == 4)


@pytest.mark.parametrize('changes', [{'k': np.full(9, np.nan)}, {'width': 77}, {'d': np.ones(3)}])
def test_a_calibration_that_can_not_be_used_is_survived_and_said(tmp_path, film, net, changes):
    camera, images = film
    recorder = Recorder(tmp_path / 'in')
    info = recorder.camera_info(camera, START_NS)
    for name, value in changes.items():
        setattr(info, name, value)
    recorder.write('/camera_info', info, START_NS)
    recorder.write('/image', recorder.image(images[0], START_NS), START_NS)
    recorder.writer.close()
    counts = add_results(tmp_path / 'in', tmp_path / 'out', stream_of(net), RecordingTopics())
    assert not counts.calibrated
    assert any('CameraInfo' in text for text in counts.problems)
    (_, pose), = read(tmp_path / 'out', '/poses')  # fmt: skip
    assert pose.reference == pose.REFERENCE_ROOT


@pytest.mark.parametrize('storage', list(StoragePlugin))
def test_detections_of_the_recording_say_where_people_are(tmp_path, film, net, storage):
    source = write_people(tmp_path / 'in', film, storage)
    topics = RecordingTopics(detections='/detector/boxes')
    settings = MatchSettings(detections=DetectionSettings(max_age_s=0.03))
    counts = add_results(source, tmp_path / 'out', stream_of(net), topics, settings=settings)
    assert (counts.images, counts.poses) == (6, 10)
    poses = [pose for _, pose in read(tmp_path / 'out', '/poses')]
    boxes = [PersonBox(110.0, 60.0, 60.0), PersonBox(50.0, 60.0, 70.0)]
    live = stream_of(net)
    for index in range(FRAMES - 1):
        persons = live.process(film[1][index], START_NS + index * PERIOD_NS, boxes=boxes).persons
        for pose, person in zip(poses[2 * index : 2 * index + 2], persons, strict=True):
            assert pose.track_id == person.track_id
            np.testing.assert_allclose(pixels(pose), person.joints_image_px, atol=1e-4)
    assert {pose.track_id for pose in poses} == {1, 2}
    with Reader(tmp_path / 'out') as reader:
        assert '/detector/boxes' in reader.topics


def test_which_detections_are_people_is_said(tmp_path, film, net):
    source = write_people(tmp_path / 'in', film)
    topics = RecordingTopics(detections='/detector/boxes')
    for number, (settings, poses, problem) in enumerate(
        [
            (DetectionSettings(min_score=0.7), 6, ''),
            (DetectionSettings(class_id='dog'), 6, ''),
            (DetectionSettings(class_id='cat'), 0, "is a 'cat'"),
        ]
    ):
        output, matching = tmp_path / f'out{number}', MatchSettings(detections=settings)
        counts = add_results(source, output, stream_of(net), topics, settings=matching)
        assert counts.poses == poses
        assert bool(counts.problems) == bool(problem)
        assert all(problem in text for text in counts.problems)


def test_detections_are_read_as_the_recording_defines_them():
    store = load_types()
    text = store_text(detection_types()) + '\n' + 80 * '=' + '\nMSG: vision_msgs/Odd\nint32 x'
    register_detections(store, MessageDefinition(MessageDefinitionFormat.MSG, text))
    assert 'vision_msgs/msg/Odd' in store.fielddefs
    old = 'std_msgs/Header header\nvision_msgs/ObjectHypothesis[] detections\n'
    old += 80 * '=' + '\nMSG: vision_msgs/ObjectHypothesis\nstring id\nfloat64 score'
    with pytest.raises(DatasetError, match=r'vision_msgs 4: .*class_id.*--detections-topic'):
        register_detections(load_types(), MessageDefinition(MessageDefinitionFormat.MSG, old))


def store_text(types):
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(types)
    return store.generate_msgdef(DETECTIONS_TYPE, ros_version=2)[0]


def test_topics_are_chosen_and_refused_with_a_reason(tmp_path, film):
    recorder = Recorder(tmp_path / 'in')
    _, images = film
    image = recorder.image(images[0], START_NS)
    recorder.write('/a/depth/image', image, START_NS)
    recorder.write('/a/image', image, START_NS)
    recorder.write('/a/image/compressed', recorder.compressed(images[0], START_NS), START_NS)
    recorder.writer.close()
    with Reader(tmp_path / 'in') as reader:
        found = RecordingTopics().found_in(reader)
        assert (found.image, found.camera_info) == ('/a/image', '/a/camera_info')
        chosen = RecordingTopics('/a/image/compressed').found_in(reader)
        assert (chosen.image, chosen.camera_info) == ('/a/image/compressed', '/a/camera_info')
        with pytest.raises(ConfigError, match=r'no image topic /b.*has /a/depth/image, /a/image'):
            RecordingTopics('/b').found_in(reader)
        assert (
            RecordingTopics(depth='/a/image', detections='').found_in(reader).depth == '/a/image'
        )
        with pytest.raises(ConfigError, match=r'no depth Image topic /d;.*has /a/depth/image'):
            RecordingTopics('/a/image', depth='/d').found_in(reader)
        with pytest.raises(ConfigError, match=r'no Detection2DArray topic /a/image;.*has none'):
            RecordingTopics('/a/image', detections='/a/image').found_in(reader)
        with pytest.raises(ConfigError, match=r'no CameraInfo topic /a/info.*has none'):
            RecordingTopics(camera_info='/a/info').found_in(reader)
    recorder = Recorder(tmp_path / 'silent')  # recorded, but nobody subscribed to the raw images
    kind = 'sensor_msgs/msg/Image'
    recorder.writer.add_connection('/a/image', kind, typestore=recorder.make.store)
    recorder.write('/a/image/compressed', recorder.compressed(images[0], START_NS), START_NS)
    recorder.writer.close()
    with Reader(tmp_path / 'silent') as reader:
        assert RecordingTopics().found_in(reader).image == '/a/image/compressed'
        assert RecordingTopics('/a/image').found_in(reader).image == '/a/image'
    recorder = Recorder(tmp_path / 'none')
    recorder.write('/a/camera_info', recorder.camera_info(film[0], START_NS), START_NS)
    recorder.writer.close()
    with (
        Reader(tmp_path / 'none') as reader,
        pytest.raises(
            ConfigError, match=r'no image topic.*found /a/camera_info \(sensor_msgs/msg/'
        ),
    ):
        RecordingTopics().found_in(reader)
    recorder = Recorder(tmp_path / 'two')
    for topic in ('/left/image', '/right/image', '/people', '/left/actions'):
        recorder.write(topic, image, START_NS)
    kind = 'pose_action_ros/msg/Pose3D'
    recorder.writer.add_connection('/poses', kind, typestore=load_types())
    recorder.writer.close()
    with Reader(tmp_path / 'two') as reader:
        with pytest.raises(ConfigError, match='--image-topic'):
            RecordingTopics().found_in(reader)
        with pytest.raises(ConfigError, match=r'has /poses already.*--namespace'):
            RecordingTopics('/left/image').found_in(reader)
        taken = RecordingTopics('/left/image', namespace='left').found_in(reader)
        assert taken.output('poses') == '/left/poses'
        assert taken.output('actions') == '/left/pose_action/actions'  # not an ActionLabel
        assert taken.found_in(reader) == taken


def test_what_is_no_recording_is_said_and_leaves_nothing(tmp_path, film, net):
    output = tmp_path / 'out'
    with pytest.raises(DatasetError, match=r'no recording .*no_such; expected a rosbag2 folder'):
        add_results(tmp_path / 'no_such', output, stream_of(net), RecordingTopics())
    (tmp_path / 'torn.mcap').write_bytes(b'\x89MCAP0\r\n' + bytes(100))
    with pytest.raises(DatasetError, match=r'torn\.mcap'):
        add_results(tmp_path / 'torn.mcap', output, stream_of(net), RecordingTopics())
    assert not output.exists()
    output.mkdir()
    with pytest.raises(ConfigError, match='exists'):
        add_results(record(tmp_path / 'in', film), output, stream_of(net), RecordingTopics())
    assert list(output.iterdir()) == []


def test_the_command(tmp_path, film, net):
    weights = tmp_path / 'net.safetensors'
    save_model(net, weights)
    source = record(tmp_path / 'in', film)
    arguments = ['bag', source, tmp_path / 'out', '--weights', weights, '--device', 'cpu']
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    assert '6 images of /cam/image (0 bad)' in result.stdout
    with Reader(tmp_path / 'out') as reader:
        assert {'/poses', '/actions', '/markers', '/chatter'} <= set(reader.topics)


@pytest.mark.parametrize('boxes', ['detections', 'people'])  # the latter as in version 0.1
def test_the_options_of_the_command(tmp_path, film, net, boxes):
    weights = tmp_path / 'net.safetensors'
    save_model(net, weights)
    source = write_people(tmp_path / 'in', film)
    options = {
        f'{boxes}-topic': '/detector/boxes',
        f'{boxes}-class-id': 'dog',
        f'{boxes}-min-score': 0.1,
        f'{boxes}-max-age': 0.03,
        'sync-wait': 0.1,
        'body-height': 1.5,
        'weights': weights,
        'device': 'cpu',
    }
    arguments = ['bag', source, tmp_path / 'out', '--quiet']
    arguments += [word for name, value in options.items() for word in (f'--{name}', value)]
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    assert '6 images of /image (0 bad)' in result.stdout
    assert 'no calibration on /camera_info' in result.stderr
    refused = CliRunner().invoke(app, [*map(str, arguments[:4]), '--detections-min-score', '7'])
    assert refused.exit_code != 0
