"""Joints of every data set in every layout, against the authors' tables."""

import json
from pathlib import Path

import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import PA16J, PA17J, PA20J, PA21J
from pose_action_ros.data.layouts import PENN_JOINTS, named_joints, to_layout

TABLES = json.loads(
    (Path(__file__).parents[1] / 'fixtures' / 'pose_layouts.json').read_text(encoding='utf-8')
)


@pytest.mark.parametrize(
    ('skeleton', 'table', 'source', 'count'),
    [
        (PA16J, 'pa16j2d', 'ntu', 25),
        (PA17J, 'pa17j3d', 'h36m', 32),
        (PA17J, 'pa17j3d', 'ntu', 25),
        (PA20J, 'pa20j3d', 'h36m', 32),
        (PA20J, 'pa20j3d', 'ntu', 25),
        (PA21J, 'pa21j3d', 'h36m', 32),
    ],
)
def test_order_is_that_of_the_authors(skeleton, table, source, count):
    numbered = np.arange(count, dtype=float)[:, None] * [1.0, 10.0]
    expected = numbered[TABLES[table][f'map_from_{source}']]
    np.testing.assert_array_equal(to_layout(skeleton, source, numbered), expected)


@pytest.mark.parametrize(
    ('skeleton', 'table'), [(PA16J, 'pa16j2d'), (PA17J, 'pa17j3d'), (PA20J, 'pa20j3d')]
)
def test_mpii_goes_and_comes_back(skeleton, table):
    numbered = np.arange(16, dtype=float)[:, None]
    joints = to_layout(skeleton, 'mpii', numbered)
    assert joints.shape == (skeleton.num_joints, 1)
    np.testing.assert_array_equal(joints[TABLES[table]['map_to_mpii']], numbered)
    assert np.isnan(joints).sum() == skeleton.num_joints - 16


def test_absent_joints_are_nan_and_others_keep_their_names():
    joints = to_layout(PA20J, 'mpii', np.zeros((3, 16, 2)))
    absent = [n for n, j in zip(PA20J.joint_names, joints[0], strict=True) if np.isnan(j).any()]
    assert absent == ['right_hand', 'left_hand', 'right_foot', 'left_foot']


def test_h36m_in_16_joints_is_17_without_the_spine():
    numbered = np.arange(32, dtype=float)[:, None]
    np.testing.assert_array_equal(
        to_layout(PA16J, 'h36m', numbered), to_layout(PA17J, 'h36m', numbered)[:16]
    )


def test_penn_by_table_and_by_name():
    numbered = np.arange(13, dtype=float)[:, None]
    by_table = to_layout(PA16J, 'penn_action', numbered)[:, 0]
    np.testing.assert_array_equal(by_table, [np.nan] * 3 + list(range(13)))
    by_name = named_joints(PA16J, PENN_JOINTS, numbered)[:, 0]
    assert by_name[PA16J.index('left_shoulder')] == 1
    assert by_name[PA16J.index('right_ankle')] == 12
    assert np.isnan(by_name[:3]).all()


def test_an_unknown_source_is_refused():
    with pytest.raises(ConfigError, match='no table of joints'):
        to_layout(PA16J, 'coco', np.zeros((17, 2)))
