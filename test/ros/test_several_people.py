"""`person_source: find` over DDS: two simulated actors, the shipped finder, a node of its own."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

import numpy as np
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from pose_action_ros.messages.image import image_to_msg
from pose_action_ros.messages.stamp import stamp_from_msg, stamp_to_msg
from pose_action_ros.metrics.tracking import TrackScore
from pose_action_ros.msg import PersonArray
from pose_action_ros.ros.message_types import MAKE
from pose_action_ros.simulation.company import SimulatedCompany

pytestmark = pytest.mark.ros
START_NS = 100 * 10**9
PERIOD_NS = 100_000_000
FRAMES = 5


@pytest.fixture
def node(graph):
    graph.start(
        'pose_action_node',
        **{
            'model.weights': 'demo',
            'model.backend': 'torch',
            'model.precision': 'float32',
            'model.threads': 1,
            'person_source': 'find',
            'track.budget_ms': 0.0,  # the speed of the machine decides nothing
        },
    )
    state = lambda: graph.call(GetState, '/pose_action/get_state', GetState.Request())  # noqa: E731
    graph.wait(lambda: state().current_state.id == State.PRIMARY_STATE_ACTIVE, what='active')
    return graph


def test_two_people_are_found_drawn_and_keep_their_ids(node):
    images = node.publisher(Image, 'image')
    people, markers = (
        node.collect(PersonArray, 'people', 100),
        node.collect(MarkerArray, 'markers'),
    )
    drawn = node.collect(Image, '/pose_action/debug_image', 100)
    film, score, tracks = SimulatedCompany(3, 2), TrackScore(), set()
    for index in range(FRAMES):
        frame, stamp_ns = film.frame(index * PERIOD_NS * 1e-9), START_NS + index * PERIOD_NS
        header = Header(stamp=stamp_to_msg(MAKE, stamp_ns), frame_id='optical')
        node.deliver(images, image_to_msg(MAKE, frame.image_rgb, header, 'rgb8'))
        of_it = lambda wanted=stamp_ns: [  # noqa: E731
            array for array in people if stamp_from_msg(array.header.stamp) == wanted
        ]
        node.wait(of_it, what='people of the image')
        (array,) = of_it()
        seen = {p.track_id: np.array([(j.u, j.v) for j in p.pose.joints]) for p in array.people}
        score.add(seen, frame.joints_image_px, frame.visible)
        tracks |= set(seen)
    assert (score.missed, score.false, score.switches) == (0, 0, 0)
    assert len(tracks) == 2
    node.wait(lambda: markers and drawn, what='markers and debug image')
    added = [m for array in markers for m in array.markers if m.action == Marker.ADD]
    assert {marker.id for marker in added} == tracks
