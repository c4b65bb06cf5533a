"""The launch files, where launch_ros is installed: which nodes, where, with what."""

import runpy
from pathlib import Path

import pytest

pytest.importorskip('launch_ros', reason='needs launch_ros, which no wheel carries')

from launch import LaunchContext, LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions
from launch_ros.actions import Node

LAUNCH = Path(__file__).parents[2] / 'launch'


def nodes_of(file, **arguments):
    """(namespace, executable) of every node that a launch file starts."""
    context = LaunchContext()
    found = []
    entities = [
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(str(LAUNCH / file)),
            launch_arguments=list(arguments.items()),
        )
    ]
    while entities:
        entity = entities.pop(0)
        if isinstance(entity, Node):
            if entity.condition is None or entity.condition.evaluate(context):
                entity._perform_substitutions(context)
                name = normalize_to_list_of_substitutions(entity.node_executable)
                executable = perform_substitutions(context, name)
                found.append((entity.expanded_node_namespace, executable))
            continue
        if isinstance(entity, LaunchDescription):
            entities = [*entity.entities, *entities]
            continue
        entities = [*(entity.visit(context) or []), *entities]
    return found


def test_one_node_unless_there_are_several_cameras():
    assert [executable for _, executable in nodes_of('pose_action.launch.py')] == [
        'pose_action_node'
    ]
    nodes = nodes_of('pose_action.launch.py', namespace='robot', cameras='left, right')
    assert [namespace for namespace, _ in nodes] == ['/robot/left', '/robot/right']


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


def test_the_demo_has_a_camera():
    nodes = nodes_of('demo.launch.py', rviz='false')
    assert [executable for _, executable in nodes] == ['camera_node', 'pose_action_node']


def test_the_page_is_there_where_it_is_asked_for():
    nodes = nodes_of('demo.launch.py', rviz='false', view='true')
    assert [name for _, name in nodes] == ['camera_node', 'pose_action_node', 'view_node']
    nodes = nodes_of('pose_action.launch.py', cameras='left,right', view='true')
    assert ('/right', 'view_node') in nodes
