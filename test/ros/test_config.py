"""config/pose_action.yaml and the node's dataclass say the same."""

from pathlib import Path

import pytest
import yaml

pytest.importorskip('rclpy', reason='needs ROS 2')

from pose_action_ros.demo.camera_settings import CameraSettings
from pose_action_ros.demo.view_node import ViewSettings
from pose_action_ros.ros.parameters import settings_parameters
from pose_action_ros.ros.settings import NodeSettings

ROOT = Path(__file__).parents[2]


def flat(mapping, prefix=''):
    for key, value in mapping.items():
        if isinstance(value, dict):
            yield from flat(value, f'{prefix}{key}.')
        else:
            yield f'{prefix}{key}', value


def test_the_parameter_file_holds_the_defaults():
    text = (ROOT / 'config/pose_action.yaml').read_text()
    in_file = dict(flat(yaml.safe_load(text)['/**']['ros__parameters']))
    in_code = {name: value for name, value, _ in settings_parameters(NodeSettings())}
    assert in_file == in_code
    assert [type(in_file[name]) for name in in_code] == [type(v) for v in in_code.values()]


@pytest.mark.parametrize('settings', [NodeSettings(), CameraSettings(), ViewSettings()])
def test_every_parameter_says_what_it_is(settings):
    for name, value, metadata in settings_parameters(settings):
        assert metadata['help'].endswith('.'), name
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            assert metadata['min'] <= value <= metadata['max'], name


def test_every_parameter_is_in_the_documentation():
    text = (ROOT / 'docs/ros_interface.md').read_text()
    for name, _, _ in settings_parameters(NodeSettings()):
        assert f'`{name}`' in text, name
