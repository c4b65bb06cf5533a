"""People come and go, settings change 50 times a second, tracks are reset: no frame is lost.

The worker, its stream and its outputs are the node's own; only the sources are of the test.
"""

import itertools
import logging
import threading
import time

import numpy as np
import pytest

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')
pytestmark = pytest.mark.ros

from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.lifecycle import LifecycleNode, LifecycleState  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from visualization_msgs.msg import Marker, MarkerArray  # noqa: E402

from pose_action_ros.core.predictions import PersonBox  # noqa: E402
from pose_action_ros.core.skeleton import get_skeleton  # noqa: E402
from pose_action_ros.inference import PoseActionStream  # noqa: E402
from pose_action_ros.inference.settings import ClipSettings, TrackSettings  # noqa: E402
from pose_action_ros.messages.image import image_to_msg  # noqa: E402
from pose_action_ros.messages.markers import MarkerSettings  # noqa: E402
from pose_action_ros.messages.matched_inputs import MatchedInputs  # noqa: E402
from pose_action_ros.messages.stamp import stamp_to_msg  # noqa: E402
from pose_action_ros.ros.diagnostics import NodeStatistics  # noqa: E402
from pose_action_ros.ros.frame_slot import ArrivedImage  # noqa: E402
from pose_action_ros.ros.image_decoder import ImageDecoder  # noqa: E402
from pose_action_ros.ros.message_types import MAKE  # noqa: E402
from pose_action_ros.ros.outputs import Outputs  # noqa: E402
from pose_action_ros.ros.settings import NodeSettings  # noqa: E402
from pose_action_ros.ros.worker import FrameWorker  # noqa: E402
from pose_action_ros.runtime import Engine  # noqa: E402

FRAMES, PERIOD_NS = 300, 33_333_333
PLACES = [PersonBox(x, 60.0, 50.0) for x in (30.0, 80.0, 130.0)]


class ComingAndGoing:
    """Zero to three people, others in every image."""

    items = None
    problem = ''

    def put(self, stamp_ns, message, arrival_ns):
        """Nothing comes."""

    def boxes_at(self, stamp_ns, image_size, settings):
        number = stamp_ns // PERIOD_NS
        return [place for index, place in enumerate(PLACES) if number // (5 + 2 * index) % 2]


def settings(number):
    """Every fifth changes the length of the clip, which all clips are made anew for."""
    return NodeSettings(
        clip=ClipSettings(frames=(4, 8, 16)[number // 5 % 3]),
        track=TrackSettings(
            min_confidence=0.0, min_joint_confidence=0.0, lost_after_s=0.05 * (1 + number % 3)
        ),
        viz=MarkerSettings(lifetime_s=1.0 + number % 2),
    )


@pytest.fixture
def node(domain):
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    node = LifecycleNode('stressed', context=context)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_no_frame_is_lost(node, tiny, filled, capfd):
    stream = PoseActionStream(Engine(filled(tiny('compact')), 'cpu', 1, backend='torch'))
    outputs = Outputs(node, None, None)
    outputs.describe(
        get_skeleton(stream.layout), stream.model_name, stream.labels, MarkerSettings()
    )
    shown, published = [], threading.Semaphore(0)
    node.create_subscription(MarkerArray, 'markers', shown.append, 2 * FRAMES)
    LifecycleNode.on_activate(node, LifecycleState('inactive', 2))
    publish = outputs.publish

    def publish_and_tell(*seen):
        publish(*seen)
        published.release()

    outputs.publish = publish_and_tell
    statistics = NodeStatistics()
    worker = FrameWorker(
        stream=stream,
        decoder=ImageDecoder(),
        matched=MatchedInputs(boxes=ComingAndGoing()),
        outputs=outputs,
        statistics=statistics,
        settings=settings(0),
        clock=node.get_clock(),
        logger=node.get_logger(),
    )
    done, orders = threading.Event(), [0, 0]

    def disturb():
        for number in itertools.count(1):
            if done.wait(0.02):
                return
            worker.change(settings(number))
            orders[0] += 1
            if number % 7 == 0:
                worker.reset()
                orders[1] += 1

    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    disturber = threading.Thread(target=disturb)
    disturber.start()
    rng = np.random.default_rng(0)
    try:
        for number in range(FRAMES):
            pixels = rng.integers(0, 255, (120, 160, 3), np.uint8)
            msg = image_to_msg(MAKE, pixels, _header(number), 'rgb8')
            worker.slot.put(ArrivedImage(msg, _stamp_ns(number), time.monotonic_ns()))
            assert published.acquire(timeout=240.0), f'frame {number} was lost'
            executor.spin_once(timeout_sec=0)
    finally:
        done.set()
        disturber.join()
        worker.stop()
    deadline = time.monotonic() + 240.0
    while _living(shown) and time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.1)
    assert _living(shown) == set()  # no ghosts
    assert statistics.counts() == dict.fromkeys(statistics.counts(), 0)
    assert worker.slot.dropped == 0
    assert 'skipped' not in capfd.readouterr().err
    assert min(orders) > 0
    logging.getLogger('stress').info(
        '%d frames, %d changes of settings, %d resets', FRAMES, *orders
    )  # shown by --log-cli-level=info


def _header(number):
    return Header(frame_id='camera', stamp=stamp_to_msg(MAKE, _stamp_ns(number)))


def _stamp_ns(number):
    return (1000 + number) * PERIOD_NS


def _living(arrays):
    """Markers that have been added and not deleted."""
    living = set()
    for marker in (marker for array in arrays for marker in array.markers):
        if marker.action == Marker.DELETE:
            living.discard((marker.ns, marker.id))
        else:
            living.add((marker.ns, marker.id))
    return living
