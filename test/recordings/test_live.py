"""The same film live, through the node, and from a recording: the same poses and actions."""

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')
pytest.importorskip('rosbags', reason='needs the extra `bag`')
pytestmark = pytest.mark.ros

from rclpy.serialization import deserialize_message, serialize_message  # noqa: E402
from rosbags.interfaces import MessageDefinition, MessageDefinitionFormat  # noqa: E402
from rosbags.rosbag2 import Reader, StoragePlugin, Writer  # noqa: E402
from rosbags.typesys import Stores, get_typestore  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from pose_action_ros.inference import PoseActionStream, StreamSettings  # noqa: E402
from pose_action_ros.inference.settings import TrackSettings  # noqa: E402
from pose_action_ros.messages.camera import camera_to_msg  # noqa: E402
from pose_action_ros.messages.image import image_to_msg  # noqa: E402
from pose_action_ros.messages.stamp import stamp_from_msg, stamp_to_msg  # noqa: E402
from pose_action_ros.msg import ActionLabel, Pose3D  # noqa: E402
from pose_action_ros.recordings.conversion import add_results  # noqa: E402
from pose_action_ros.recordings.message_types import register_detections  # noqa: E402
from pose_action_ros.recordings.topics import RecordingTopics  # noqa: E402
from pose_action_ros.ros.message_types import MAKE, find_vision_msgs  # noqa: E402
from pose_action_ros.simulation.scene import SimulatedFilm  # noqa: E402

VISION = find_vision_msgs()
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
    poses, actions = graph.collect(Pose3D, 'poses'), graph.collect(ActionLabel, 'actions')
    drawn = graph.collect(Image, 'pose_action/debug_image')  # of every image, whoever is in it
    publishers = {}
    for topic, message in film():
        if topic not in publishers:
            publishers[topic] = graph.node.create_publisher(type(message), topic, 5)
    graph.wait(
        lambda: all(p.get_subscription_count() for p in publishers.values()), what='subscriptions'
    )
    graph.spin(0.5)
    for topic, message in film():
        publishers[topic].publish(message)
        if topic != '/image':
            graph.spin(0.05)
            continue
        stamp_ns = stamp_from_msg(message.header.stamp)
        graph.wait(
            lambda stamp=stamp_ns: any(stamp_from_msg(d.header.stamp) == stamp for d in drawn),
            what=f'result of {stamp_ns}',
        )
    graph.spin(0.5)
    return poses, actions


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
        return [
            [
                deserialize_message(bytes(data), kind)
                for _, _, data in reader.messages(
                    [c for c in reader.connections if c.topic == topic]
                )
            ]
            for topic, kind in (('/poses', Pose3D), ('/actions', ActionLabel))
        ]


def numbers(pose):
    return np.array(
        [(j.u, j.v, j.confidence, j.position.x, j.position.y, j.position.z) for j in pose.joints]
    )


def test_live_and_recorded_are_the_same(graph, weights, tmp_path):
    live_poses, live_actions = live(graph, weights)
    bag_poses, bag_actions = recorded(tmp_path, weights, StoragePlugin.MCAP)
    assert live_poses
    if VISION is not None:  # the network is untrained and soon looks away by itself
        sources = {p.scale_source for p in live_poses}
        assert sources == {Pose3D.SCALE_BODY, Pose3D.SCALE_DEPTH}
        assert live_actions[-1].valid
        assert len({p.track_id for p in live_poses}) == 2
    for ours, theirs in zip(live_poses, bag_poses, strict=True):
        np.testing.assert_allclose(numbers(ours), numbers(theirs), atol=1e-4)
        ours.joints = theirs.joints = []
        ours.confidence = theirs.confidence
        assert ours == theirs
    for ours, theirs in zip(live_actions, bag_actions, strict=True):
        np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-5)
        ours.scores, ours.confidence = theirs.scores, theirs.confidence
        assert ours == theirs
