"""The table of topics in the documentation is what the graph shows, and RViz's file fits it."""

import math
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip('rclpy', reason='needs ROS 2')

from rcl_interfaces.srv import GetParameters
from rclpy.qos import DurabilityPolicy, QoSCompatibility, QoSProfile, ReliabilityPolicy
from rclpy.qos import qos_check_compatible as check_compatible

from pose_action_ros.ros.message_types import find_vision_msgs

pytestmark = pytest.mark.ros
ROOT = Path(__file__).parents[2]
RELIABILITY = {
    'reliable': ReliabilityPolicy.RELIABLE,
    'best effort': ReliabilityPolicy.BEST_EFFORT,
    'best available': ReliabilityPolicy.BEST_AVAILABLE,
}
DURABILITY = {
    'volatile': DurabilityPolicy.VOLATILE,
    'transient local': DurabilityPolicy.TRANSIENT_LOCAL,
}
# Of rviz_default_plugins (Jazzy to Rolling): what each class reads. A topic has QoS children.
TOPIC = {'Value', 'Depth', 'History Policy', 'Reliability Policy', 'Durability Policy'}
DISPLAYS = {
    'Grid': {
        *('Reference Frame', 'Plane Cell Count', 'Normal Cell Count', 'Cell Size', 'Line Style'),
        *('Color', 'Alpha', 'Plane', 'Offset'),
    },
    'Axes': {'Reference Frame', 'Length', 'Radius'},
    'MarkerArray': {'Topic', 'Namespaces'},
    'Image': {'Topic', 'Normalize Range', 'Min Value', 'Max Value', 'Median window'},
}
TOOLS = {'Interact', 'MoveCamera', 'Select', 'FocusCamera', 'Measure'}
RCL = {'/rosout', '/parameter_events', '/pose_action/transition_event'}  # as in every node
TYPES = {'MarkerArray': 'visualization_msgs/MarkerArray', 'Image': 'sensor_msgs/Image'}


def documented():
    """(topic, type, node, side, reliability, durability, depth) of each row."""
    text = (ROOT / 'docs/ros_interface.md').read_text()
    table = text.partition('### Topics, types and QoS')[2].partition('\n###')[0]
    rows = [line.strip('| ').split(' | ') for line in table.splitlines() if line[:3] == '| `']
    return [[cell.strip('`') for cell in row] for row in rows]


@pytest.fixture(scope='module')
def endpoints(shared_graph, weights):
    """(topic, side, what the graph shows, what the override parameters say) of each."""
    graph = shared_graph
    graph.start('camera_node', width=64, height=48)
    graph.start(
        'pose_action_node',
        **{
            'model.weights': weights,
            'model.backend': 'torch',
            'model.precision': 'float32',
            'use_depth': 'true',
            'person_source': 'roi',
        },
    )
    watch = graph.node
    names = lambda: {name for name, _ in watch.get_topic_names_and_types()}  # noqa: E731
    own = {'/poses', '/roi', '/camera/truth/poses', '/image/compressed'}  # each of one node alone
    graph.wait(lambda: own <= names(), what='both nodes')
    # The node has looked at its publishers once a second, and fits them.
    asked = lambda: [  # noqa: E731
        info.qos_profile.reliability for info in watch.get_subscriptions_info_by_topic('/image')
    ]
    graph.wait(lambda: asked() == [ReliabilityPolicy.RELIABLE], what='reliable delivery')
    found = []
    for topic in names() - RCL:
        for side in ('publisher', 'subscription'):
            infos = getattr(watch, f'get_{side}s_info_by_topic')(topic)
            found += [(topic, side, info) for info in infos if info.node_name != 'peer']
    return [(*endpoint, declared(graph, *endpoint)) for endpoint in found]


def declared(graph, topic, side, info):
    """Depth, which middlewares keep to themselves, and reliability: of the override parameters."""
    names = [f'qos_overrides.{topic}.{side}.{policy}' for policy in ('depth', 'reliability')]
    name = f'/{info.node_name}/get_parameters'
    depth, reliability = graph.call(GetParameters, name, GetParameters.Request(names=names)).values
    return depth.integer_value, ReliabilityPolicy[reliability.string_value.upper()]


def test_the_table_is_what_the_graph_shows(endpoints):
    without = '' if find_vision_msgs() else 'vision_msgs'
    expected = {
        ('/' + topic.lstrip('/'), kind, node, side, RELIABILITY[rely], DURABILITY[dura], depth)
        for topic, kind, node, side, rely, dura, depth in documented()
        if not without or without not in kind
    }
    found = {
        (
            topic,
            info.topic_type.replace('/msg/', '/'),
            info.node_name,
            side,
            reliability,
            info.qos_profile.durability,
            str(depth),
        )
        for topic, side, info, (depth, reliability) in endpoints
    }
    assert found == expected
    for _, side, info, (_, reliability) in endpoints:
        assert side == 'subscription' or info.qos_profile.reliability == reliability


def rviz():
    return yaml.safe_load((ROOT / 'config/demo.rviz').read_text())['Visualization Manager']


def test_rviz_shows_what_the_nodes_publish(endpoints):
    published = {topic: info for topic, side, info, _ in endpoints if side == 'publisher'}
    shown = [display for display in rviz()['Displays'] if 'Topic' in display]
    assert len(shown) == 3
    for display in shown:
        topic, kind = display['Topic'], display['Class'].removeprefix('rviz_default_plugins/')
        info = published[topic['Value']]
        assert info.topic_type.replace('/msg/', '/') == TYPES[kind]
        wanted = QoSProfile(
            depth=topic['Depth'],
            reliability=RELIABILITY[topic['Reliability Policy'].lower()],
            durability=DURABILITY[topic['Durability Policy'].lower()],
        )
        assert check_compatible(info.qos_profile, wanted)[0] != QoSCompatibility.ERROR


def test_rviz_knows_every_class_and_property():
    manager = rviz()
    for display in manager['Displays']:
        library, kind = display['Class'].split('/')
        assert library == 'rviz_default_plugins'
        assert set(display) - {'Class', 'Name', 'Enabled', 'Value'} <= DISPLAYS[kind], kind
        if 'Topic' in display:
            assert set(display['Topic']) == TOPIC
            assert display['Topic']['History Policy'] == 'Keep Last'
    assert {tool['Class'] for tool in manager['Tools']} <= {
        f'rviz_default_plugins/{tool}' for tool in TOOLS
    }
    assert manager['Transformation']['Current']['Class'] == 'rviz_default_plugins/TF'
    assert manager['Global Options']['Fixed Frame'] == 'camera_optical_frame'


def test_rviz_looks_over_the_shoulder_of_the_camera():
    """In the optical frame y is down and z ahead, while the orbit's axis is z."""
    view = rviz()['Views']['Current']
    assert view['Class'] == 'rviz_default_plugins/Orbit'
    assert not view['Invert Z Axis']
    yaw, pitch = view['Yaw'], view['Pitch']
    assert abs(pitch) < math.pi / 2 - 0.001
    away = np.array(
        [math.cos(yaw) * math.cos(pitch), math.sin(yaw) * math.cos(pitch), math.sin(pitch)]
    )
    focus = np.array([view['Focal Point'][axis] for axis in 'XYZ'])
    eye = focus + view['Distance'] * away
    assert eye[2] < 0.0  # behind the camera
    assert -4.0 < eye[1] < 0.0  # above it, not under the ceiling
    up = np.array([0.0, 0.0, 1.0]) - away[2] * away
    assert up[1] / np.linalg.norm(up) < -0.85  # heads are up
