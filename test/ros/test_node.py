"""The node in a process of its own, spoken to over DDS: the contract, point by point."""

import signal

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, SetParameters
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest
from std_srvs.srv import SetBool, Trigger
from visualization_msgs.msg import Marker, MarkerArray

from pose_action_ros.msg import ActionLabel, Pose3D

pytestmark = pytest.mark.ros
PERIOD_NS = 66_666_667
RNG = np.random.default_rng(1)


class Talker:
    """Publishes images and keeps what comes back."""

    def __init__(self, graph):
        self.graph = graph
        self.images = graph.publisher(Image, 'image')
        self.infos = graph.publisher(CameraInfo, 'camera_info')
        self.regions = graph.publisher(RegionOfInterest, 'roi')
        self.poses = graph.collect(Pose3D, 'poses')
        self.actions = graph.collect(ActionLabel, 'actions')
        self.markers = graph.collect(MarkerArray, 'markers')
        self.diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
        self.stamp_ns = graph.node.get_clock().now().nanoseconds

    def next(self, step_ns=PERIOD_NS, **changes):
        """The next image."""
        self.stamp_ns += step_ns
        height, width = 120, 160
        msg = Image(height=height, width=width, encoding='rgb8', step=3 * width)
        msg.data.frombytes(RNG.integers(0, 255, height * width * 3, np.uint8).tobytes())
        msg.header.frame_id = 'some_optical_frame'
        msg.header.stamp.sec, msg.header.stamp.nanosec = divmod(self.stamp_ns, 10**9)
        for name, value in changes.items():
            setattr(msg, name, value)
        self.sent = msg
        return msg

    def send(self, **changes):
        self.images.publish(self.next(**changes))

    def ignored(self):
        """Send an image that the node takes and leaves; return its stamp."""
        self.graph.deliver(self.images, self.next())
        return self.sent.header.stamp

    def point(self):
        """Say that the person is in the whole image."""
        self.graph.deliver(self.regions, RegionOfInterest(width=160, height=120))

    def ask(self, **changes):
        """Send an image and wait for its pose."""
        self.send(**changes)
        stamp = self.sent.header.stamp
        self.graph.wait(
            lambda: any(pose.header.stamp == stamp for pose in self.poses),
            what='pose of the image',
            again=lambda: self.images.publish(self.sent),
        )
        self.graph.wait(
            lambda: (
                any(action.header.stamp == stamp for action in self.actions)
                and any(m.header.stamp == stamp for array in self.markers for m in array.markers)
            ),
            what='action and markers of the image',
        )
        return self.poses[-1]

    def diagnosis(self):
        """The next status of the node, as text by key."""
        count = len(self.diagnostics)
        self.graph.wait(lambda: len(self.diagnostics) > count, what='diagnostics')
        status = self.diagnostics[-1].status[0]
        return {pair.key: pair.value for pair in status.values} | {'message': status.message}


@pytest.fixture(scope='module')
def talker(shared_graph, weights):
    shared_graph.start(
        'pose_action_node',
        **{
            'model.weights': weights,
            'model.backend': 'torch',
            'model.precision': 'float32',
            'person_source': 'roi',  # a random network would walk out of the image
            'track.min_confidence': 0.0,
            'track.min_joint_confidence': 0.0,
            'model.threads': 1,
        },
    )
    talker = Talker(shared_graph)
    talker.weights = str(weights)
    shared_graph.wait(lambda: state(shared_graph) == State.PRIMARY_STATE_ACTIVE, what='active')
    talker.point()
    talker.ask()
    return talker


def state(graph):
    return graph.call(GetState, '/pose_action/get_state', GetState.Request()).current_state.id


def change(graph, transition):
    request = ChangeState.Request(transition=Transition(id=transition))
    return graph.call(ChangeState, '/pose_action/change_state', request).success


def set_parameter(graph, name, value):
    kinds = {
        float: (ParameterType.PARAMETER_DOUBLE, 'double_value'),
        int: (ParameterType.PARAMETER_INTEGER, 'integer_value'),
        str: (ParameterType.PARAMETER_STRING, 'string_value'),
    }
    kind, field = kinds[type(value)]
    parameter = Parameter(name=name, value=ParameterValue(type=kind, **{field: value}))
    request = SetParameters.Request(parameters=[parameter])
    return graph.call(SetParameters, '/pose_action/set_parameters', request).results[0]


def test_stamp_and_frame_of_the_image_are_kept(talker):
    pose = talker.ask()
    assert pose.header.frame_id == 'some_optical_frame'
    assert (pose.header.stamp.sec, pose.header.stamp.nanosec) == divmod(talker.stamp_ns, 10**9)
    assert talker.actions[-1].header == pose.header
    assert talker.markers[-1].markers[0].header == pose.header
    assert (pose.layout, pose.model, len(pose.joints)) == ('pa17j', 'compact', 17)


def test_the_action_is_valid_once_its_clip_is_full(talker):
    talker.stamp_ns += 5 * 10**9  # a gap empties the clip
    talker.ignored()  # one stamp far ahead is not believed
    talker.ask()
    assert not talker.actions[-1].valid
    assert talker.actions[-1].frames_used == 1
    for _ in range(15):
        talker.ask()
    action = talker.actions[-1]
    assert action.valid
    assert action.frames_used == 16
    assert sum(action.scores) == pytest.approx(1.0, abs=1e-5)
    assert action.label == action.labels[int(np.argmax(action.scores))]


def test_bad_images_are_counted_and_do_no_harm(talker):
    before = int(talker.diagnosis()['frames_bad'])
    bad = (
        {'encoding': 'rgb9'},
        {'height': 0, 'width': 0},
        {'width': 161},
        {'encoding': '16UC1', 'step': 320, 'data': b'\0' * 320 * 120},
    )
    for number, changes in enumerate(bad, 1):
        talker.send(**changes)
        talker.graph.wait(
            lambda count=before + number: int(talker.diagnosis()['frames_bad']) == count,
            what=f'count of {changes}',
        )
    talker.ask()
    assert int(talker.diagnosis()['frames_bad']) == before + len(bad)


def test_camera_info_gives_metres_in_the_camera_frame(talker):
    assert talker.ask().reference == Pose3D.REFERENCE_ROOT
    info = CameraInfo(height=120, width=160, distortion_model='plumb_bob', d=[0.0] * 5)
    info.k = np.array([150.0, 0, 79.5, 0, 150.0, 59.5, 0, 0, 1])
    talker.graph.deliver(talker.infos, info)
    pose = talker.ask()
    assert pose.reference == Pose3D.REFERENCE_CAMERA
    assert np.isfinite([joint.u for joint in pose.joints]).all()


def test_reset_drops_tracks_and_their_markers(talker):
    talker.ask()
    track = talker.poses[-1].track_id
    answer = talker.graph.call(Trigger, '/pose_action/reset', Trigger.Request())
    assert answer.success
    deleted = lambda: [  # noqa: E731
        m for array in talker.markers for m in array.markers if m.action == Marker.DELETE
    ]
    talker.graph.wait(lambda: any(m.id == track for m in deleted()), what='DELETE markers')
    assert talker.ask().track_id > track


def test_enable_pauses_and_resumes(talker):
    talker.graph.call(SetBool, '/pose_action/enable', SetBool.Request(data=False))
    stamp = talker.ignored()
    talker.graph.spin(2.5)  # a camera may stop meanwhile
    assert talker.diagnosis()['message'] == 'paused'
    talker.graph.call(SetBool, '/pose_action/enable', SetBool.Request(data=True))
    talker.ask()
    assert stamp not in [pose.header.stamp for pose in talker.poses]


def test_parameters_have_texts_and_ranges_and_refuse_with_a_reason(talker):
    request = DescribeParameters.Request(names=['track.enlarge', 'model.weights'])
    name = '/pose_action/describe_parameters'
    enlarge, weights = talker.graph.call(DescribeParameters, name, request).descriptors
    assert enlarge.floating_point_range[0].from_value == 1.0
    assert 'people' in weights.description
    assert set_parameter(talker.graph, 'track.enlarge', 1.5).successful
    assert set_parameter(talker.graph, 'track.enlarge', 2).successful  # a whole number is one too
    assert not set_parameter(talker.graph, 'clip.frames', 8.0).successful
    refused = set_parameter(talker.graph, 'track.enlarge', 77.0)
    assert not refused.successful
    assert refused.reason
    refused = set_parameter(talker.graph, 'image_transport', 'pigeon')
    assert not refused.successful
    assert 'raw, compressed' in refused.reason
    refused = set_parameter(talker.graph, 'clip.frames', 2)
    assert not refused.successful
    assert 'expected 0 or 4' in refused.reason
    assert set_parameter(talker.graph, 'track.enlarge', 1.4).successful
    talker.ask()


def test_diagnostics_say_what_goes_on(talker):
    talker.ask()
    found = talker.diagnosis()
    expected = {
        *('rate_in_hz', 'rate_out_hz', 'age_ms_p50', 'age_ms_p95', 'preprocess_ms_p50'),
        *('inference_ms_p50', 'publish_ms_p50', 'frames_dropped', 'clip_fill', 'device'),
        'memory_mib',
    }
    assert expected <= set(found)
    assert found['device'].startswith('cpu')


def test_the_lifecycle_goes_round(talker):
    graph = talker.graph
    assert change(graph, Transition.TRANSITION_DEACTIVATE)
    stamp = talker.ignored()
    assert change(graph, Transition.TRANSITION_CLEANUP)
    assert set_parameter(graph, 'model.weights', '/no/such.safetensors').successful
    assert not change(graph, Transition.TRANSITION_CONFIGURE)
    assert state(graph) == State.PRIMARY_STATE_UNCONFIGURED
    assert 'not configured' in talker.diagnosis()['message']
    assert set_parameter(graph, 'model.weights', talker.weights).successful
    assert change(graph, Transition.TRANSITION_CONFIGURE)
    assert change(graph, Transition.TRANSITION_ACTIVATE)
    talker.point()
    talker.ask()
    assert stamp not in [pose.header.stamp for pose in talker.poses]


def test_a_burst_is_dropped_to_the_newest_and_counted(talker):
    before = int(talker.diagnosis()['frames_dropped'])
    for _ in range(20):
        talker.send(step_ns=2_000_000)  # the newest is too near to be a jump of the clock
    newest = divmod(talker.stamp_ns, 10**9)
    talker.graph.wait(
        lambda: (
            (talker.poses[-1].header.stamp.sec, talker.poses[-1].header.stamp.nanosec) == newest
        ),
        what='pose of the newest image',
        again=lambda: talker.images.publish(talker.sent),
    )
    assert int(talker.diagnosis()['frames_dropped']) > before


def test_it_ends_quietly(talker):
    status, log = talker.graph.stop('pose_action_node')
    assert status == 0
    assert 'Traceback' not in log
    assert 'no such weights' not in log
    assert '/no/such.safetensors' in log


@pytest.mark.parametrize('how', [signal.SIGINT, signal.SIGTERM])
def test_it_ends_quietly_in_the_middle_of_its_work(graph, how):
    graph.start('pose_action_node', **{'model.weights': 'demo', 'smooth.joints': False})
    talker = Talker(graph)
    talker.ask()
    for _ in range(20):
        talker.send()
        graph.spin(0.01)
    process = graph.processes.pop('pose_action_node')
    process.send_signal(how)
    _, log = process.communicate(timeout=240)
    assert process.returncode == 0, log
    assert 'terminate' not in log
    assert 'rror' not in log
