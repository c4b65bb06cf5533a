"""The same film live, through the node, and from a recording: the same messages."""

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')
pytest.importorskip('rosbags', reason='needs the extra `bag`')
pytestmark = pytest.mark.ros

from lifecycle_msgs.msg import State  # noqa: E402
from lifecycle_msgs.srv import GetState  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile  # noqa: E402
from rclpy.serialization import deserialize_message, serialize_message  # noqa: E402
from rosbags.interfaces import (  # noqa: E402
    MessageDefinition,
    MessageDefinitionFormat,
    QosDurability,
)
from rosbags.rosbag2 import Reader, StoragePlugin, Writer  # noqa: E402
from rosbags.typesys import Stores, get_typestore  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from pose_action_ros.inference import PoseActionStream, StreamSettings  # noqa: E402
from pose_action_ros.inference.settings import TrackSettings  # noqa: E402
from pose_action_ros.messages.camera import camera_to_msg  # noqa: E402
from pose_action_ros.messages.image import image_to_msg  # noqa: E402
from pose_action_ros.messages.stamp import stamp_from_msg, stamp_to_msg  # noqa: E402
from pose_action_ros.msg import ActionLabel, JointLayout, PersonArray, Pose3D  # noqa: E402
from pose_action_ros.recordings.conversion import add_results  # noqa: E402
from pose_action_ros.recordings.message_types import register_detections  # noqa: E402
from pose_action_ros.recordings.topics import RecordingTopics  # noqa: E402
from pose_action_ros.ros.message_types import MAKE, find_vision_msgs  # noqa: E402
from pose_action_ros.simulation.scene import SimulatedFilm  # noqa: E402

VISION = find_vision_msgs()
TOPICS = {
    '/people': PersonArray,
    '/poses': Pose3D,
    '/actions': ActionLabel,
    '/pose_action/skeleton': JointLayout,
}
FRAMES, PERIOD_NS, START_NS = 18, 66_666_667, 1_700_000_000 * 10**9
NOBODY_IS_LOST = TrackSettings(min_confidence=0.0, min_joint_confidence=0.0)


def film():
    """(topic, message) in the order of a robot's drivers: what serves an image comes before it."""
    shots = SimulatedFilm(3, 160, 120, 15.0)
    for index in range(FRAMES):
        header = Header(frame_id='optical', stamp=stamp_to_msg(MAKE, START_NS + index * PERIOD_NS))
        yield '/camera_info', camera_to_msg(MAKE, shots.camera, header)
        if index % 3:  # every third image has no depth
            depth = Image(height=120, width=160, step=320, encoding='16UC1', header=header)
            depth.data.frombytes(np.full((120, 160), 2500 + 10 * index, np.uint16).tobytes())
            yield '/depth', depth
        if VISION is not None:
            yield '/detections', people(header, index)
        yield '/image', image_to_msg(MAKE, shots.frame(index / 15.0).image_rgb, header, 'rgb8')


def people(header, index):
    """Two people; in some images one of them is not seen by the detector."""
    array = VISION.Detection2DArray(header=header)
    for x in (50.0, 110.0) if index % 7 else (50.0,):
        detection = VISION.Detection2D(header=header)
        center = detection.bbox.center.position
        center.x, center.y = x + index, 60.0
        detection.bbox.size_x, detection.bbox.size_y = 60.0, 90.0
        hypothesis = VISION.ObjectHypothesis(class_id='person', score=0.9)
        detection.results = [VISION.ObjectHypothesisWithPose(hypothesis=hypothesis)]
        array.detections.append(detection)
    return array


def live(graph, weights):
    """What the node publishes."""
    graph.start(
        'pose_action_node',
        **{
            'model.weights': weights,
            'model.backend': 'torch',
            'model.precision': 'float32',
            'model.threads': 1,
            'use_depth': 'true',
            'person_source': 'track' if VISION is None else 'detections',
            'track.min_confidence': 0.0,
            'track.min_joint_confidence': 0.0,
        },
    )
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    found = {
        topic: graph.collect(kind, topic, latched if 'skeleton' in topic else 100)
        for topic, kind in TOPICS.items()
    }
    publishers = {}
    for topic, message in film():
        if topic not in publishers:
            publishers[topic] = graph.publisher(type(message), topic)
    state = lambda: graph.call(GetState, '/pose_action/get_state', GetState.Request())  # noqa: E731
    graph.wait(lambda: state().current_state.id == State.PRIMARY_STATE_ACTIVE, what='active')
    for topic, message in film():
        graph.deliver(publishers[topic], message)
        if topic != '/image':
            continue
        stamp_ns = stamp_from_msg(message.header.stamp)
        graph.wait(
            lambda stamp=stamp_ns: any(
                stamp_from_msg(array.header.stamp) == stamp for array in found['/people']
            ),
            what=f'result of {stamp_ns}',
        )
    graph.wait(
        lambda: (
            len(found['/poses']) == sum(len(array.people) for array in found['/people'])
            and len(found['/actions']) == len(found['/poses'])
            and found['/pose_action/skeleton']
        ),
        what='all parts of the people',
    )
    return found


def recorded(folder, weights, storage):
    """What `pose-action bag` adds to a recording."""
    store = get_typestore(Stores.ROS2_JAZZY)
    with Writer(folder / 'in', version=8, storage_plugin=storage) as writer:
        connections = {}
        for index, (topic, message) in enumerate(film()):
            kind = f'{type(message).__module__.split(".")[0]}/msg/{type(message).__name__}'
            if kind not in store.fielddefs:
                register_detections(store, MessageDefinition(MessageDefinitionFormat.NONE, ''))
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=store)
            time_ns = stamp_from_msg(message.header.stamp) + 5_000_000 + index
            writer.write(connections[topic], time_ns, serialize_message(message))
    stream = PoseActionStream.open(
        str(weights),
        device='cpu',
        threads=1,
        backend='torch',
        precision='float32',
        settings=StreamSettings(track=NOBODY_IS_LOST),
    )
    topics = RecordingTopics(depth='/depth', detections='' if VISION is None else '/detections')
    add_results(folder / 'in', folder / 'out', stream, topics)
    with Reader(folder / 'out') as reader:
        qos = {c.topic: c.ext.offered_qos_profiles for c in reader.connections}
        assert qos['/pose_action/skeleton'][0].durability is QosDurability.TRANSIENT_LOCAL
        return {
            topic: [
                deserialize_message(bytes(data), kind)
                for _, _, data in reader.messages(
                    [c for c in reader.connections if c.topic == topic]
                )
            ]
            for topic, kind in TOPICS.items()
        }


def assert_same(ours, theirs):
    """Two messages have the same in every field; NaN is NaN."""
    assert type(ours) is type(theirs)
    for name in ours.get_fields_and_field_types():
        left, right = getattr(ours, name), getattr(theirs, name)
        if hasattr(left, 'get_fields_and_field_types'):
            assert_same(left, right)
        elif len(np.shape(left)) and len(left) and hasattr(left[0], 'SLOT_TYPES'):
            for one, other in zip(left, right, strict=True):
                assert_same(one, other)
        elif isinstance(left, str) or (len(np.shape(left)) and np.asarray(left).dtype.kind == 'U'):
            assert left == right, name
        else:
            np.testing.assert_allclose(left, right, atol=1e-4, err_msg=name)


def test_live_and_recorded_are_the_same(graph, weights, tmp_path):
    alive = live(graph, weights)
    recording = recorded(tmp_path, weights, StoragePlugin.MCAP)
    poses = alive['/poses']
    assert poses
    assert len(alive['/people']) == FRAMES
    if VISION is not None:  # the network is untrained and soon looks away by itself
        assert {p.scale_source for p in poses} == {Pose3D.SCALE_BODY, Pose3D.SCALE_DEPTH}
        assert alive['/actions'][-1].valid
        assert len({p.track_id for p in poses}) == 2
    for topic in TOPICS:
        for ours, theirs in zip(alive[topic], recording[topic], strict=True):
            assert_same(ours, theirs)
