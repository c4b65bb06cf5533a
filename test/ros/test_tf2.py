"""`target_frame` with tf2 itself, where it is installed: static and moving frames over DDS."""

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')
pytest.importorskip('tf2_ros', reason='needs tf2_ros, which no wheel carries')

from geometry_msgs.msg import Quaternion, TransformStamped, Vector3
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest
from tf2_ros import Buffer, StaticTransformBroadcaster, TransformBroadcaster, TransformListener
from visualization_msgs.msg import MarkerArray

from pose_action_ros.messages.stamp import stamp_from_msg, stamp_to_msg
from pose_action_ros.msg import Pose3D
from pose_action_ros.ros.message_types import MAKE
from pose_action_ros.ros.target_frame import FrameTransform

pytestmark = pytest.mark.ros
SECOND = 10**9
START_NS = 100 * SECOND
SPEED_M_S = 2.0  # of the base along the map's x
AHEAD = Quaternion(x=-0.5, y=0.5, z=-0.5, w=0.5)  # a camera that looks along the base's x


def transform(parent, child, stamp_ns, x, rotation=None):
    msg = TransformStamped(child_frame_id=child)
    msg.header.frame_id, msg.header.stamp = parent, stamp_to_msg(MAKE, stamp_ns)
    msg.transform.translation = Vector3(x=x, y=0.0, z=1.2 if rotation else 0.0)
    msg.transform.rotation = rotation or Quaternion(w=1.0)
    return msg


def metres(pose):
    return np.array([(j.position.x, j.position.y, j.position.z) for j in pose.joints])


@pytest.fixture(scope='module')
def see(shared_graph, weights):
    """A node that wants results in `map`; calling gives the pose of an image of a frame, stamp."""
    graph = shared_graph
    graph.start(
        'pose_action_node',
        **{
            'model.weights': weights,
            'model.backend': 'torch',
            'model.precision': 'float32',
            'model.threads': 1,
            'person_source': 'roi',
            'target_frame': 'map',
            'track.min_confidence': 0.0,
            'track.min_joint_confidence': 0.0,
            'smooth.joints': 'false',
        },
    )
    images = graph.node.create_publisher(Image, 'image', 5)
    infos = graph.node.create_publisher(CameraInfo, 'camera_info', 5)
    regions = graph.node.create_publisher(RegionOfInterest, 'roi', 5)
    poses, see = graph.collect(Pose3D, 'poses'), lambda *where: ask(graph, images, poses, *where)
    see.markers = graph.collect(MarkerArray, 'markers')
    graph.wait(lambda: regions.get_subscription_count() > 0, what='subscription')
    info = CameraInfo(height=120, width=160, distortion_model='plumb_bob', d=[0.0] * 5)
    info.k = np.array([150.0, 0, 79.5, 0, 150.0, 59.5, 0, 0, 1])
    for _ in range(3):  # best effort
        infos.publish(info)
        regions.publish(RegionOfInterest(width=160, height=120))
        graph.spin(0.2)
    StaticTransformBroadcaster(graph.node).sendTransform(
        transform('base', 'optical', START_NS, 0.1, AHEAD)
    )
    moving = TransformBroadcaster(graph.node)
    graph.wait(lambda: moving.pub_tf.get_subscription_count() > 0, what='tf subscription')
    for index in range(11):  # ten seconds of a drive, a transform a second
        moving.sendTransform(
            transform('map', 'base', START_NS + index * SECOND, SPEED_M_S * index)
        )
        graph.spin(0.05)
    return see


def ask(graph, images, poses, frame_id, stamp_ns):
    msg = Image(height=120, width=160, encoding='rgb8', step=480)
    msg.data.frombytes(np.random.default_rng(1).integers(0, 255, 57600, np.uint8).tobytes())
    msg.header.frame_id, msg.header.stamp = frame_id, stamp_to_msg(MAKE, stamp_ns)
    images.publish(msg)
    found = lambda: [  # noqa: E731
        p for p in poses if stamp_from_msg(p.header.stamp) == stamp_ns
    ]
    graph.wait(found, what='pose of the image', again=lambda: images.publish(msg))
    graph.spin(0.05)
    return found()[-1]


def test_results_are_where_tf2_puts_them_at_the_stamp_of_the_image(see, shared_graph):
    optical = see('loose_optical', START_NS + SECOND)  # which tf2 does not know
    assert optical.header.frame_id == 'loose_optical'
    assert optical.reference == Pose3D.REFERENCE_CAMERA
    ahead = metres(optical) @ np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]]) + [0.1, 0, 1.2]
    for seconds in (2.0, 4.5, 7.25):  # between two transforms tf2 interpolates
        pose = see('optical', START_NS + round(seconds * SECOND))
        assert pose.header.frame_id == 'map'
        np.testing.assert_allclose(
            metres(pose), ahead + np.array([SPEED_M_S * seconds, 0, 0]), atol=1e-4
        )
        assert {m.header.frame_id for m in see.markers[-1].markers} == {'map'}


def test_a_stamp_that_tf2_does_not_reach_stays_in_the_optical_frame(see):
    pose = see('optical', START_NS + 60 * SECOND)
    assert pose.header.frame_id == 'optical'


def test_a_recording_that_starts_again_forgets_the_drive_and_keeps_the_static_frame(
    see, shared_graph
):
    assert see('optical', START_NS + 3 * SECOND).header.frame_id == 'optical'  # cleared
    moving = TransformBroadcaster(shared_graph.node)
    shared_graph.wait(lambda: moving.pub_tf.get_subscription_count() > 0, what='subscription')
    for index in (3, 4, 5):
        moving.sendTransform(transform('map', 'base', START_NS + index * SECOND, 0.5))
        shared_graph.spin(0.1)
    assert see('optical', START_NS + 4 * SECOND).header.frame_id == 'map'


def test_its_log_says_what_tf2_said(see, shared_graph):
    status, log = shared_graph.stop('pose_action_node')
    assert status == 0
    assert 'Traceback' not in log
    assert "no transform from 'loose_optical' to target_frame 'map'" in log


def test_our_matrix_is_the_one_of_tf2(shared_graph):
    """Against tf2's own composition of two turns."""
    buffer = Buffer()
    listener = TransformListener(buffer, shared_graph.node)
    turn = Quaternion(x=0.1, y=-0.2, z=0.3, w=float(np.sqrt(1 - 0.14)))
    for parent, child in (('a', 'b'), ('b', 'c')):
        buffer.set_transform(transform(parent, child, START_NS, 0.4, turn), 'test')
    stamp = Time(nanoseconds=START_NS)
    once, twice = (
        FrameTransform.from_msg(buffer.lookup_transform('a', child, stamp)) for child in 'bc'
    )
    np.testing.assert_allclose(twice.rotation, once.rotation @ once.rotation, atol=1e-6)
    np.testing.assert_allclose(
        twice.translation_m, once.rotation @ once.translation_m + once.translation_m, atol=1e-6
    )
    listener.unregister()
