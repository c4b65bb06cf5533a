"""Windows of the data sets, against the authors' code or computed by hand."""

from pathlib import Path

import numpy as np
import pytest

from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.data.windows import (
    corner_box,
    h36m_window,
    joints_window,
    mpii_window,
    union_box,
)

REFERENCE = np.load(Path(__file__).parents[1] / 'fixtures' / 'geometry_metrics_ref.npz')


def test_h36m_window_is_the_authors():
    x, y, depth_mm = REFERENCE['h36m_root'][0]
    box = h36m_window((x, y), depth_mm / 1000, REFERENCE['f'][0], REFERENCE['h36m_imgsize'])
    assert [box.center_x, box.center_y] == pytest.approx(REFERENCE['h36m_objpos'].tolist())
    assert [box.size, box.size] == pytest.approx(REFERENCE['h36m_winsize'].tolist())


def test_mpii_window():
    assert mpii_window((100.0, 50.0), 2.0) == PersonBox(100.0, 50.0 + 12 * 2.5, 500.0)


def test_joints_window_spans_first_middle_and_last_frame():
    joints = np.full((5, 2, 2), np.nan)
    joints[0] = [[0, 0], [40, 20]]  # window 60 about (20, 10)
    joints[1] = [[900, 900], [950, 950]]  # not looked at
    joints[3] = [[100, 0], [140, 20]]  # the middle, 5 / 2 rounded up; 60 about (120, 10)
    box = joints_window(joints, (640, 480))
    assert box == PersonBox(70.0, 10.0, 160.0)
    nobody = joints_window(np.full((4, 2, 2), np.nan), (640, 480))
    assert nobody == PersonBox(320.0, 240.0, 640.0)


def test_boxes_that_hold_others():
    assert corner_box((0, 10, 30, 20)) == PersonBox(15.0, 15.0, 30.0)
    assert union_box([PersonBox(0, 0, 2), PersonBox(5, 1, 4)]) == PersonBox(3.0, 1.0, 8.0)
