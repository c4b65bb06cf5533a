"""Moving results into another frame; tf2 itself is stood in for."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Quaternion, TransformStamped, Vector3
from std_msgs.msg import Header

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.messages.markers import MarkerBuilder, MarkerSettings
from pose_action_ros.msg import Joint, Pose3D
from pose_action_ros.ros.message_types import MAKE
from pose_action_ros.ros.target_frame import FrameTransform, TargetFrame

HEADER = Header(stamp=Time(sec=5, nanosec=7), frame_id='optical')


def looking_ahead():
    """A camera 1.2 m above the base that looks ahead: optical z is x, x is -y, y is -z."""
    msg = TransformStamped(header=Header(frame_id='base'), child_frame_id='optical')
    msg.transform.rotation = Quaternion(x=-0.5, y=0.5, z=-0.5, w=0.5)
    msg.transform.translation = Vector3(x=0.1, y=0.0, z=1.2)
    return msg


def pose(reference=Pose3D.REFERENCE_CAMERA):
    joints = [Joint(name=name, position=Point(x=0.5, y=0.2, z=3.0)) for name in PA17J.joint_names]
    for joint in joints:
        joint.from_root = Vector3(x=0.5, y=0.2, z=0.0)
    joints[3].position.x = np.nan
    return Pose3D(
        header=HEADER,
        joints=joints,
        reference=reference,
        root=Point(x=0.0, y=0.0, z=3.0),
        root_covariance=np.diag([0.01, 0.02, 0.5]).ravel(),
        velocity=Vector3(x=0.0, y=0.0, z=1.0),
    )


def test_a_pose_moves_with_its_markers():
    transform = FrameTransform.from_msg(looking_ahead())
    msg = pose()
    markers = MarkerBuilder(MAKE, PA17J, MarkerSettings()).build(msg, 'wave')
    transform.move_pose(msg)
    transform.move_markers(markers)
    assert (msg.header.frame_id, msg.header.stamp) == ('base', HEADER.stamp)
    place = msg.joints[0].position
    assert (place.x, place.y, place.z) == pytest.approx((3.1, -0.5, 1.0))
    assert np.isnan(msg.joints[3].position.x)
    assert (msg.root.x, msg.root.y, msg.root.z) == pytest.approx((3.1, 0.0, 1.2))
    offset, velocity = msg.joints[3].from_root, msg.velocity
    assert (offset.x, offset.y, offset.z) == pytest.approx((0.0, -0.5, -0.2))
    assert (velocity.x, velocity.y, velocity.z) == pytest.approx((1.0, 0.0, 0.0))
    covariance = np.reshape(msg.root_covariance, (3, 3))  # long along the line of sight: x
    np.testing.assert_allclose(covariance, np.diag([0.5, 0.01, 0.02]), atol=1e-12)
    joints, _, label = markers
    assert {m.header.frame_id for m in markers} == {'base'}
    assert (joints.points[0].x, joints.points[0].z) == pytest.approx((3.1, 1.0))
    assert (joints.pose.position.x, joints.pose.position.z) == (0.0, 0.0)
    assert label.pose.position.z == pytest.approx(1.3)  # above the head, in any frame
    assert HEADER.frame_id == 'optical'


@pytest.mark.parametrize('reference', [Pose3D.REFERENCE_ROOT, Pose3D.REFERENCE_IMAGE])
def test_what_has_no_place_is_turned_alone(reference):
    msg = pose(reference)
    msg.root.x = msg.joints[0].position.x = np.nan
    FrameTransform.from_msg(looking_ahead()).move_pose(msg)
    assert msg.header.frame_id == 'base'
    assert np.isnan([msg.root.x, msg.joints[0].position.x]).all()
    offset = msg.joints[0].from_root
    assert (offset.x, offset.y, offset.z) == pytest.approx((0.0, -0.5, -0.2))


def test_quaternions_turn_as_they_should():
    msg = looking_ahead()
    half = np.sqrt(0.5)
    msg.transform.rotation = Quaternion(z=2 * half, w=2 * half)  # 90 degrees about z, not unit
    turned = FrameTransform.from_msg(msg).rotation @ [1.0, 0.0, 0.0]
    assert turned == pytest.approx([0.0, 1.0, 0.0], abs=1e-12)


@pytest.fixture
def tf2(monkeypatch):
    """A stand-in for tf2_ros that knows one transform, and notes what it is asked."""
    module = ModuleType('tf2_ros')
    module.TransformException = type('TransformException', (Exception,), {})
    module.asked = []

    class Buffer:
        def lookup_transform(self, target, source, stamp, timeout):
            module.asked.append((target, source, stamp.nanoseconds))
            if source != 'optical':
                raise module.TransformException(f'{source} is not known')
            return looking_ahead()

        def clear(self):
            module.asked.append('clear')

    module.Buffer = Buffer
    module.TransformListener = lambda buffer, node: SimpleNamespace(unregister=lambda: None)
    monkeypatch.setitem(sys.modules, 'tf2_ros', module)
    return module


def node(warnings):
    logger = SimpleNamespace(warning=lambda text, **_: warnings.append(text))
    return SimpleNamespace(get_logger=lambda: logger)


def test_it_is_looked_up_at_the_stamp_and_failure_is_reported(tf2):
    target = TargetFrame(node([]), 'base')
    assert target.at(HEADER).frame_id == 'base'
    assert target.problem == ''
    assert tf2.asked == [('base', 'optical', 5_000_000_007)]
    assert target.at(Header(stamp=HEADER.stamp, frame_id='elsewhere')) is None
    assert "stay in 'elsewhere'" in target.problem
    target.at(Header(stamp=Time(sec=1), frame_id='optical'))
    assert target.problem == ''
    assert tf2.asked[-2:] == ['clear', ('base', 'optical', 10**9)]
    target.close()


def test_without_tf2_a_target_frame_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, 'tf2_ros', None)
    with pytest.raises(ConfigError, match=r"'base'.*tf2_ros"):
        TargetFrame(node([]), 'base')
