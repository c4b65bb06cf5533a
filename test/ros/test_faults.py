"""What cameras and drivers do wrong, sent to one node: it goes on, and says what is wrong."""

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest
from std_msgs.msg import Header

from pose_action_ros.messages.image import image_to_msg
from pose_action_ros.messages.stamp import stamp_from_msg, stamp_to_msg
from pose_action_ros.msg import ActionLabel, Pose3D
from pose_action_ros.ros.message_types import MAKE

pytestmark = pytest.mark.ros
PERIOD_NS = 66_666_667
START_NS = 1_700_000_000 * 10**9
WIDTH, HEIGHT = 160, 120
D5 = [-0.2276, 0.2179, -0.0009, -0.0009, -0.2063]
NAN = float('nan')


class Driver:
    """A camera's driver, and what the node makes of what it sends."""

    def __init__(self, graph):
        self.graph, self.number = graph, 0
        # The resolved image has a sibling of that name; the rule is for the other one.
        self.images = graph.node.create_publisher(Image, '/front/image', 5)
        self.infos = graph.publisher(CameraInfo, '/camera_info')
        self.siblings = graph.node.create_publisher(CameraInfo, '/front/camera_info', 5)
        self.depths = graph.node.create_publisher(Image, '/depth', 5)
        self.poses = graph.collect(Pose3D, '/poses', 100)
        self.actions = graph.collect(ActionLabel, '/actions', 100)
        self.diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
        self.pixels = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)

    def header(self, stamp_ns=None, frame_id='optical'):
        stamp_ns = START_NS + self.number * PERIOD_NS if stamp_ns is None else stamp_ns
        return Header(stamp=stamp_to_msg(MAKE, stamp_ns), frame_id=frame_id)

    def send(self, *, stamp_ns=None, encoding='rgb8', frame_id='optical'):
        self.number += 1
        self.sent = image_to_msg(MAKE, self.pixels, self.header(stamp_ns, frame_id), 'rgb8')
        self.sent.encoding = encoding
        self.images.publish(self.sent)

    def send_many(self, count, **changes):
        for _ in range(count):
            self.send(**changes)
            self.graph.spin(0.05)

    def poses_of(self, stamp_ns):
        return [p for p in self.poses if stamp_from_msg(p.header.stamp) == stamp_ns]

    def ask(self, after=lambda: None):
        """Send an image, then something else; return its pose."""
        self.send()
        after()
        stamp_ns = stamp_from_msg(self.sent.header.stamp)
        again = lambda: self.images.publish(self.sent)  # noqa: E731
        self.graph.wait(lambda: self.poses_of(stamp_ns), what='pose', again=again)
        return self.poses_of(stamp_ns)[0]

    def calibrate(self, focal=150.0, **changes):
        self.graph.deliver(self.infos, self.calibration(focal, **changes))

    @staticmethod
    def calibration(focal=150.0, **changes):
        info = CameraInfo(height=HEIGHT, width=WIDTH, distortion_model='plumb_bob', d=[0.0] * 5)
        info.k = np.array([focal, 0, 79.5, 0, focal, 59.5, 0, 0, 1])
        for name, value in changes.items():
            setattr(info, name, value)
        return info

    def message(self):
        """The next text of the node's health."""
        seen = len(self.diagnostics)
        self.graph.wait(lambda: len(self.diagnostics) > seen, what='diagnostics')
        status = self.diagnostics[-1].status[0]
        assert (status.level == DiagnosticStatus.WARN) == (status.message != 'running')
        return status.message

    def wait_for(self, words, **changes):
        """Send images until the health says these words."""
        for _ in range(40):
            self.send_many(5, **changes)
            if words in self.message():
                return
        pytest.fail(f'the node never said {words!r}, but {self.message()!r}')

    def set(self, name, kind, field, value):
        parameter = Parameter(name=name, value=ParameterValue(type=kind, **{field: value}))
        request = SetParameters.Request(parameters=[parameter])
        return self.graph.call(SetParameters, '/pose_action/set_parameters', request).results[0]


@pytest.fixture(scope='module')
def driver(shared_graph, weights):
    shared_graph.start(
        'pose_action_node',
        'image:=/front/image',
        'camera_info:=/camera_info',
        **{
            'model.weights': weights,
            'model.backend': 'torch',
            'model.precision': 'float32',
            'model.threads': 1,
            'use_depth': 'true',
            'person_source': 'roi',  # a random network would walk out of the image
            'sync_wait_s': 0.0,
            'smooth.joints': 'false',
            'track.min_confidence': 0.0,
            'track.min_joint_confidence': 0.0,
            'qos_overrides./front/image.subscription.reliability': 'reliable',
            'qos_overrides./front/image.subscription.depth': 20,
        },
    )
    driver = Driver(shared_graph)
    name, active = '/pose_action/get_state', State.PRIMARY_STATE_ACTIVE
    state = lambda: shared_graph.call(GetState, name, GetState.Request()).current_state.id  # noqa: E731
    shared_graph.wait(lambda: state() == active, what='active')
    for publisher in (driver.images, driver.infos, driver.depths):
        shared_graph.wait(lambda p=publisher: p.get_subscription_count(), what='subscription')
    region = shared_graph.publisher(RegionOfInterest, '/roi')
    shared_graph.deliver(region, RegionOfInterest(x_offset=20, width=HEIGHT, height=HEIGHT))
    return driver


def test_no_camera_info_is_said(driver):
    assert driver.ask().reference == Pose3D.REFERENCE_ROOT
    driver.wait_for('/camera_info: no CameraInfo has arrived')


def test_an_explicit_rule_to_the_default_name_counts(driver):
    driver.siblings.publish(driver.calibration())
    assert driver.ask().reference == Pose3D.REFERENCE_ROOT
    assert driver.siblings.get_subscription_count() == 0
    driver.calibrate()
    assert driver.ask().reference == Pose3D.REFERENCE_CAMERA


@pytest.mark.parametrize(
    'changes',
    [
        {'distortion_model': '', 'd': D5},
        {'distortion_model': 'rational_polynomial', 'd': D5},
        {'d': [*D5, 0.01, 0.0, 0.0]},
        {'distortion_model': 'fisheye', 'd': [-0.01, 0.02, -0.01, 0.001]},
        {'distortion_model': 'rational_polynomial', 'd': [*D5, *[0.0] * 7, 0.01, 0.02]},
        {'width': 0, 'height': 0},
        {'width': 4 * WIDTH, 'height': 4 * HEIGHT},
        {'roi': RegionOfInterest(y_offset=40, width=WIDTH, height=40)},
    ],
)
def test_calibrations_that_can_be_used_are(driver, changes):
    driver.calibrate(0.0)
    assert driver.ask().reference == Pose3D.REFERENCE_ROOT
    driver.calibrate(**changes)
    assert driver.ask().reference == Pose3D.REFERENCE_CAMERA


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'focal': NAN}, 'not finite'),
        ({'focal': -1.0}, 'focal lengths must be > 0'),
        ({'d': [NAN] * 5}, 'not finite'),
        ({'d': D5[:3]}, 'came with 3 coefficients'),
        ({'distortion_model': 'fov', 'd': [0.9]}, "unknown distortion model 'fov'"),
        ({'width': 640, 'height': 360}, '640 x 360, the image 160 x 120: another aspect'),
        ({'p': np.full(12, -float('inf'))}, 'numbers in P that are not finite'),
        ({'d': [1e30, -1e300, 1e10, 1.0, 1e200]}, 'has an inverse on only 0%'),
        ({'focal': 0.3}, 'too short for an image of 160 x 120; expected pixels'),
    ],
)
def test_calibrations_that_cannot_be_used_are_said_and_the_next_one_counts(driver, changes, words):
    driver.calibrate(**changes)
    assert driver.ask().reference == Pose3D.REFERENCE_ROOT
    driver.wait_for(words)
    driver.calibrate()
    assert driver.ask().reference == Pose3D.REFERENCE_CAMERA


def test_a_rectified_image_takes_p_from_the_message_that_has_come(driver):
    driver.calibrate(0.0, p=np.array([150.0, 0, 79.5, 0, 0, 150, 59.5, 0, 0, 0, 1, 0]))
    assert driver.ask().reference == Pose3D.REFERENCE_ROOT
    change = ('image_rectified', ParameterType.PARAMETER_BOOL, 'bool_value')
    assert driver.set(*change, True).successful
    assert driver.ask().reference == Pose3D.REFERENCE_CAMERA
    driver.calibrate(150.0)  # P is zero
    assert driver.ask().reference == Pose3D.REFERENCE_ROOT
    assert driver.set(*change, False).successful
    assert driver.ask().reference == Pose3D.REFERENCE_CAMERA


def test_depth_that_comes_after_its_image_serves_it(driver):
    def depth():
        driver.graph.spin(0.025)
        msg = Image(height=HEIGHT, width=WIDTH, encoding='16UC1', step=2 * WIDTH)
        msg.data.frombytes(np.full((HEIGHT, WIDTH), 2500, np.uint16).tobytes())
        msg.header = driver.sent.header
        driver.depths.publish(msg)

    change = ('sync_wait_s', ParameterType.PARAMETER_DOUBLE, 'double_value')
    assert driver.set(*change, 1.0).successful  # a busy machine may take its time
    driver.ask(after=depth)
    sources = [driver.ask(after=depth).scale_source for _ in range(20)]
    assert sources == [Pose3D.SCALE_DEPTH] * 20, driver.message()
    assert driver.set(*change, 0.0).successful


def test_labels_survive_late_images_and_wrong_stamps(driver):
    for _ in range(16):
        driver.ask()
    driver.actions.clear()
    for wrong_ns in (0, 5 * 10**9, -PERIOD_NS, -60 * 10**9):
        now_ns = START_NS + driver.number * PERIOD_NS
        driver.send(stamp_ns=now_ns + wrong_ns if wrong_ns else 0)
        driver.ask()
    assert len(driver.actions) >= 4
    assert all(action.valid for action in driver.actions)


def test_images_without_stamps_are_said_until_they_have_some(driver):
    driver.wait_for('come without stamps', stamp_ns=0)
    driver.wait_for('all images have the same stamp', stamp_ns=START_NS + 10**12)
    driver.number += 10**6
    for _ in range(20):
        driver.ask()
    said = lambda: 'the same stamp' in driver.message()  # noqa: E731
    driver.graph.wait(lambda: not said(), what='end of the warning')


def test_two_cameras_on_one_topic_are_said(driver):
    words = "several cameras publish on one topic (frames 'left', 'right')"

    def alternate():
        for frame_id in ('left', 'right') * 3:
            driver.send(frame_id=frame_id)

    alternate()
    driver.graph.wait(lambda: words in driver.message(), what='warning', again=alternate)
    driver.graph.wait(lambda: words not in driver.message(), what='end of the warning')


def test_images_that_cannot_be_decoded_are_said(driver):
    driver.wait_for("images cannot be decoded: 'rgb9' is not an image encoding", encoding='rgb9')
    for _ in range(3):
        driver.ask()
    said = lambda: 'cannot be decoded' in driver.message()  # noqa: E731
    driver.graph.wait(lambda: not said(), what='end of the warning')


@pytest.mark.parametrize(
    ('name', 'kind', 'field', 'value'),
    [
        ('model.weights', ParameterType.PARAMETER_STRING, 'string_value', 'people'),
        ('model.threads', ParameterType.PARAMETER_INTEGER, 'integer_value', 2),
        ('model.precision', ParameterType.PARAMETER_STRING, 'string_value', 'bfloat16'),
        ('use_depth', ParameterType.PARAMETER_BOOL, 'bool_value', False),
        ('person_source', ParameterType.PARAMETER_STRING, 'string_value', 'track'),
        ('image_transport', ParameterType.PARAMETER_STRING, 'string_value', 'compressed'),
        ('target_frame', ParameterType.PARAMETER_STRING, 'string_value', 'map'),
    ],
)
def test_what_takes_effect_at_configure_is_refused_while_active(driver, name, kind, field, value):
    refused = driver.set(name, kind, field, value)
    assert not refused.successful
    assert f'{name} takes effect at configure' in refused.reason


def test_it_has_survived_all_this(driver):
    driver.calibrate()
    assert driver.ask().reference == Pose3D.REFERENCE_CAMERA
    status, log = driver.graph.stop('pose_action_node')
    assert status == 0
    assert 'Traceback' not in log
    assert '[ERROR]' not in log
