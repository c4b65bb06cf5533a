"""Parameters that are given at the start, with the types that people and YAML give them."""

import pytest

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')
pytestmark = pytest.mark.ros

from rclpy.node import Node  # noqa: E402

from pose_action_ros.core.errors import ConfigError  # noqa: E402
from pose_action_ros.demo.camera_settings import CameraSettings  # noqa: E402
from pose_action_ros.ros.parameters import declare_settings, read_settings  # noqa: E402
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
