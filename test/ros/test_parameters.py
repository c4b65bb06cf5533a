"""Parameters that are given at the start, with the types that people and YAML give them."""

import pytest

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')
pytestmark = pytest.mark.ros

from rclpy.exceptions import ParameterNotDeclaredException  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402

from pose_action_ros.core.errors import ConfigError  # noqa: E402
from pose_action_ros.demo.camera_settings import CameraSettings  # noqa: E402
from pose_action_ros.ros.parameters import (  # noqa: E402
    check_settings,
    declare_settings,
    numbers_as_declared,
    read_settings,
)
from pose_action_ros.ros.settings import NodeSettings  # noqa: E402


@pytest.fixture
def settings_of():
    """Settings of a node that is started with `-p name:=value`."""
    nodes, context = [], rclpy.Context()
    rclpy.init(context=context)

    def read(settings, *given):
        arguments = ['--ros-args', *(word for pair in given for word in ('-p', pair))]
        nodes.append(Node('node', context=context, cli_args=arguments))
        declare_settings(nodes[-1], settings)
        return read_settings(nodes[-1], type(settings))

    yield read
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown(context=context)


def test_every_type_arrives_as_what_it_is(settings_of):
    given = ('track.enlarge:=2', 'clip.frames:=8', 'use_depth:=true', 'body.height:=1.5')
    settings = settings_of(NodeSettings(), *given)
    enlarge, frames = settings.track.enlarge, settings.clip.frames
    assert (enlarge, type(enlarge)) == (2.0, float)
    assert (frames, type(frames)) == (8, int)
    assert settings.use_depth is True
    assert settings.body.height == 1.5
    assert settings.model.weights == 'people'


def test_a_device_number_is_a_text(settings_of):
    assert settings_of(CameraSettings(), 'source:=0').source == '0'


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ('use_depth:=3', "use_depth.*'3' of type 'INTEGER'"),
        ('clip.frames:=8.5', "clip.frames.*'DOUBLE'"),
        ('track.enlarge:=9', 'track.enlarge.*out of range'),
        ('track.enlarge:=wide', 'track.enlarge'),
        ('image_transport:=pigeon', 'one of raw, compressed'),
        ('clip.frames:=2', 'expected 0 or 4'),
    ],
)
def test_what_is_wrong_is_said(settings_of, given, message):
    with pytest.raises(ConfigError, match=message):
        settings_of(NodeSettings(), given)


@pytest.fixture
def node():
    context = rclpy.Context()
    rclpy.init(context=context)
    node = Node('node', context=context)
    declare_settings(node, NodeSettings())
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_a_name_that_the_node_lacks_is_in_the_answer(node):
    node.add_pre_set_parameters_callback(lambda changes: numbers_as_declared(node, changes))
    changes = [Parameter('body.height', value=2), Parameter('body.hight', value=1.6)]
    with pytest.raises(ParameterNotDeclaredException, match=r"\['body.hight'\]"):
        node.set_parameters_atomically(changes)
    assert node.get_parameter('body.height').value == NodeSettings().body.height
    assert node.set_parameters_atomically(changes[:1]).successful
    assert node.get_parameter('body.height').value == 2.0


@pytest.mark.parametrize('state', ['active', 'configuring'])
def test_a_refusal_names_the_state(node, state):
    changes = [Parameter('use_depth', value=True)]
    refused = check_settings(node, NodeSettings, changes, in_use=NodeSettings(), state=state)
    assert refused.reason == (
        f'use_depth takes effect at configure, and the node is {state}; clean it up first'
    )


def test_while_in_use_the_value_of_configure_may_be_set_again(node):
    """It was changed while the node was inactive, which is undone while it is active."""
    in_use = NodeSettings()
    node.set_parameters([Parameter('use_depth', value=True)])

    def check(value, **others):
        changes = [Parameter('use_depth', value=value)]
        changes += [Parameter(name, value=other) for name, other in others.items()]
        return check_settings(node, NodeSettings, changes, in_use=in_use)

    assert check(False).successful
    assert check(True).successful
    refused = check(False, image_infrared=True)
    assert not refused.successful
    assert refused.reason.startswith('image_infrared takes effect at configure')
