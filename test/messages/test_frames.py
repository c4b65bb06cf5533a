"""A transform as tf2 reads it."""

import numpy as np
import pytest

from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.geometry.camera_placement import level_placement
from pose_action_ros.messages.frames import person_frame_to_msg, transform_to_msg


def test_an_optical_frame_in_a_world_with_z_up(make, header):
    msg = transform_to_msg(make, header, 'camera_optical_frame', level_placement(1.2))
    assert (msg.header.frame_id, msg.child_frame_id) == ('left_optical', 'camera_optical_frame')
    place, turn = msg.transform.translation, msg.transform.rotation
    assert (place.x, place.y, place.z) == (0.0, 0.0, 1.2)
    # The turn of REP 103 from a body's axes to an optical frame, either sign.
    found = np.array([turn.x, turn.y, turn.z, turn.w])
    assert found * np.sign(found[3]) == pytest.approx([-0.5, 0.5, -0.5, 0.5])


@pytest.fixture
def facing(make, header):
    """Somebody 3 m before a camera who looks into it: their left is on the right of the image."""

    def build(**unseen):
        nan = unseen.get('unseen', ())
        places = dict.fromkeys(PA17J.joint_names, (0.0, 0.0, 0.0))
        for side, x in (('left', 0.2), ('right', -0.2)):
            places |= {f'{side}_shoulder': (x, -0.5, 0.0), f'{side}_hip': (x, 0.0, 0.0)}
        places |= dict.fromkeys(nan, (np.nan,) * 3)
        joints = [
            make(
                'pose_action_ros/Joint',
                name=name,
                from_root=make('geometry_msgs/Vector3', **dict(zip('xyz', place, strict=True))),
            )
            for name, place in places.items()
        ]
        root = make('geometry_msgs/Point', x=unseen.get('x', 0.5), y=0.1, z=3.0)
        return make('pose_action_ros/Pose3D', header=header, track_id=7, joints=joints, root=root)

    return build


def test_a_person_is_a_frame_at_the_pelvis(make, header, facing):
    msg = person_frame_to_msg(make, facing(), PA17J)
    assert (msg.header, msg.child_frame_id) == (header, 'person_7')
    place, q = msg.transform.translation, msg.transform.rotation
    assert (place.x, place.y, place.z) == (0.5, 0.1, 3.0)
    # x points out of the chest, to the camera (-z of the image); z to the head (-y of the image).
    chest = (1 - 2 * (q.y**2 + q.z**2), 2 * (q.x * q.y + q.w * q.z), 2 * (q.x * q.z - q.w * q.y))
    head = (2 * (q.x * q.z + q.w * q.y), 2 * (q.y * q.z - q.w * q.x), 1 - 2 * (q.x**2 + q.y**2))
    assert chest == pytest.approx((0.0, 0.0, -1.0))
    assert head == pytest.approx((0.0, -1.0, 0.0))


def test_without_a_hip_the_axes_are_those_of_the_parent(make, facing):
    q = person_frame_to_msg(make, facing(unseen=['left_hip']), PA17J).transform.rotation
    assert (q.x, q.y, q.z, q.w) == (0.0, 0.0, 0.0, 1.0)


def test_without_a_place_there_is_no_frame(make, facing):
    assert person_frame_to_msg(make, facing(x=np.nan), PA17J) is None
