"""The node alone, or one node a camera, for inclusion in a robot's own launch file."""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = {
    'image': ('image', 'Topic of the camera image (sensor_msgs/Image), relative or absolute.'),
    'camera_info': ('', 'Topic of its CameraInfo; empty: beside the image.'),
    'namespace': ('', 'Namespace of the node and its topics.'),
    'cameras': (
        '',
        'Several cameras, as "left,right": a node in each of these namespaces; image and '
        'camera_info are then relative, so that left/image is seen by left/pose_action.',
    ),
    'params_file': (
        PathJoinSubstitution([FindPackageShare('pose_action_ros'), 'config', 'pose_action.yaml']),
        'YAML file with parameters of the node.',
    ),
}
RELIABILITY = (
    '"reliable" asks again for images that get lost on the way, and hears reliable publishers '
    'alone; "best_effort" hears all; empty: as in the params file, which is reliable where every '
    'publisher is, by default.'
)
# Argument -> parameter: an argument that is left empty leaves the parameter to the params file.
OVERRIDES = {
    'weights': (
        'model.weights',
        'Weights: "people", "demo", a .safetensors file, a fetched preset (mpii, h36m, '
        'penn_action, ntu), or "untrained:PRESET"; empty: as in the params file.',
    ),
    'device': (
        'model.device',
        '"auto", "cpu", "cuda" or "cuda:N"; empty: as in the params file.',
    ),
    'autostart': (
        'autostart',
        'Configure and activate at start; "false" leaves it to a lifecycle manager; empty: as in '
        'the params file.',
    ),
    'use_sim_time': (
        'use_sim_time',
        'Take the time from /clock, for bags and simulators; empty: as in the params file.',
    ),
}


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the nodes."""
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()
    ]
    overrides = [
        DeclareLaunchArgument(name, default_value='', description=description)
        for name, (_, description) in OVERRIDES.items()
    ]
    reliability = DeclareLaunchArgument(
        'image_reliability',
        default_value='',
        choices=['', 'reliable', 'best_effort'],
        description=RELIABILITY,
    )
    view = DeclareLaunchArgument(
        'view',
        default_value='false',
        choices=['true', 'false'],
        description='Show image, pose and scores on a page in the browser; needs rerun-sdk, the '
        'extra `view`.',
    )
    return LaunchDescription(
        [*arguments, *overrides, reliability, view, OpaqueFunction(function=start_nodes)]
    )


def start_nodes(context: LaunchContext) -> list[Node]:
    """Start a node in each namespace, with those overrides that were given, and its page."""
    given = {
        parameter: LaunchConfiguration(name)
        for name, (parameter, _) in OVERRIDES.items()
        if LaunchConfiguration(name).perform(context)
    }
    namespace = LaunchConfiguration('namespace').perform(context)
    cameras = LaunchConfiguration('cameras').perform(context).replace(',', ' ').split()
    namespaces = ['/'.join(filter(None, (namespace.rstrip('/'), c))) for c in cameras or ['']]
    image = LaunchConfiguration('image').perform(context)
    reliability = LaunchConfiguration('image_reliability').perform(context)
    remappings = [
        (name, LaunchConfiguration(name))
        for name in ('image', 'camera_info')
        if LaunchConfiguration(name).perform(context)
    ]
    nodes: list[Node] = [
        LifecycleNode(
            package='pose_action_ros',
            executable='pose_action_node',
            name='pose_action',
            namespace=namespace,
            output='screen',
            parameters=[
                LaunchConfiguration('params_file'),
                given,
                image_qos(namespace, image, reliability),
            ],
            remappings=remappings,
        )
        for namespace in namespaces
    ]
    if LaunchConfiguration('view').perform(context) == 'true':
        nodes += [
            Node(
                package='pose_action_ros',
                executable='view_node',
                name='view',
                namespace=namespace,
                output='screen',
                remappings=remappings,
            )
            for namespace in namespaces
        ]
    return nodes


def image_qos(namespace: str, image: str, reliability: str) -> dict[str, str]:
    """Return the QoS override of the image as it is subscribed to, raw or compressed."""
    if not reliability:
        return {}
    parts = image.split('/') if image.startswith('/') else [*namespace.split('/'), image]
    topic = '/' + '/'.join(filter(None, parts))
    return {
        f'qos_overrides.{name}.subscription.reliability': reliability
        for name in (topic, f'{topic}/compressed')
    }
