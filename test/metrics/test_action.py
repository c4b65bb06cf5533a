"""Action metrics by hand."""

import math

import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.metrics import accuracy, confusion_matrix, multiply_clips


def test_accuracy():
    scores = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.5, 0.5]]
    assert accuracy(scores, [0, 1, 1, 0]) == 0.75
    assert math.isnan(accuracy(np.zeros((0, 3)), np.zeros(0, int)))
    with pytest.raises(ConfigError, match='expected'):
        accuracy(scores, [0, 1])


def test_confusion_rows_are_the_truth():
    matrix = confusion_matrix([0, 1, 1, 2], [0, 0, 1, 2], 3)
    np.testing.assert_array_equal(matrix, [[1, 1, 0], [0, 1, 0], [0, 0, 1]])
    assert matrix.dtype == np.int64


def test_confusion_refuses_indices_that_are_no_class():
    with pytest.raises(ConfigError, match='from 0 to 3'):
        confusion_matrix([0, 3], [0, 1], 3)
    with pytest.raises(ConfigError, match=r'twice \(N,\)'):
        confusion_matrix([0, 1], [0], 3)


def test_clips_are_multiplied():
    # Sequence 0: 0.6 * 0.2 against 0.4 * 0.8, so the second class wins by 0.32 to 0.12.
    scores = [[0.6, 0.4], [0.9, 0.1], [0.2, 0.8]]
    found = multiply_clips(scores, [0, 2, 0], 3)
    np.testing.assert_allclose(found, [[0.12 / 0.44, 0.32 / 0.44], [0.5, 0.5], [0.9, 0.1]])
    assert found[1].argmax() == 0  # no clip: the first class


def test_many_clips_do_not_underflow():
    found = multiply_clips(np.tile([[1e-3, 2e-3, 0.0]], (500, 1)), np.zeros(500, int), 1)
    np.testing.assert_allclose(found, [[0.0, 1.0, 0.0]], atol=1e-12)


def test_multiply_refuses_what_does_not_fit():
    with pytest.raises(ConfigError, match='outside 0 to 1'):
        multiply_clips([[0.5, 0.5]], [2], 2)
    with pytest.raises(ConfigError, match='expected'):
        multiply_clips([0.5, 0.5], [0, 1], 2)


def test_a_clip_that_all_but_rules_a_class_out_counts_as_such():
    found = multiply_clips([[1e-6, 1.0 - 1e-6], [0.9, 0.1]], [0, 0], 1)
    assert found[0, 0] / found[0, 1] == pytest.approx(9e-6, rel=1e-4)
