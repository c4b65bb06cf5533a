"""A parameter or a parameter file that has no effect is named in the log."""

import pytest

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')
pytestmark = pytest.mark.ros

from rclpy.node import Node  # noqa: E402

from pose_action_ros.ros import unused_parameters as unused  # noqa: E402
from pose_action_ros.ros.parameters import declare_settings, read_settings  # noqa: E402
from pose_action_ros.ros.settings import NodeSettings  # noqa: E402


@pytest.fixture
def start(monkeypatch):
    """Start a node as its executable does; return it and what it logged as warnings."""
    nodes, context = [], rclpy.Context()
    rclpy.init(context=context)

    def start_node(namespace, *arguments):
        monkeypatch.setattr('sys.argv', ['pose_action_node', '--ros-args', *arguments])
        node = Node(
            'pose_action',
            namespace=namespace,
            context=context,
            cli_args=['--ros-args', *arguments],
        )
        nodes.append(node)
        logged = []
        logger = type('Logger', (), {'warning': staticmethod(logged.append)})()
        monkeypatch.setattr(node, 'get_logger', lambda: logger)
        declare_settings(node, NodeSettings())
        return node, logged

    yield start_node
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown(context=context)


def write(path, text):
    path.write_text(text)
    return str(path)


def test_nothing_is_said_of_what_has_an_effect(start):
    given = ('body.height:=1.5', 'use_sim_time:=false', 'qos_overrides./image.subscription.x:=a')
    _, logged = start('', *(word for pair in given for word in ('-p', pair)))
    assert logged == []


def test_a_slip_is_named_with_the_parameter_that_was_meant(start, tmp_path):
    text = '/**: {ros__parameters: {body: {heigth: 1.5}, colour: red}}'
    _, logged = start('', '--params-file', write(tmp_path / 'robot.yaml', text))
    assert len(logged) == 2
    assert 'parameter body.heigth is ignored' in logged[0]
    assert 'did you mean body.height?' in logged[0]
    assert 'parameter colour is ignored' in logged[1]


def test_a_file_for_other_nodes_is_named_with_its_keys(start, tmp_path):
    text = 'pose_action_node: {ros__parameters: {body.height: 1.5}}'
    file = write(tmp_path / 'robot.yaml', text)
    _, logged = start('robot', '--params-file', file)
    assert len(logged) == 1
    assert f'{file} is ignored' in logged[0]
    assert '/pose_action_node' in logged[0]
    assert '/robot/pose_action' in logged[0]


KEYS = ['/**', '/*', '/**/pose_action', '/*/pose_action', 'pose_action', '/left/pose_action']
KEYS += ['left/pose_action', '/left/*', '/left/**', '/robot/**', '/**/left/pose_action', '/camera']


@pytest.mark.parametrize('namespace', ['', 'left', 'robot/left'])
def test_keys_fit_as_in_rcl(start, tmp_path, namespace):
    files, words = {}, []
    for number, key in enumerate(KEYS):
        text = f'{key}: {{ros__parameters: {{given_{number}: 1}}}}'
        files[number] = write(tmp_path / f'{number}.yaml', text)
        words += ['--params-file', files[number]]
    _, logged = start(namespace, *words)
    for number, key in enumerate(KEYS):
        has_effect = any(f'parameter given_{number} ' in line for line in logged)
        is_unused = any(f'file {files[number]} is ignored' in line for line in logged)
        assert has_effect != is_unused, key


def test_nested_keys(start, tmp_path):
    text = 'robot: {left: {pose_action: {ros__parameters: {body.height: 1.5}}}}'
    node, logged = start('robot/left', '--params-file', write(tmp_path / 'robot.yaml', text))
    assert node.get_parameter('body.height').value == 1.5
    assert logged == []


def test_two_cameras_share_one_file(start, tmp_path):
    text = """
/**: {ros__parameters: {body: {height: 1.5}}}
/left/pose_action: {ros__parameters: {use_depth: true}}
/right/pose_action: {ros__parameters: {clip: {max_gap: 1.0}}}
"""
    file = write(tmp_path / 'robot.yaml', text)
    left, logged = start('left', '--params-file', file)
    assert logged == []
    left = read_settings(left, NodeSettings)
    right, logged = start('right', '--params-file', file)
    assert logged == []
    right = read_settings(right, NodeSettings)
    assert (left.body.height, left.use_depth, left.clip.max_gap) == (1.5, True, 0.5)
    assert (right.body.height, right.use_depth, right.clip.max_gap) == (1.5, False, 1.0)


def test_an_empty_file_is_no_fault(tmp_path):
    file = write(tmp_path / 'robot.yaml', '# nothing yet\n')
    assert unused.unused_files('/pose_action', ['--ros-args', '--params-file', file]) == []
