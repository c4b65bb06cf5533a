"""The documented topics are those of the graph, and the files of RViz and Foxglove fit them."""

import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip('rclpy', reason='needs ROS 2')

from rcl_interfaces.srv import GetParameters
from rclpy.qos import DurabilityPolicy, QoSCompatibility, QoSProfile, ReliabilityPolicy
from rclpy.qos import qos_check_compatible as check_compatible

from pose_action_ros.core.actions import SIMULATED_ACTIONS
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.demo.camera_settings import CameraSettings
from pose_action_ros.ros.message_types import find_messages
from pose_action_ros.simulation.scene import SimulatedFilm

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
    # Each is of one node alone; the skeleton comes once the network is loaded.
    own = {'/pose_action/skeleton', '/roi', '/camera/truth/poses', '/image/compressed'}
    graph.wait(lambda: own <= names(), what='both nodes')
    # The node has looked at its publishers once a second, and fits them.
    asked = lambda: [  # noqa: E731
        info.qos_profile.reliability for info in watch.get_subscriptions_info_by_topic('/image')
    ]
    graph.wait(lambda: asked() == [ReliabilityPolicy.RELIABLE], what='reliable delivery')

    def found():
        return [
            (topic, side, info)
            for topic in names() - RCL
            for side in ('publisher', 'subscription')
            for info in getattr(watch, f'get_{side}s_info_by_topic')(topic)
            if info.node_name != 'peer'
        ]

    # An endpoint may be discovered before the node that it belongs to.
    known = lambda: all('UNKNOWN' not in info.node_name for _, _, info in found())  # noqa: E731
    graph.wait(known, what='names of all nodes')
    return [(*endpoint, declared(graph, *endpoint)) for endpoint in found()]


def declared(graph, topic, side, info):
    """Depth, which middlewares keep to themselves, and reliability: of the override parameters."""
    names = [f'qos_overrides.{topic}.{side}.{policy}' for policy in ('depth', 'reliability')]
    name = f'/{info.node_name}/get_parameters'
    depth, reliability = graph.call(GetParameters, name, GetParameters.Request(names=names)).values
    return depth.integer_value, ReliabilityPolicy[reliability.string_value.upper()]


def test_the_table_is_what_the_graph_shows(endpoints):
    without = {name for name in ('vision_msgs', 'tf2_msgs') if find_messages(name) is None}
    expected = {
        ('/' + topic.lstrip('/'), kind, node, side, RELIABILITY[rely], DURABILITY[dura], depth)
        for topic, kind, node, side, rely, dura, depth in documented()
        if kind.partition('/')[0] not in without
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
    assert len(shown) == 2
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
    assert manager['Global Options']['Fixed Frame'] == CameraSettings().world_frame_id


def test_rviz_draws_the_newest_markers_alone():
    (markers,) = (d for d in rviz()['Displays'] if d['Class'].endswith('/MarkerArray'))
    assert markers['Topic']['Depth'] == 1  # each message is the whole frame


def test_rviz_draws_the_ground_where_the_feet_are():
    (ground,) = (d for d in rviz()['Displays'] if d['Class'].endswith('/Grid'))
    film = SimulatedFilm(seed=CameraSettings().seed, width=64, height=48)
    ankles = [PA17J.index(f'{side}_ankle') for side in ('right', 'left')]
    heights = [
        film.placement[2] @ np.append(film.frame(second).joints_camera_m[ankle], 1.0)
        for second in np.arange(0.5, 10.0, 0.5)
        for ankle in ankles
    ]
    assert ground['Plane'] == 'XY'
    assert ground['Offset']['Z'] == 0.0
    assert 0.03 < np.min(heights) < 0.13  # an ankle above its sole


def test_rviz_opens_with_one_large_image():
    text = yaml.safe_load((ROOT / 'config/demo.rviz').read_text())
    manager, window = text['Visualization Manager'], text['Window Geometry']
    (image,) = (d for d in manager['Displays'] if d['Class'].endswith('/Image'))
    panels = {image['Name'], *(panel['Name'] for panel in text['Panels'])}
    state = bytes.fromhex(window['QMainWindow State'])
    docks, areas = docks_of(state)
    assert set(docks) == panels
    assert docks[image['Name']] >= 480
    assert areas == 1
    assert all(window[name] == {'collapsed': False} for name in panels)


def docks_of(state):
    """Widths of the docks by name, and the number of areas, from what Qt's saveState writes.

    A dock is 0xfb, its name (length in bytes, UTF-16), flags, and position and size in its area;
    areas begin with 0xfd, their number, and for the first its place and width.
    """
    start = state.index(b'\x00\x00\x00\xfd') + 4
    areas, _, width, _ = struct.unpack_from('>iiii', state, start)
    names, at = [], start
    while (at := state.find(b'\xfb', at)) != -1:
        (length,) = struct.unpack_from('>I', state, at + 1)
        names.append(state[at + 5 : at + 5 + length].decode('utf-16-be'))
        at += 5 + length
    return dict.fromkeys(names, width), areas


def test_rviz_looks_over_the_shoulder_of_the_camera():
    """In the world x is ahead and z up, about which the orbit turns."""
    view = rviz()['Views']['Current']
    assert view['Class'] == 'rviz_default_plugins/Orbit'
    assert not view['Invert Z Axis']
    yaw, pitch = view['Yaw'], view['Pitch']
    assert 0.0 < pitch < 0.6
    away = np.array(
        [math.cos(yaw) * math.cos(pitch), math.sin(yaw) * math.cos(pitch), math.sin(pitch)]
    )
    focus = np.array([view['Focal Point'][axis] for axis in 'XYZ'])
    eye = focus + view['Distance'] * away
    assert 1.5 < eye[2] < 2.5  # above the camera, not under the ceiling
    actor = SimulatedFilm(seed=CameraSettings().seed, width=64, height=48)
    pelvis = actor.placement @ np.append(actor.frame(1.0).joints_camera_m[0], 1.0)
    assert eye[0] < pelvis[0] - 2.0  # on the camera's side of the actor
    to_focus, to_pelvis = focus - eye, pelvis - eye
    angle = np.arccos(to_focus @ to_pelvis / np.linalg.norm(to_focus) / np.linalg.norm(to_pelvis))
    assert np.degrees(angle) < 15.0  # the actor is in the middle
    assert np.linalg.norm(to_pelvis) < 6.0  # and large


def foxglove():
    return json.loads((ROOT / 'config/demo_foxglove.json').read_text())


def test_foxglove_shows_what_the_nodes_publish(endpoints):
    panels = foxglove()['configById']
    published = {topic for topic, side, *_ in endpoints if side == 'publisher'}
    image = panels['Image!image']['imageMode']
    plotted = {path['value'].partition('.')[0] for path in panels['Plot!scores']['paths']}
    assert {
        *(image['imageTopic'], image['calibrationTopic']),
        *panels['3D!pose']['topics'],
        *plotted,
        panels['DiagnosticSummary!health']['topicToRender'],
    } <= published
    assert panels['3D!pose']['followTf'] == CameraSettings().world_frame_id


def test_foxglove_names_the_scores_and_places_every_panel():
    layout = foxglove()
    paths = layout['configById']['Plot!scores']['paths']
    assert [path['label'] for path in paths] == list(SIMULATED_ACTIONS)
    numbers = [int(path['value'].partition('[')[2].rstrip(']')) for path in paths]
    assert numbers == list(range(len(SIMULATED_ACTIONS)))

    def leaves(part):
        return [part] if isinstance(part, str) else leaves(part['first']) + leaves(part['second'])

    assert sorted(leaves(layout['layout'])) == sorted(layout['configById'])
