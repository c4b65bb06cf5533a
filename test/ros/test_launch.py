"""The launch files, where launch_ros is installed: which nodes, where, with what."""

import re
import runpy
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
import yaml

pytest.importorskip('launch_ros', reason='needs launch_ros, which no wheel carries')

from launch import LaunchContext, LaunchDescription
from launch.actions import IncludeLaunchDescription, SetLaunchConfiguration
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import Node, PushRosNamespace

from pose_action_ros.ros.settings import NodeSettings

LAUNCH = Path(__file__).parents[2] / 'launch'
TOPICS = ('image', 'camera_info', 'depth', 'detections', 'roi')


def nodes_of(file, *, before=(), **arguments):
    """Return every node that a launch file starts, with its substitutions performed."""
    context = LaunchContext()
    found = []
    entities = [
        *before,
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(str(LAUNCH / file)),
            launch_arguments=list(arguments.items()),
        ),
    ]
    while entities:
        entity = entities.pop(0)
        if isinstance(entity, Node):
            if entity.condition is None or entity.condition.evaluate(context):
                entity._perform_substitutions(context)
                found.append(entity)
            continue
        if isinstance(entity, LaunchDescription):
            entities = [*entity.entities, *entities]
            continue
        entities = [*(entity.visit(context) or []), *entities]
    return found


def executables(nodes):
    return [node.node_executable for node in nodes]


def namespaces(nodes):
    return [node.expanded_node_namespace for node in nodes]


def test_one_node_unless_there_are_several_cameras():
    assert executables(nodes_of('pose_action.launch.py')) == ['pose_action_node']
    nodes = nodes_of('pose_action.launch.py', namespace='robot', cameras='left, right')
    assert namespaces(nodes) == ['/robot/left', '/robot/right']


def test_several_cameras_can_not_share_one_image():
    with pytest.raises(ValueError, match='image:=image_raw'):
        nodes_of('pose_action.launch.py', cameras='left,right', image='/front/image_raw')


def test_a_pushed_namespace_is_part_of_the_name_of_the_image(tmp_path):
    (node,) = nodes_of(
        'pose_action.launch.py',
        before=[PushRosNamespace('robot')],
        namespace='left',
        image_reliability='reliable',
    )
    assert node.expanded_node_namespace == '/robot/left'
    values = {}
    for path, is_file in node._Node__expanded_parameter_arguments:
        values |= yaml.safe_load(Path(path).read_text()) if is_file else {}
    assert 'qos_overrides./robot/left/image.subscription.reliability' in str(values)


def test_images_are_asked_for_again_under_the_name_that_they_are_subscribed_to():
    image_qos = runpy.run_path(str(LAUNCH / 'pose_action.launch.py'))['image_qos']
    assert image_qos('robot/left', 'image', '') == {}
    for namespace, image, topic in (
        ('', 'image', '/image'),
        ('/', 'image', '/image'),
        ('/robot/left', 'rgb/image', '/robot/left/rgb/image'),
        ('robot/left', '/front/rgb', '/front/rgb'),
    ):
        assert image_qos(namespace, image, 'reliable') == {
            f'qos_overrides.{topic}.subscription.reliability': 'reliable',
            f'qos_overrides.{topic}/compressed.subscription.reliability': 'reliable',
        }


def test_the_topics_of_all_inputs_are_passed_on():
    topics = {name: f'/robot/{name}_here' for name in TOPICS}
    (node,) = nodes_of('pose_action.launch.py', **topics)
    assert dict(node.expanded_remapping_rules) == topics
    (node,) = nodes_of('pose_action.launch.py')
    assert dict(node.expanded_remapping_rules) == {'image': 'image'}


def test_every_group_of_parameters_may_have_its_file(tmp_path):
    groups = runpy.run_path(str(LAUNCH / 'pose_action.launch.py'))['GROUPS']
    settings = fields(NodeSettings)
    assert set(groups) == {
        f.name for f in settings if is_dataclass(getattr(NodeSettings(), f.name))
    }
    files = {}
    for group in groups:
        files[f'{group}_file'] = str(tmp_path / f'{group}.yaml')
        (tmp_path / f'{group}.yaml').write_text('/**:\n  ros__parameters: {}\n')
    (node,) = nodes_of('pose_action.launch.py', **files)
    given = [str(path) for path, is_file in node._Node__expanded_parameter_arguments if is_file]
    assert given[1 : 1 + len(groups)] == list(files.values())  # after params_file, whom they beat


def test_a_node_may_be_started_again():
    asked = [('true', True), ('false', False)]
    for word, expected in asked:
        (node,) = nodes_of('pose_action.launch.py', respawn=word)
        assert node._ExecuteLocal__respawn is expected
    (node,) = nodes_of('pose_action.launch.py')
    assert node._ExecuteLocal__respawn is False


def test_the_demo_sets_every_argument_of_the_node():
    source = PythonLaunchDescriptionSource(str(LAUNCH / 'pose_action.launch.py'))
    known = source.get_launch_description(LaunchContext()).get_launch_arguments()
    start = runpy.run_path(str(LAUNCH / 'demo.launch.py'))['start']
    context = LaunchContext()
    context.launch_configurations.update({'namespace': '', 'weights': 'people'})
    (included,) = [e for e in start(context) if isinstance(e, IncludeLaunchDescription)]
    assert {name for name, _ in included.launch_arguments} == {a.name for a in known}


def test_the_demo_has_a_camera():
    nodes = nodes_of('demo.launch.py', rviz='false')
    assert executables(nodes) == ['camera_node', 'pose_action_node']


@pytest.mark.parametrize(
    ('weights', 'source'), [('people', 'find'), ('untrained:compact', 'track')]
)
def test_the_demo_finds_several_people_with_trained_weights(weights, source):
    _, node = nodes_of('demo.launch.py', rviz='false', weights=weights)
    given = ''
    for path, is_file in node._Node__expanded_parameter_arguments:  # the later one wins
        values = yaml.safe_load(Path(path).read_text()) if is_file else {}
        for parameters in values.values():
            given = parameters['ros__parameters'].get('person_source', given)
    assert given == source


def test_the_page_is_there_if_it_is_asked_for():
    nodes = nodes_of('demo.launch.py', rviz='false', view='true')
    assert executables(nodes) == ['camera_node', 'pose_action_node', 'view_node']
    nodes = nodes_of('pose_action.launch.py', cameras='left,right', view='true')
    assert ('/right', 'view_node') in zip(namespaces(nodes), executables(nodes), strict=True)


def test_a_namespace_moves_all_of_the_demo():
    nodes = nodes_of('demo.launch.py', rviz='true', namespace='robot')
    camera, node, rviz = nodes
    assert executables(nodes) == ['camera_node', 'pose_action_node', 'rviz2']
    assert namespaces([camera, node]) == ['/robot', '/robot']
    shown = set(re.findall(r'Value: (/\S+)', (LAUNCH.parent / 'config/demo.rviz').read_text()))
    assert dict(rviz.expanded_remapping_rules) == {topic: f'/robot{topic}' for topic in shown}


def test_arguments_of_the_node_alone_can_not_part_it_from_the_camera():
    pushed = [SetLaunchConfiguration('image', 'front'), SetLaunchConfiguration('cameras', 'a,b')]
    camera, node = nodes_of('demo.launch.py', before=pushed, rviz='false')
    assert namespaces([camera, node]) == namespaces([camera]) * 2
    assert ('image', 'image') in node.expanded_remapping_rules


def test_the_demo_lists_what_it_takes_and_nothing_else():
    source = PythonLaunchDescriptionSource(str(LAUNCH / 'demo.launch.py'))
    listed = source.get_launch_description(LaunchContext()).get_launch_arguments()
    assert [argument.name for argument in listed] == [
        *('source', 'weights', 'device', 'namespace', 'rviz', 'view')
    ]


_RUN = """
import sys
from launch import LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

service = LaunchService()
source = PythonLaunchDescriptionSource(sys.argv[1])
arguments = [('source', sys.argv[2]), ('rviz', 'false')]
service.include_launch_description(IncludeLaunchDescription(source, launch_arguments=arguments))
service.run()
"""


def test_a_camera_that_does_not_open_ends_the_demo_with_its_reason():
    arguments = [sys.executable, '-c', _RUN, LAUNCH / 'demo.launch.py', 'no_such_film.mp4']
    done = subprocess.run(  # returns only when the whole demo has ended
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
    )
    reason = "exit status 1: camera source 'no_such_film.mp4' is neither"
    assert f'the demo ends: camera_node-1 has ended with {reason}' in done.stdout
