"""`people` and what stands beside it, over DDS with nodes in processes of their own."""

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import TransformStamped
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest
from std_srvs.srv import Trigger

from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.messages.stamp import stamp_from_msg, stamp_to_msg
from pose_action_ros.msg import ActionLabel, JointLayout, PersonArray, Pose3D
from pose_action_ros.ros.message_types import MAKE

pytestmark = pytest.mark.ros
PERIOD_NS = 66_666_667
FRAME = 'optical'
PIXELS = np.random.default_rng(1).integers(0, 255, (120, 160, 3), np.uint8)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
# Stands in for tf2: what would go to /tf goes to a topic of the same messages, one by one.
TF2 = """
from geometry_msgs.msg import TransformStamped


class TransformBroadcaster:
    def __init__(self, node):
        self.pub_tf = node.create_publisher(TransformStamped, '/tf_of_the_test', 100)

    def sendTransform(self, transforms):
        for transform in transforms:
            self.pub_tf.publish(transform)
"""


class Watcher:
    """Shows a node images, and keeps all that it says of them."""

    def __init__(self, graph):
        self.graph = graph
        self.stamp_ns = 100 * 10**9
        self.images = graph.publisher(Image, 'image')
        self.infos = graph.publisher(CameraInfo, 'camera_info')
        self.regions = graph.publisher(RegionOfInterest, 'roi')
        self.people = graph.collect(PersonArray, 'people', 100)
        self.poses = graph.collect(Pose3D, 'poses', 100)
        self.actions = graph.collect(ActionLabel, 'actions', 100)

    def show(self, step_ns=PERIOD_NS):
        """Show one image; return the one message on `people` of its stamp."""
        self.stamp_ns += step_ns
        msg = Image(height=120, width=160, encoding='rgb8', step=480)
        msg.data.frombytes(PIXELS.tobytes())
        msg.header.frame_id, msg.header.stamp = FRAME, stamp_to_msg(MAKE, self.stamp_ns)
        self.graph.deliver(self.images, msg)
        found = lambda: [  # noqa: E731
            array for array in self.people if stamp_from_msg(array.header.stamp) == self.stamp_ns
        ]
        self.graph.wait(found, what='people of the image')
        (array,) = found()
        shown = sum(len(array.people) for array in self.people)
        parts = self.poses, self.actions  # which come on topics of their own
        self.graph.wait(lambda: min(map(len, parts)) >= shown, what='poses and actions')
        assert [len(part) for part in parts] == [shown, shown]  # none of an empty image
        return array

    def set(self, name, value):
        kinds = {
            float: (ParameterType.PARAMETER_DOUBLE, 'double_value'),
            str: (ParameterType.PARAMETER_STRING, 'string_value'),
        }
        kind, field = kinds[type(value)]
        parameter = Parameter(name=name, value=ParameterValue(type=kind, **{field: value}))
        request = SetParameters.Request(parameters=[parameter])
        return self.graph.call(SetParameters, '/pose_action/set_parameters', request).results[0]

    def calibrate(self, focal):
        info = CameraInfo(height=120, width=160, distortion_model='plumb_bob', d=[0.0] * 5)
        info.k = np.array([focal, 0, 79.5, 0, focal, 59.5, 0, 0, 1])
        self.graph.deliver(self.infos, info)


def start(graph, weights, *remaps, path=None, **parameters):
    """Start a node that believes whatever an untrained network sees."""
    settings = {
        'model.weights': weights,
        'model.backend': 'torch',
        'model.precision': 'float32',
        'model.threads': 1,
        'person_source': 'roi',
        'track.min_confidence': 0.0,
        'track.min_joint_confidence': 0.0,
        'track.lost_after_s': 0.3,
    }
    graph.start('pose_action_node', *remaps, path=path, **{**settings, **parameters})
    watcher = Watcher(graph)
    state = lambda: graph.call(GetState, '/pose_action/get_state', GetState.Request())  # noqa: E731
    graph.wait(lambda: state().current_state.id == State.PRIMARY_STATE_ACTIVE, what='active')
    watcher.graph.deliver(watcher.regions, RegionOfInterest(width=160, height=120))
    return watcher


@pytest.fixture(scope='module')
def watcher(shared_graph, weights):
    return start(shared_graph, weights)


def refusals(statuses):
    """What the node says of a configuration that has failed."""
    texts = [array.status[0].message for array in statuses]
    return [text for text in texts if text.startswith('not configured: ')]


def rows(vectors):
    return np.array([(v.x, v.y, v.z) for v in vectors])


def test_people_are_the_poses_and_actions_of_the_image(watcher):
    array = watcher.show()
    assert array.header.frame_id == FRAME
    assert (array.model, array.clip_frames, list(array.ended_tracks)) == ('compact', 16, [])
    (person,) = array.people
    assert str(person.pose) == str(watcher.poses[-1])  # NaN among them
    assert person.action == watcher.actions[-1]
    assert person.track_id == person.pose.track_id == person.action.track_id
    assert person.confidence == person.pose.confidence


def test_a_label_is_silent_until_its_clip_is_full(watcher):
    watcher.graph.call(Trigger, '/pose_action/reset', Trigger.Request())
    actions = [watcher.show().people[0].action for _ in range(17)]
    assert [action.valid for action in actions] == [False] * 15 + [True] * 2
    for action in actions[:15]:
        assert (action.label, action.confidence) == ('', 0.0)
        assert sum(action.scores) == pytest.approx(1.0, abs=1e-5)
    for action in actions[15:]:
        assert action.label in action.labels
        assert action.confidence == pytest.approx(max(action.scores))


def test_an_empty_image_says_so_and_the_track_ends_after_seconds_of_stamps(watcher):
    track = watcher.show().people[0].track_id
    assert watcher.set('track.min_confidence', 1.0).successful
    assert watcher.set('track.lost_after_s', 0.3).successful
    quick = [watcher.show(step_ns=10_000_000) for _ in range(20)]  # many images, 0.2 s
    late = [watcher.show(step_ns=step_ns) for step_ns in (99_000_000, 2_000_000, 10_000_000)]
    assert all(len(array.people) == 0 for array in [*quick, *late])
    ends = [list(array.ended_tracks) for array in [*quick, *late]]
    assert ends == [[]] * 21 + [[track], []]
    assert watcher.set('track.min_confidence', 0.0).successful
    assert watcher.show().people[0].track_id > track


def test_a_reset_ends_its_tracks_with_the_next_image(watcher):
    track = watcher.show().people[0].track_id
    watcher.graph.call(Trigger, '/pose_action/reset', Trigger.Request())
    array = watcher.show()
    assert list(array.ended_tracks) == [track]
    assert array.people[0].track_id > track
    assert list(watcher.show().ended_tracks) == []


def test_who_comes_late_still_hears_of_the_skeleton(watcher):
    layouts = watcher.graph.collect(JointLayout, '/pose_action/skeleton', LATCHED)
    watcher.graph.wait(lambda: layouts, what='skeleton')
    (layout,) = layouts
    pose = watcher.show().people[0].pose
    assert layout.name == pose.layout
    assert layout.joint_names == [joint.name for joint in pose.joints]
    assert list(zip(layout.bone_from, layout.bone_to, strict=True)) == list(PA17J.drawn_links)
    assert layout.joint_names[layout.root] == 'pelvis'


def test_without_a_calibration_joints_are_told_from_the_root(watcher):
    pose = watcher.show().people[0].pose
    assert pose.reference == Pose3D.REFERENCE_ROOT
    assert rows(j.from_root for j in pose.joints)[0] == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)
    assert np.isfinite(rows(j.from_root for j in pose.joints)).all()
    assert np.isnan(rows(j.position for j in pose.joints)).all()
    assert np.isnan([*rows([pose.root, pose.velocity]).ravel(), *pose.root_covariance]).all()


def test_a_camera_gives_the_root_how_sure_it_is_and_how_fast(watcher):
    watcher.calibrate(150.0)
    pose = watcher.show().people[0].pose
    assert pose.reference == Pose3D.REFERENCE_CAMERA
    positions, offsets = (
        rows(getattr(j, name) for j in pose.joints) for name in ('position', 'from_root')
    )
    root = rows([pose.root])[0]
    np.testing.assert_allclose(positions[0], root, atol=1e-5)
    np.testing.assert_allclose(positions - root, offsets, atol=1e-4)
    covariance = np.reshape(pose.root_covariance, (3, 3))
    lengths, directions = np.linalg.eigh(covariance)
    assert (lengths > 0.0).all()
    sight = root / np.linalg.norm(root)
    assert abs(directions[:, 2] @ sight) > 0.99  # longest along the line of sight
    assert np.isnan(rows([pose.velocity])).all()
    speeds = [rows([watcher.show().people[0].pose.velocity])[0] for _ in range(30)]
    assert np.isfinite(speeds[-1]).all()  # of one image over and over: nobody moves
    assert np.linalg.norm(speeds[-1]) < 0.1
    watcher.calibrate(0.0)


def test_a_joint_that_is_not_seen_keeps_its_confidence(watcher):
    seen = [joint.confidence for joint in watcher.show().people[0].pose.joints]
    limit = (min(seen) + max(seen)) / 2.0
    assert watcher.set('track.min_joint_confidence', limit).successful
    hidden = [j for j in watcher.show().people[0].pose.joints if np.isnan(j.u)]
    assert watcher.set('track.min_joint_confidence', 0.0).successful
    assert [joint.confidence for joint in hidden] == pytest.approx(
        [confidence for confidence in seen if confidence < limit]
    )
    assert 0 < len(hidden) < len(seen)
    assert np.isnan(rows(joint.from_root for joint in hidden)).all()


def test_an_old_parameter_is_refused_with_its_new_name(watcher):
    refused = watcher.set('people.class_id', 'human')
    assert (refused.successful, refused.reason) == (
        False, 'people.class_id is now detections.class_id',
    )  # fmt: skip
    assert watcher.set('detections.class_id', 'human').successful
    watcher.show()


def test_it_ends_quietly(watcher):
    status, log = watcher.graph.stop('pose_action_node')
    assert status == 0
    assert 'Traceback' not in log


def test_an_old_parameter_ends_the_start_with_its_new_name(graph):
    graph.start('pose_action_node', **{'people.min_score': 0.7, 'autostart': 'false'})
    process = graph.processes.pop('pose_action_node')
    _, log = process.communicate(timeout=240)
    assert process.returncode == 1
    assert 'parameter people.min_score is now detections.min_score' in log
    assert 'Traceback' not in log


def test_a_rule_for_the_old_topic_of_the_detector_is_refused(graph):
    statuses = graph.collect(DiagnosticArray, '/diagnostics')
    graph.start('pose_action_node', 'people:=/detector/boxes', person_source='detections')
    graph.wait(lambda: refusals(statuses), what='refusal')
    assert 'remap detections:=' in refusals(statuses)[-1]


def test_people_are_frames_where_tf2_is(graph, weights, tmp_path):
    (tmp_path / 'tf2_ros.py').write_text(TF2)
    watcher = start(graph, weights, path=tmp_path, publish_tf='true')
    frames = graph.collect(TransformStamped, '/tf_of_the_test', 100)
    watcher.calibrate(150.0)
    graph.wait(lambda: graph.node.count_publishers('/tf_of_the_test') > 0, what='frames')
    graph.spin(1.0)
    pose = watcher.show().people[0].pose
    graph.wait(lambda: frames, what='frame of the person')
    frame = frames[-1]
    assert frame.header == pose.header
    assert frame.child_frame_id == f'person_{pose.track_id}'
    np.testing.assert_allclose(rows([frame.transform.translation]), rows([pose.root]), atol=1e-9)


def test_without_tf2_frames_are_refused(graph, weights, tmp_path):
    (tmp_path / 'tf2_ros.py').write_text('raise ImportError("not installed")')
    statuses = graph.collect(DiagnosticArray, '/diagnostics')
    graph.start('pose_action_node', path=tmp_path, publish_tf='true')
    graph.wait(lambda: refusals(statuses), what='refusal')
    assert 'publish_tf is true, but tf2_ros does not import' in refusals(statuses)[-1]
