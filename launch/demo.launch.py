"""Camera, node and RViz on one machine: no camera, GPU or download is needed."""

import os
import shutil

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
)
from launch.conditions import IfCondition
from launch.event_handlers import OnProcessExit, OnProcessIO
from launch.events.process import ProcessExited, ProcessIO
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.logging import get_logger
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare
from launch_ros.utilities import make_namespace_absolute, prefix_namespace

# Parameter groups, as in pose_action.launch.py.
GROUPS = ('clip', 'time', 'track', 'find', 'smooth', 'body', 'detections', 'model', 'viz')
# Topics of config/demo.rviz, which has them in the root namespace.
SHOWN = ('/markers', '/pose_action/debug_image')


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start what they ask for."""
    has_display = bool(os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY'))
    arguments = [
        DeclareLaunchArgument(
            'source',
            default_value='synthetic',
            description='Image source: "synthetic" (the simulated actor), a video file, a '
            'folder of images, or a device number.',
        ),
        DeclareLaunchArgument(
            'weights',
            default_value='people',
            description='Weights: "people", "demo", a .safetensors file, a fetched preset (mpii, '
            'h36m, penn_action, ntu), or "untrained:PRESET".',
        ),
        DeclareLaunchArgument(
            'device', default_value='auto', description='"auto", "cpu", "cuda" or "cuda:N".'
        ),
        DeclareLaunchArgument(
            'namespace', default_value='', description='Namespace of both nodes and their topics.'
        ),
        DeclareLaunchArgument(
            'rviz',
            default_value=str(has_display and shutil.which('rviz2') is not None).lower(),
            choices=['true', 'false'],
            description='Open RViz; by default if a display and rviz2 are present.',
        ),
        DeclareLaunchArgument(
            'view',
            default_value='false',
            choices=['true', 'false'],
            description='Show it on a page in the browser; needs rerun-sdk, the extra `view`.',
        ),
    ]
    return LaunchDescription([*arguments, *end_with_the_nodes(), OpaqueFunction(function=start)])


def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Start camera, node and RViz.

    The arguments of the included launch file are set here, one and all: on the command line they
    would reach the node and not the camera. Nothing in a function is listed by `-s`.
    """
    share = FindPackageShare('pose_action_ros')
    namespace = LaunchConfiguration('namespace').perform(context)
    # Random weights are never sure of a person, so "find" would find nobody.
    is_untrained = LaunchConfiguration('weights').perform(context).startswith('untrained:')
    camera = Node(
        package='pose_action_ros',
        executable='camera_node',
        name='camera',
        namespace=namespace,
        output='screen',
        # A device number must stay a string.
        parameters=[{'source': ParameterValue(LaunchConfiguration('source'), value_type=str)}],
    )
    node = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(
            PathJoinSubstitution([share, 'launch', 'pose_action.launch.py'])
        ),
        launch_arguments={
            'weights': LaunchConfiguration('weights'),
            'device': LaunchConfiguration('device'),
            'namespace': namespace,
            'image': 'image',
            'camera_info': '',
            'depth': '',
            'detections': '',
            'roi': '',
            'cameras': '',
            'person_source': 'track' if is_untrained else 'find',
            'params_file': PathJoinSubstitution([share, 'config', 'pose_action.yaml']),
            'autostart': '',
            'use_sim_time': '',
            'respawn': 'false',
            **{f'{group}_file': '' for group in GROUPS},
            'image_reliability': '',
            'view': LaunchConfiguration('view'),
        }.items(),
    )
    outer = context.launch_configurations.get('ros_namespace')
    prefix = (make_namespace_absolute(prefix_namespace(outer, namespace)) or '').rstrip('/')
    rviz = Node(
        package='rviz2',
        executable='rviz2',
        arguments=['-d', PathJoinSubstitution([share, 'config', 'demo.rviz'])],
        remappings=[(topic, prefix + topic) for topic in SHOWN] if prefix else [],
        condition=IfCondition(LaunchConfiguration('rviz')),
    )
    return [camera, node, rviz]


def end_with_the_nodes() -> list[RegisterEventHandler]:
    """End the demo when camera or node ends, with the last line that it logged."""
    last_line: dict[str, str] = {}

    def keep(event: ProcessIO) -> None:
        lines = event.text.decode(errors='replace').strip().splitlines()
        if lines:
            last_line[event.process_name] = lines[-1].rpartition(']: ')[2]

    def end(event: ProcessExited, context: LaunchContext) -> list[Shutdown]:
        name = event.process_name
        if context.is_shutdown or not name.startswith(('camera_node', 'pose_action_node')):
            return []
        line = last_line.get(name, 'it logged nothing')
        reason = f'{name} has ended with exit status {event.returncode}: {line}'
        get_logger('demo').error(f'the demo ends: {reason}')
        return [Shutdown(reason=reason)]

    return [
        RegisterEventHandler(OnProcessIO(on_stderr=keep)),
        RegisterEventHandler(OnProcessExit(on_exit=end)),
    ]
