"""The body prior: segments are differences of joints, in every layout that has a root."""

import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import SKELETONS, get_skeleton
from pose_action_ros.geometry import BodyPrior
from pose_action_ros.geometry.body import SEGMENTS, segment_matrix


@pytest.mark.parametrize('layout', [s.name for s in SKELETONS.values() if s.root is not None])
def test_segments_are_differences(layout):
    matrix = segment_matrix(layout)
    assert matrix.shape == (9, get_skeleton(layout).num_joints)
    np.testing.assert_array_equal(matrix.sum(axis=1), 0.0)
    row = matrix[list(SEGMENTS).index('left_elbow-left_wrist')]
    assert row[get_skeleton(layout).index('left_wrist')] == 1.0
    assert row[get_skeleton(layout).index('left_elbow')] == -1.0


def test_the_figure_has_the_lengths_of_the_prior(figure):
    lengths = np.linalg.norm(segment_matrix('pa17j') @ figure, axis=1)
    np.testing.assert_allclose(lengths, BodyPrior(height_m=1.70).lengths_m)


def test_lengths_grow_with_the_height():
    lengths = BodyPrior(height_m=2.0).lengths_m
    assert lengths[list(SEGMENTS).index('right_hip-right_knee')] == pytest.approx(0.455)


def test_matrix_can_not_be_changed():
    with pytest.raises(ValueError, match='read-only'):
        segment_matrix('pa17j')[0, 0] = 1.0


@pytest.mark.parametrize(
    'values', [{'height_m': 0.0}, {'height_m': 170.0}, {'height_sigma': 1.0}, {'segment_sigma': 0}]
)
def test_impossible_bodies_are_refused(values):
    with pytest.raises(ConfigError, match='must lie in'):
        BodyPrior(**values)


def test_a_layout_without_a_root_is_refused():
    with pytest.raises(ConfigError, match='no root'):
        segment_matrix('coco17j')
