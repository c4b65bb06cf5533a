"""Which topics the node reads, and what it says of a topic that is silent."""

import time

import pytest

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')
pytestmark = pytest.mark.ros

from rclpy.node import Node  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402

from pose_action_ros.ros.diagnostics import NodeStatistics  # noqa: E402
from pose_action_ros.ros.inputs import Inputs  # noqa: E402
from pose_action_ros.ros.settings import NodeSettings  # noqa: E402

MOST_S = 60.0  # for a graph to know its own publisher


@pytest.fixture
def start(monkeypatch, domain):
    """Return the inputs of a node with an image topic and a transport."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    made = []

    def start_inputs(image, transport, rule='image'):
        words = ['--ros-args', '-r', f'{rule}:={image}']
        monkeypatch.setattr('sys.argv', ['pose_action_node', *words])
        node = Node('pose_action', context=context, cli_args=words)
        inputs = Inputs(node, NodeSettings(image_transport=transport), None, NodeStatistics())
        made.append((inputs, node))
        return inputs

    yield start_inputs
    for inputs, node in made:
        inputs.close()
        node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.fixture
def peer(domain):
    """Another process would do: one may not have two types of a topic."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    node = Node('peer', context=context)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.mark.parametrize('image', ['/front/rgb', '/front/rgb/compressed'])
def test_the_suffix_of_compressed_images_is_there_once(start, image):
    inputs = start(image, 'compressed')
    assert inputs.image_topic == '/front/rgb/compressed'
    assert inputs.camera_info_topic == '/front/camera_info'


@pytest.mark.parametrize(
    ('image', 'other'),
    [
        ('/front/rgb/compressed', '/front/rgb'),
        ('/front/jpeg', '/image'),  # nothing tells the name of a raw copy
    ],
)
def test_a_rule_for_the_compressed_topic_alone_counts(start, peer, image, other):
    inputs = start(image, 'compressed', rule='image/compressed')
    assert inputs.image_topic == image
    assert inputs.camera_info_topic == '/front/camera_info'
    assert f'no image on {image} for 2 s' in inputs.silence(2.0)
    assert inputs._other == (other, 'raw')
    end_s = time.monotonic() + MOST_S
    while not peer.count_subscribers('/front/camera_info') and time.monotonic() < end_s:
        time.sleep(0.01)
    assert peer.count_subscribers(image) == peer.count_subscribers('/front/camera_info') == 1


@pytest.mark.parametrize(
    ('image', 'transport', 'message_type', 'other', 'better'),
    [
        ('/a', 'raw', CompressedImage, '/a/compressed', 'compressed'),
        ('/a/compressed', 'raw', CompressedImage, '/a/compressed', 'compressed'),
        ('/a', 'compressed', Image, '/a', 'raw'),
    ],
)
def test_a_silent_topic_names_its_published_copy(
    start, peer, image, transport, message_type, other, better
):
    inputs = start(image, transport)
    silent = f'no image on {inputs.image_topic} for 2 s'
    assert inputs.silence(2.0) == silent
    peer.create_publisher(message_type, other, 5)
    end_s = time.monotonic() + MOST_S
    while inputs.silence(2.0) == silent and time.monotonic() < end_s:
        time.sleep(0.01)
    hint = f'{silent}, but {other} is published: try image_transport:={better}'
    assert inputs.silence(2.0) == hint
