"""The node hears every publisher of its images; where all are reliable it loses no image."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import GetParameters
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from pose_action_ros.messages.stamp import stamp_from_msg, stamp_to_msg
from pose_action_ros.ros.fitting_subscription import FittingSubscription
from pose_action_ros.ros.message_types import MAKE

pytestmark = pytest.mark.ros
IMAGE = '/image/compressed'
RELIABLE, BEST_EFFORT = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT
BUFFER = 921_600  # bytes; the shared memory of a Fast DDS participant has 524 288
PERIOD_NS = 66_666_667


class Camera:
    """Publishers of one image topic, and what the node makes of them."""

    def __init__(self, graph, weights, **parameters):
        self.graph, self.number = graph, 0
        self.results = graph.collect(Image, '/pose_action/debug_image')
        self.diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
        pixels = np.random.default_rng(1).integers(0, 255, (120, 160, 3), np.uint8)
        self.jpeg = cv2.imencode('.jpg', pixels)[1].tobytes()
        parameters |= {
            'image_transport': 'compressed',
            'model.weights': weights,
            'model.backend': 'torch',
            'model.precision': 'float32',
        }
        graph.start('pose_action_node', **parameters)

    def publisher(self, reliability):
        quiet = PublisherEventCallbacks(incompatible_qos=lambda event: None)
        profile = QoSProfile(depth=5, reliability=reliability)
        return self.graph.node.create_publisher(
            CompressedImage, IMAGE, profile, event_callbacks=quiet
        )

    def wait_for(self, reliability, topic=IMAGE):
        """Wait until the node's only subscription asks for this."""
        asked = lambda: [  # noqa: E731
            info.qos_profile.reliability
            for info in self.graph.node.get_subscriptions_info_by_topic(topic)
        ]
        self.graph.wait(lambda: asked() == [reliability], what=f'{reliability!r}')

    def is_seen(self, publisher, *, again, size=0):
        """Publish an image and wait for its result; send it `again` where it may be lost."""
        self.number += 1
        stamp = stamp_to_msg(MAKE, 10**18 + self.number * PERIOD_NS)
        data = self.jpeg.ljust(size, b'\0')
        msg = CompressedImage(header=Header(stamp=stamp), format='jpeg', data=data)
        send = lambda: publisher.publish(msg)  # noqa: E731
        self.graph.wait(publisher.get_subscription_count, what='subscription')
        send()
        self.graph.wait(
            lambda: any(result.header.stamp == stamp for result in self.results),
            what=f'result of {stamp_from_msg(stamp)}',
            again=send if again else None,
        )


def test_it_hears_all_publishers_and_asks_for_reliable_delivery_where_it_can(graph, weights):
    camera = Camera(graph, weights)
    camera.wait_for(BEST_EFFORT)  # nobody is there to offer anything
    steady = camera.publisher(RELIABLE)
    camera.wait_for(RELIABLE)
    camera.is_seen(steady, again=True)  # the two may not have found each other yet
    for _ in range(10):
        camera.is_seen(steady, again=False, size=BUFFER)
    late = camera.publisher(BEST_EFFORT)
    camera.wait_for(BEST_EFFORT)
    for publisher in (late, steady):
        camera.is_seen(publisher, again=True)
    graph.node.destroy_publisher(late)
    camera.wait_for(RELIABLE)
    camera.is_seen(steady, again=True)
    assert not [a for a in camera.diagnostics if 'incompatible' in a.status[0].message]


def test_an_override_fixes_one_topic_alone(graph, weights):
    prefix = f'qos_overrides.{IMAGE}.subscription'
    overrides = {f'{prefix}.reliability': 'best_effort', f'{prefix}.depth': 7}
    camera = Camera(graph, weights, **overrides)
    camera.wait_for(BEST_EFFORT)
    publisher = camera.publisher(RELIABLE)
    camera.is_seen(publisher, again=True)
    seen = len(camera.diagnostics)
    graph.wait(lambda: len(camera.diagnostics) > seen + 2, what='looks at the publishers')
    camera.wait_for(BEST_EFFORT)
    topics, policies = (IMAGE, '/camera_info'), ('reliability', 'depth')
    names = [f'qos_overrides.{t}.subscription.{p}' for t in topics for p in policies]
    request = GetParameters.Request(names=names)
    values = graph.call(GetParameters, '/pose_action/get_parameters', request).values
    assert [v.string_value or v.integer_value for v in values] == [
        'best_effort', 7, 'best_available', 1,
    ]  # fmt: skip


def test_a_topic_of_another_type_is_said_until_one_of_the_right_type_comes():
    publishers = []
    node = SimpleNamespace(
        create_subscription=lambda *args, qos_overriding_options, **kwargs: (
            qos_overriding_options.callback(args[3])
        ),
        destroy_subscription=lambda subscription: None,
        get_publishers_info_by_topic=lambda topic: publishers,
        resolve_topic_name=lambda topic: f'/{topic}',
    )

    def publisher(topic_type):
        profile = QoSProfile(depth=1, reliability=RELIABLE)
        return SimpleNamespace(topic_type=topic_type, qos_profile=profile)

    fitting = FittingSubscription(node, Image, 'image', lambda msg, info: None)
    fitting.fit()
    assert fitting.misfit == ''
    publishers.append(publisher('sensor_msgs/msg/CompressedImage'))
    fitting.fit()
    wrong = '/image is of type sensor_msgs/msg/CompressedImage; expected sensor_msgs/msg/Image'
    assert fitting.misfit == wrong
    publishers.append(publisher('sensor_msgs/msg/Image'))
    fitting.fit()
    assert fitting.misfit == ''
