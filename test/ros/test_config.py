"""config/pose_action.yaml and the node's dataclass say the same."""

import json
import re
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


@pytest.mark.parametrize('settings', [NodeSettings(), CameraSettings()])
def test_the_documentation_has_the_text_of_every_parameter(settings):
    lines = (ROOT / 'docs/ros_interface.md').read_text().splitlines()
    for name, value, metadata in settings_parameters(settings):
        start = f'| `{name}` | {json.dumps(value)} | {metadata["help"]}'
        assert any(line.startswith(start) for line in lines), start


def test_the_parameter_file_has_the_text_of_every_parameter():
    text = (ROOT / 'config/pose_action.yaml').read_text()
    comments = ' '.join(re.sub(r'\n *#', '', text).split())
    for name, _, metadata in settings_parameters(NodeSettings()):
        assert metadata['help'] in comments, name
