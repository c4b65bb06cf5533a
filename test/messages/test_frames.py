"""A transform as tf2 reads it."""

import numpy as np
import pytest

from pose_action_ros.geometry.camera_placement import level_placement
from pose_action_ros.messages.frames import transform_to_msg


def test_an_optical_frame_in_a_world_with_z_up(make, header):
    msg = transform_to_msg(make, header, 'camera_optical_frame', level_placement(1.2))
    assert (msg.header.frame_id, msg.child_frame_id) == ('left_optical', 'camera_optical_frame')
    place, turn = msg.transform.translation, msg.transform.rotation
    assert (place.x, place.y, place.z) == (0.0, 0.0, 1.2)
    # The turn of REP 103 from a body's axes to an optical frame, either sign.
    found = np.array([turn.x, turn.y, turn.z, turn.w])
    assert found * np.sign(found[3]) == pytest.approx([-0.5, 0.5, -0.5, 0.5])
