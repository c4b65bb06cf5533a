"""The node alone, or one node a camera, for inclusion in a robot's own launch file."""

from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.substitutions import FindPackageShare
from launch_ros.utilities import prefix_namespace

ARGUMENTS = {
    'image': ('image', 'Topic of the camera image (sensor_msgs/Image), relative or absolute.'),
    'camera_info': ('', 'Topic of its CameraInfo; empty: beside the image.'),
    'depth': ('', 'Topic of depth images, for use_depth; empty: depth.'),
    'detections': ('', "Topic of a detector's boxes, for person_source; empty: detections."),
    'roi': ('', 'Topic of a region of interest, for person_source; empty: roi.'),
    'namespace': ('', 'Namespace of the node and its topics.'),
    'cameras': (
        '',
        'Several cameras, as "left,right": starts a node in each of these namespaces. Keep image '
        'and camera_info relative: left/pose_action then subscribes to left/image.',
    ),
    'params_file': (
        PathJoinSubstitution([FindPackageShare('pose_action_ros'), 'config', 'pose_action.yaml']),
        'YAML file with parameters. All cameras may share one: the key /** is for every node, '
        '/left/pose_action for one; give /** first, because later keys win.',
    ),
}
TOPICS = ('image', 'camera_info', 'depth', 'detections', 'roi')
# Of parameters; each group may have a file of its own, whose values win over params_file.
GROUPS = ('clip', 'time', 'track', 'find', 'smooth', 'body', 'detections', 'model', 'viz')
RELIABILITY = (
    '"reliable": lost images are sent again, and only reliable publishers are received; '
    '"best_effort": every publisher is received; empty: as in the params file, which by default '
    'is reliable if every publisher is.'
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
    'person_source': (
        'person_source',
        'Search for people: "track" (one person), "find" (several), "roi" or "detections"; empty: '
        'as in the params file.',
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
    files = [
        DeclareLaunchArgument(
            f'{group}_file',
            default_value='',
            description=f'YAML file with the parameters {group}.*; empty: as in params_file.',
        )
        for group in GROUPS
    ]
    respawn = DeclareLaunchArgument(
        'respawn',
        default_value='false',
        choices=['true', 'false'],
        description='Start the node again when it ends, two seconds later.',
    )
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
        [
            *arguments,
            *files,
            *overrides,
            reliability,
            respawn,
            view,
            OpaqueFunction(function=start_nodes),
        ]
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
    outer = context.launch_configurations.get('ros_namespace')  # of PushRosNamespace
    image = LaunchConfiguration('image').perform(context)
    if len(cameras) > 1 and image.startswith('/'):
        raise ValueError(
            f'image:={image} is absolute, so {" and ".join(cameras)} would see the same image; '
            f'give a name relative to their namespaces, as image:={Path(image).name}'
        )
    reliability = LaunchConfiguration('image_reliability').perform(context)
    remappings = [
        (name, LaunchConfiguration(name))
        for name in TOPICS
        if LaunchConfiguration(name).perform(context)
    ]
    files = [LaunchConfiguration(f'{group}_file') for group in GROUPS]
    nodes: list[Node] = [
        LifecycleNode(
            package='pose_action_ros',
            executable='pose_action_node',
            name='pose_action',
            namespace=namespace,
            output='screen',
            parameters=[
                LaunchConfiguration('params_file'),
                *(file for file in files if file.perform(context)),
                given,
                image_qos(prefix_namespace(outer, namespace), image, reliability),
            ],
            remappings=remappings,
            respawn=LaunchConfiguration('respawn').perform(context) == 'true',
            respawn_delay=2.0,
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
