"""Results: what a frame without anybody and a person without metres look like."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from pose_action_ros.core.predictions import (
    FramePrediction,
    PersonBox,
    PersonPrediction,
    ScaleSource,
)


def test_an_empty_frame():
    frame = FramePrediction(stamp_ns=5)
    assert frame.persons == ()
    assert frame.ended_tracks == ()


def test_a_person_has_no_metres_unless_told():
    person = PersonPrediction(1, PersonBox(1.0, 2.0, 3.0), 'pa17j', np.zeros((17, 2)), np.ones(17))
    assert person.joints_root_m is None
    assert person.joints_camera_m is None
    assert person.scale_source == ScaleSource.NONE == 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        person.track_id = 2


def test_scale_sources_are_those_of_the_message():
    message = (Path(__file__).parents[2] / 'msg' / 'Pose3D.msg').read_text()
    for source in ScaleSource:
        assert f'SCALE_{source.name}={source.value} ' in message


@pytest.mark.parametrize(
    ('box', 'usable'),
    [
        ((50, 40, 100), True),
        ((-10, 40, 30), True),
        ((-20, 40, 30), False),
        ((50, 40, 400), True),
        ((50, 40, 401), False),
        ((50, 40, 0.5), False),
        ((50, 40, math.nan), False),
        ((50, math.inf, 10), False),
    ],
)
def test_a_box_is_usable_in_an_image_that_it_reaches(box, usable):
    assert PersonBox(*box).is_usable(100, 80) == usable
