"""Camera, node and RViz on one machine: no camera, GPU or download is needed."""

import os
import shutil

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start what they ask for."""
    share = FindPackageShare('pose_action_ros')
    has_display = bool(os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY'))
    arguments = [
        DeclareLaunchArgument(
            'source',
            default_value='synthetic',
            description='What is filmed: "synthetic" (the simulated actor), a video file, a '
            'folder of images, or a device number.',
        ),
        DeclareLaunchArgument(
            'weights',
            default_value='demo',
            description='Weights: a .safetensors file, "demo", a fetched preset (mpii, h36m, '
            'penn_action, ntu), or "untrained:PRESET".',
        ),
        DeclareLaunchArgument(
            'device', default_value='auto', description='"auto", "cpu", "cuda" or "cuda:N".'
        ),
        DeclareLaunchArgument(
            'rviz',
            default_value=str(has_display and shutil.which('rviz2') is not None).lower(),
            choices=['true', 'false'],
            description='Show it in RViz; by default where a display and rviz2 are present.',
        ),
        DeclareLaunchArgument(
            'view',
            default_value='false',
            choices=['true', 'false'],
            description='Show it on a page in the browser; needs rerun-sdk, the extra `view`.',
        ),
    ]
    camera = Node(
        package='pose_action_ros',
        executable='camera_node',
        name='camera',
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
            'view': LaunchConfiguration('view'),
        }.items(),
    )
    rviz = Node(
        package='rviz2',
        executable='rviz2',
        arguments=['-d', PathJoinSubstitution([share, 'config', 'demo.rviz'])],
        condition=IfCondition(LaunchConfiguration('rviz')),
    )
    return LaunchDescription([*arguments, camera, node, rviz])
