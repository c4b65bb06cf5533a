"""A topic that can't be opened is named, with a remedy, in one line."""

import pytest

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')
pytestmark = pytest.mark.ros

from rclpy.lifecycle import LifecycleNode  # noqa: E402

from pose_action_ros.core.errors import ConfigError  # noqa: E402
from pose_action_ros.ros.diagnostics import NodeStatistics  # noqa: E402
from pose_action_ros.ros.inputs import Inputs  # noqa: E402
from pose_action_ros.ros.outputs import Outputs  # noqa: E402
from pose_action_ros.ros.settings import NodeSettings  # noqa: E402

IMAGE, DEPTH = 'qos_overrides./front/image.subscription', 'qos_overrides./depth.subscription'
POSES = 'qos_overrides./poses.publisher'


@pytest.fixture
def node(domain):
    """A node that is started with arguments."""
    context, nodes = rclpy.Context(), []
    rclpy.init(context=context, domain_id=domain)

    def start(*words):
        arguments = ['--ros-args', *words]
        nodes.append(LifecycleNode('pose_action', context=context, cli_args=arguments))
        return nodes[-1]

    yield start
    for made in nodes:
        made.destroy_node()
    rclpy.shutdown(context=context)


def subscribe(node):
    Inputs(node, NodeSettings(use_depth=True), None, NodeStatistics())


def publish(node):
    Outputs(node, None, None)


@pytest.mark.parametrize(
    ('open_topic', 'words', 'reason', 'remedy'),
    [
        (subscribe, ['-p', f'{IMAGE}.reliability:=fast'], '`fast`', f'correct {IMAGE}.*'),
        (subscribe, ['-p', f'{IMAGE}.reliability:=1'], "'1' of type", f'correct {IMAGE}.*'),
        # The reason differs between the distributions.
        (subscribe, ['-p', f'{IMAGE}.depth:=-3'], 'is refused: ', f'correct {IMAGE}.*'),
        (subscribe, ['-p', f'{DEPTH}.reliability:=fast'], '`fast`', f'correct {DEPTH}.*'),
        (publish, ['-p', f'{POSES}.reliability:=fast'], '`fast`', f'correct {POSES}.*'),
        (publish, ['-p', f'{POSES}.depth:=deep'], "'deep' of type", f'correct {POSES}.*'),
        (publish, ['-r', 'poses:=people'], 'incompatible type', 'or remap poses to another'),
    ],
)
def test_a_topic_that_cannot_be_opened_is_named(node, open_topic, words, reason, remedy):
    made = node('-r', 'image:=/front/image', *words)
    before = len(list(made.publishers)), len(list(made.subscriptions))
    with pytest.raises(ConfigError) as raised:
        open_topic(made)
    assert (len(list(made.publishers)), len(list(made.subscriptions))) == before
    text = str(raised.value)
    assert reason in text
    assert remedy in text
    assert ', at /' not in text
    assert '\n' not in text
