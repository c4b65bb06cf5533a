"""The node as robots have it: in a namespace, remapped, compressed, with depth, tf and sim time.

What other packages get wrong, point by point, over DDS with one node in a process of its own.
"""

import math

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, RegionOfInterest
from visualization_msgs.msg import Marker, MarkerArray

from pose_action_ros.messages.stamp import stamp_from_msg, stamp_to_msg
from pose_action_ros.msg import ActionLabel, PersonArray, Pose3D
from pose_action_ros.ros.message_types import MAKE, find_vision_msgs

pytestmark = pytest.mark.ros
PERIOD_NS = 66_666_667
FRAME = 'front_optical'
WIDTH, HEIGHT = 160, 120
IMAGE = '/robot1/front/rgb/compressed'
# Stands in for tf2: the camera looks ahead from (0.1, 0, 1.2) of the frame `base`.
TF2 = f"""
from geometry_msgs.msg import TransformStamped


class TransformException(Exception):
    pass


class Buffer:
    def lookup_transform(self, target, source, stamp, timeout):
        if (target, source) != ('base', '{FRAME}'):
            raise TransformException(f'{{source}} is not part of the tree')
        found = TransformStamped()
        found.header.frame_id = target
        q, t = found.transform.rotation, found.transform.translation
        q.x, q.y, q.z, q.w = -0.5, 0.5, -0.5, 0.5
        t.x, t.z = 0.1, 1.2
        return found

    def clear(self):
        pass


class TransformListener:
    def __init__(self, buffer, node):
        pass

    def unregister(self):
        pass
"""


class Robot:
    """Publishes what a robot's drivers do, and keeps what comes back."""

    def __init__(self, graph):
        self.graph = graph
        self.stamp_ns = 100 * 10**9
        self.clock = graph.publisher(Clock, '/clock')
        self.infos = graph.publisher(CameraInfo, '/robot1/front/camera_info')
        self.depths = graph.publisher(Image, '/robot1/depth')
        self.regions = graph.publisher(RegionOfInterest, '/robot1/roi')
        self.diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
        pixels = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
        self.jpeg = cv2.imencode('.jpg', pixels)[1].tobytes()
        self.poses, self.actions, self.markers, self.images = [], [], [], None

    def deliver(self, publisher, message):
        self.graph.deliver(publisher, message, to='/robot1/pose_action')

    def watch(self):
        self.poses = self.graph.collect(Pose3D, '/robot1/poses')
        self.actions = self.graph.collect(ActionLabel, '/robot1/actions')
        self.markers = self.graph.collect(MarkerArray, '/robot1/markers')
        self.send()
        self.graph.wait(
            lambda: self.poses and self.actions and self.markers,
            what='results of three topics',
            again=self.send,
        )

    def next(self, frame_id=FRAME, step_ns=PERIOD_NS):
        """The next image, with the clock set to its stamp."""
        self.stamp_ns += step_ns
        stamp = stamp_to_msg(MAKE, self.stamp_ns)
        self.clock.publish(Clock(clock=stamp))
        msg = CompressedImage(format='bgr8; jpeg compressed bgr8')
        msg.header.frame_id, msg.header.stamp = frame_id, stamp
        msg.data.frombytes(self.jpeg)
        self.sent = msg
        return msg

    def send(self, **changes):
        self.images.publish(self.next(**changes))

    def ask(self, **changes):
        """Send an image; return its pose."""
        self.send(**changes)
        found = lambda: [  # noqa: E731
            p for p in self.poses if stamp_from_msg(p.header.stamp) == self.stamp_ns
        ]
        again = lambda: self.images.publish(self.sent)  # noqa: E731
        self.graph.wait(found, what='pose of the image', again=again)
        pose = found()[-1]
        drawn = lambda: [m for array in self.markers for m in array.markers]  # noqa: E731
        self.graph.wait(
            lambda: (
                any(action.header.stamp == self.sent.header.stamp for action in self.actions)
                and any(marker.header.stamp == pose.header.stamp for marker in drawn())
            ),
            what='action and markers of the image',
        )
        return pose

    def calibrate(self, focal=150.0, **changes):
        info = CameraInfo(height=HEIGHT, width=WIDTH, distortion_model='plumb_bob', d=[0.0] * 5)
        info.k = np.array([focal, 0, 79.5, 0, focal, 59.5, 0, 0, 1])
        for name, value in changes.items():
            setattr(info, name, value)
        self.deliver(self.infos, info)

    def send_depth(self, depth, encoding):
        """A depth image for the next image."""
        msg = Image(height=HEIGHT, width=WIDTH, encoding=encoding, step=WIDTH * depth.itemsize)
        msg.data.frombytes(np.full((HEIGHT, WIDTH), depth).tobytes())
        msg.header.stamp = stamp_to_msg(MAKE, self.stamp_ns + PERIOD_NS)
        self.deliver(self.depths, msg)

    def diagnosis(self, count=1):
        """The next status of the node."""
        seen = len(self.diagnostics)
        self.graph.wait(lambda: len(self.diagnostics) >= seen + count, what='diagnostics')
        return self.diagnostics[-1].status[0]

    def number(self, key):
        return float(next(v.value for v in self.diagnosis().values if v.key == key))

    def change(self, transition):
        request = ChangeState.Request(transition=Transition(id=transition))
        name = '/robot1/pose_action/change_state'
        return self.graph.call(ChangeState, name, request).success

    def state(self):
        name = '/robot1/pose_action/get_state'
        return self.graph.call(GetState, name, GetState.Request()).current_state.id

    def set(self, name, value):
        kinds = {
            float: (ParameterType.PARAMETER_DOUBLE, 'double_value'),
            int: (ParameterType.PARAMETER_INTEGER, 'integer_value'),
            str: (ParameterType.PARAMETER_STRING, 'string_value'),
        }
        kind, field = kinds[type(value)]
        request = SetParameters.Request(
            parameters=[Parameter(name=name, value=ParameterValue(type=kind, **{field: value}))]
        )
        return self.graph.call(
            SetParameters, '/robot1/pose_action/set_parameters', request
        ).results[0]


@pytest.fixture(scope='module')
def robot(shared_graph, tmp_path_factory, weights):
    """An unconfigured node."""
    path = tmp_path_factory.mktemp('path')
    (path / 'tf2_ros.py').write_text(TF2)
    (path / 'torn.safetensors').write_bytes(b'\x10\0\0\0\0\0\0\0{"torn":')
    robot = Robot(shared_graph)
    robot.weights, robot.torn = str(weights), str(path / 'torn.safetensors')
    shared_graph.start(
        'pose_action_node',
        '__ns:=/robot1',
        'image:=front/rgb',
        path=path,
        **{
            'autostart': 'false',
            'use_sim_time': 'true',
            'image_transport': 'compressed',
            'use_depth': 'true',
            'person_source': 'roi',
            'target_frame': 'base',
            'model.weights': '/no/such.safetensors',
            'model.threads': 1,
            'model.backend': 'torch',
            'model.precision': 'float32',
            'track.min_confidence': 0,
            'track.min_joint_confidence': 0,
            'smooth.joints': 'false',
            f'qos_overrides.{IMAGE}.subscription.reliability': 'reliable',
            'qos_overrides./robot1/depth.subscription.reliability': 'reliable',
        },
    )
    return robot


def rows(vectors):
    return np.array([(v.x, v.y, v.z) for v in vectors])


def metres(pose):
    return rows(j.position for j in pose.joints)


def pixels(pose):
    return np.array([(j.u, j.v) for j in pose.joints])


def test_what_can_not_be_configured_stays_unconfigured(robot):
    assert robot.state() == State.PRIMARY_STATE_UNCONFIGURED
    assert not robot.change(Transition.TRANSITION_CONFIGURE)
    wrong = [('model.weights', robot.torn), ('model.device', 'cuda:77')]
    if find_vision_msgs() is None:
        wrong.append(('person_source', 'detections'))
    for name, value in wrong:
        assert robot.set(name, value).successful
        assert not robot.change(Transition.TRANSITION_CONFIGURE)
        assert robot.set('model.weights', robot.weights).successful
    assert robot.state() == State.PRIMARY_STATE_UNCONFIGURED
    status = robot.diagnosis()
    assert status.level == DiagnosticStatus.ERROR
    assert status.name.startswith('/robot1/pose_action')
    assert status.message.startswith('not configured: ')
    assert wrong[-1][1] in status.message
    assert robot.set('model.device', 'cpu').successful
    assert robot.set('person_source', 'roi').successful
    assert robot.change(Transition.TRANSITION_CONFIGURE)
    inactive = robot.diagnosis()
    assert (inactive.level, inactive.message) == (DiagnosticStatus.OK, 'inactive')
    assert robot.set('model.threads', 2).successful
    changed = robot.diagnosis()
    assert changed.level == DiagnosticStatus.WARN
    assert 'model.threads changed since configure' in changed.message
    assert robot.set('model.threads', 1).successful
    assert robot.diagnosis().level == DiagnosticStatus.OK
    assert robot.set('model.threads', 2).successful
    assert robot.change(Transition.TRANSITION_ACTIVATE)
    assert not robot.set('model.threads', 3).successful
    assert robot.set('model.threads', 1).successful  # what is in use may be set again
    assert 'changed since configure' not in robot.diagnosis().message


def test_an_incompatible_qos_and_silence_are_said(robot):
    shy = robot.graph.node.create_publisher(
        CompressedImage,
        IMAGE,
        QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT),
        event_callbacks=PublisherEventCallbacks(incompatible_qos=lambda event: None),
    )
    robot.graph.wait(
        lambda: (
            'incompatible QoS' in (status := robot.diagnosis()).message
            and f'no image on {IMAGE}' in status.message
            and 'no time has come on /clock' in status.message  # use_sim_time
            and status.level == DiagnosticStatus.WARN
        ),
        what='warnings',
    )
    robot.graph.node.destroy_publisher(shy)
    raw = IMAGE.removesuffix('/compressed')
    copy = robot.graph.node.create_publisher(Image, raw, 5)
    hint = f'no image on {IMAGE} for 2 s, but {raw} is published: try image_transport:=raw'
    robot.graph.wait(lambda: hint in robot.diagnosis().message, what='hint')
    robot.graph.node.destroy_publisher(copy)
    depth = robot.graph.node.create_publisher(
        Image,
        '/robot1/depth',
        QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT),
        event_callbacks=PublisherEventCallbacks(incompatible_qos=lambda event: None),
    )
    said = lambda: 'depth is offered with an incompatible QoS' in robot.diagnosis().message  # noqa: E731
    robot.graph.wait(said, what='warning')
    robot.graph.node.destroy_publisher(depth)
    robot.send_depth(np.uint16(2500), '16UC1')  # of a publisher that fits
    robot.graph.wait(lambda: not said(), what='end of the warning')


def test_nobody_watches_so_nothing_runs(robot):
    robot.images = robot.graph.publisher(CompressedImage, IMAGE)
    robot.graph.wait(lambda: robot.images.get_subscription_count() == 1, what='subscription')
    for count in (1, 2, 3):
        robot.send()
        unwatched = lambda n=count: robot.number('frames_unwatched') == n  # noqa: E731
        robot.graph.wait(unwatched, what='unwatched images')
    assert robot.number('rate_out_hz') == 0.0


def test_names_stamps_and_frames(robot):
    robot.watch()
    region = RegionOfInterest(x_offset=20, width=120, height=120)
    robot.deliver(robot.regions, region)
    pose = robot.ask()
    assert stamp_from_msg(pose.header.stamp) == robot.stamp_ns
    assert pose.header.frame_id == 'base'  # target_frame
    assert pose.reference == Pose3D.REFERENCE_ROOT
    assert (pose.roi.x_offset, pose.roi.width, pose.roi.height) == (20, 120, 120)
    assert robot.actions[-1].header.stamp == pose.header.stamp
    assert robot.actions[-1].header.frame_id == FRAME  # of the image
    assert {m.header.frame_id for m in robot.markers[-1].markers} == {'base'}
    for marker in robot.markers[-1].markers:
        for color in (marker.color, *marker.colors):
            assert all(0.0 <= value <= 1.0 for value in (color.r, color.g, color.b, color.a))


def test_binning_and_region_of_the_sensor_are_minded(robot):
    robot.calibrate(150.0)
    plain = robot.ask()
    assert plain.reference == Pose3D.REFERENCE_CAMERA
    assert plain.scale_source == Pose3D.SCALE_BODY
    assert plain.header.frame_id == 'base'
    assert robot.actions[-1].header.frame_id == FRAME
    roi = RegionOfInterest(x_offset=40, y_offset=60, width=2 * WIDTH, height=2 * HEIGHT)
    robot.calibrate(
        width=640, height=480, binning_x=2, binning_y=2, roi=roi,
        k=np.array([300.0, 0, 199.0, 0, 300.0, 179.0, 0, 0, 1]),
    )  # fmt: skip
    np.testing.assert_allclose(metres(robot.ask()), metres(plain), atol=1e-4)
    np.testing.assert_allclose(pixels(robot.poses[-1]), pixels(plain), atol=1e-3)
    robot.calibrate(300.0)  # twice the focal length: farther away
    far, near = metres(robot.ask())[0, 0], metres(plain)[0, 0]
    assert 1.1 < far / near < 2.5


def test_depth_means_metres_whatever_its_encoding(robot):
    robot.calibrate(150.0)
    robot.send_depth(np.uint16(2500), '16UC1')
    millimetres = robot.ask()
    robot.send_depth(np.float32(2.5), '32FC1')
    floats = robot.ask()
    assert millimetres.scale_source == floats.scale_source == Pose3D.SCALE_DEPTH
    np.testing.assert_allclose(metres(millimetres), metres(floats), atol=1e-5)
    assert 1.0 < metres(floats)[0, 0] < 5.0  # ahead of `base`; the body is none, so no better
    status = robot.diagnosis()
    values = {pair.key: pair.value for pair in status.values}
    assert values['scale_source'] == 'depth'
    assert 0.0 < float(values['distance_sigma_m']) < 1.0
    assert status.level == DiagnosticStatus.OK
    assert robot.ask().scale_source == Pose3D.SCALE_BODY  # no depth image of that stamp
    status = robot.diagnosis()
    assert 'no depth image within 0.05 s of the image; the nearest is 0.07 s older' in (
        status.message
    )
    assert {pair.key: pair.value for pair in status.values}['scale_source'] == 'body'


def test_a_depth_image_that_is_none_costs_the_depth_alone(robot):
    bad = robot.number('frames_bad')
    robot.send_depth(np.uint16(2500), 'rgb9')
    assert robot.ask().scale_source == Pose3D.SCALE_BODY
    status = robot.diagnosis()
    assert status.level == DiagnosticStatus.WARN
    assert "depth image skipped: 'rgb9'" in status.message
    assert robot.number('frames_bad') == bad


def test_a_frame_that_tf_does_not_know_is_kept(robot):
    pose = robot.ask(frame_id='loose_optical')
    assert pose.header.frame_id == 'loose_optical'
    assert pose.reference == Pose3D.REFERENCE_CAMERA
    assert {m.header.frame_id for m in robot.markers[-1].markers} == {'loose_optical'}
    said = lambda: "no transform from 'loose_optical'" in robot.diagnosis().message  # noqa: E731
    robot.graph.wait(said, what='warning')
    known = robot.ask()
    moved = metres(pose) @ np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]]) + [0.1, 0, 1.2]
    np.testing.assert_allclose(metres(known), moved, atol=1e-5)
    np.testing.assert_allclose(rows([known.root]), metres(known)[:1], atol=1e-5)
    covariance = np.reshape(known.root_covariance, (3, 3))
    sight = rows([known.root])[0] - [0.1, 0.0, 1.2]  # from the camera
    assert abs(np.linalg.eigh(covariance)[1][:, 2] @ sight) > 0.99 * np.linalg.norm(sight)
    people = robot.graph.collect(PersonArray, '/robot1/people')
    robot.ask()
    robot.graph.wait(lambda: people, what='people', again=robot.ask)
    frames = {people[-1].header.frame_id, people[-1].people[0].pose.header.frame_id}
    assert frames == {'base'}
    robot.graph.wait(lambda: not said(), what='end of the warning')


def test_a_recording_that_starts_again_empties_the_clip(robot):
    for _ in range(4):
        robot.ask()
    assert robot.actions[-1].frames_used > 4
    robot.send_depth(np.float32(2.5), '32FC1')
    robot.ask()
    before = robot.diagnosis()
    robot.deliver(robot.images, robot.next(step_ns=-90 * 10**9))  # one alone is not believed
    pose = robot.ask()
    assert stamp_from_msg(pose.header.stamp) < 20 * 10**9
    assert robot.actions[-1].frames_used == 1
    assert stamp_from_msg(robot.actions[-1].clip_start) == robot.stamp_ns
    robot.ask()
    assert robot.actions[-1].frames_used == 2
    robot.send_depth(np.float32(2.5), '32FC1')
    robot.ask()
    after = robot.diagnosis()
    assert after.message == before.message == 'running'
    assert after.level == before.level == DiagnosticStatus.OK


def test_no_calibration_means_no_metres_before_the_camera(robot):
    robot.calibrate(0.0)
    pose = robot.ask()
    assert (pose.reference, pose.header.frame_id) == (Pose3D.REFERENCE_ROOT, 'base')
    assert math.isnan(pose.joints[3].position.z)
    ahead = np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]])  # of the camera, in `base`
    turned = rows(joint.from_root for joint in pose.joints)
    loose = robot.ask(frame_id='loose_optical')  # which tf does not know
    np.testing.assert_allclose(turned, rows(j.from_root for j in loose.joints) @ ahead, atol=1e-5)
    label = robot.markers[-1].markers[2]
    assert 'root-relative' in label.text
    said = lambda: 'CameraInfo is uncalibrated' in robot.diagnosis().message  # noqa: E731
    robot.graph.wait(said, what='warning')
    robot.calibrate(150.0)
    assert robot.ask().reference == Pose3D.REFERENCE_CAMERA
    robot.graph.wait(lambda: not said(), what='end of the warning')
    robot.calibrate(0.0)


def test_the_debug_image_is_made_for_those_who_look(robot):
    images, asked = robot.graph.collect(Image, '/robot1/pose_action/debug_image'), {}

    def ask():
        pose = robot.ask()
        asked[stamp_from_msg(pose.header.stamp)] = pose

    ask()
    robot.graph.wait(lambda: images, what='debug image', again=ask)
    image = images[-1]
    pose = asked[stamp_from_msg(image.header.stamp)]
    assert (image.encoding, image.height, image.width) == ('bgr8', HEIGHT, WIDTH)
    assert (image.header.stamp, image.header.frame_id) == (pose.header.stamp, FRAME)
    plain = cv2.imdecode(np.frombuffer(robot.jpeg, np.uint8), cv2.IMREAD_COLOR)
    drawn = np.frombuffer(image.data, np.uint8).reshape(plain.shape)
    changed = (drawn != plain).any(axis=2).mean()
    assert 0.005 < changed < 0.5


def test_who_leaves_leaves_no_ghost(robot):
    track = robot.ask().track_id
    refused = robot.set('track.max_people', 2.0)
    assert not refused.successful
    assert 'type' in refused.reason
    assert robot.set('track.lost_after_s', 0.1).successful
    assert robot.set('track.min_confidence', 1.0).successful
    count = len(robot.poses)
    robot.markers.clear()
    for _ in range(2):
        robot.deliver(robot.images, robot.next())
    robot.graph.wait(lambda: robot.markers, what='DELETE markers', again=robot.send)
    assert len(robot.poses) == count
    markers = [m for array in robot.markers for m in array.markers]
    assert {(m.ns, m.id, m.action) for m in markers} == {
        (name, track, Marker.DELETE) for name in ('joints', 'bones', 'label')
    }


@pytest.mark.skipif(find_vision_msgs() is None, reason='needs vision_msgs')
def test_people_from_a_detector(robot):
    msgs = find_vision_msgs()
    assert robot.change(Transition.TRANSITION_DEACTIVATE)
    assert robot.change(Transition.TRANSITION_CLEANUP)
    assert robot.set('person_source', 'detections').successful
    assert robot.set('track.min_confidence', 0.0).successful
    assert robot.change(Transition.TRANSITION_CONFIGURE)
    assert robot.change(Transition.TRANSITION_ACTIVATE)
    boxes_of = robot.graph.publisher(msgs.Detection2DArray, '/robot1/detections')
    classified = robot.graph.collect(msgs.Classification, '/robot1/classification')
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    infos = robot.graph.collect(msgs.LabelInfo, '/robot1/label_info', latched)
    robot.graph.wait(lambda: boxes_of.get_subscription_count() and infos, what='label_info')

    def show(*boxes):
        array = msgs.Detection2DArray()
        array.header.stamp = stamp_to_msg(MAKE, robot.stamp_ns + PERIOD_NS)
        for name, x in boxes:
            detection = msgs.Detection2D()
            detection.bbox.center.position.x, detection.bbox.center.position.y = x, 60.0
            detection.bbox.size_x = detection.bbox.size_y = 60.0
            hypothesis = msgs.ObjectHypothesis(class_id=name, score=0.9)
            detection.results = [msgs.ObjectHypothesisWithPose(hypothesis=hypothesis)]
            array.detections.append(detection)
        robot.deliver(boxes_of, array)

    robot.poses.clear()
    for _ in range(16):
        show(('person', 40.0), ('person', 120.0), ('dog', 80.0))
        robot.ask()
    assert classified == []  # of whom would it be?
    assert robot.set('track.lost_after_s', 0.1).successful
    for _ in range(3):
        show(('person', 40.0))
        robot.ask()
    robot.graph.wait(lambda: classified, what='classification')
    assert len(robot.poses) == 35
    assert len({pose.track_id for pose in robot.poses}) == 2
    names = {c.class_id: c.class_name for c in infos[0].class_map}
    best = {names[int(c.results[0].class_id)] for c in classified[-1:]}
    labels = {a.labels[int(np.argmax(a.scores))] for a in robot.actions[-1:]}
    assert best == labels
    show(('0', 40.0))
    robot.send()
    robot.graph.spin(0.5)
    assert len(robot.poses) == 35


def test_its_log_has_one_clear_line_for_each_failure(robot):
    status, log = robot.graph.stop('pose_action_node')
    assert status == 0
    assert 'Traceback' not in log
    errors = [line for line in log.splitlines() if '[ERROR]' in line]
    expected = ['/no/such.safetensors', 'torn.safetensors', "'cuda:77'"]
    expected += [] if find_vision_msgs() else ['vision_msgs']
    assert len(errors) == len(expected), errors
    for line, words in zip(errors, expected, strict=True):
        assert 'not configured' in line
        assert words in line
    said = {
        f'{IMAGE} is offered with an incompatible QoS (RELIABILITY)': 1,
        'depth is offered with an incompatible QoS (RELIABILITY)': 1,
        'CameraInfo is uncalibrated': 1,
        "from 'loose_optical' to target_frame 'base'": 1,
    }
    assert {words: log.count(words) for words in said} == said
    assert f'no image on {IMAGE} for 2 s' in log
    assert 'no depth image within 0.05 s of the image' in log
