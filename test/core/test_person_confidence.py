"""A person's probability comes from the most certain joints."""

import numpy as np
import pytest

from pose_action_ros.core.person_confidence import certainty, person_confidence


def test_a_person_cut_off_by_the_edge_is_more_certain_than_a_thing_like_a_person():
    half_a_person = [0.99, 0.99, 0.98, *[0.01] * 14]
    thing = [0.7] * 17
    assert np.mean(half_a_person) < np.mean(thing)
    assert person_confidence(half_a_person) > 0.98
    assert person_confidence(thing) == pytest.approx(0.7)


def test_it_is_a_logistic_function_of_the_certainty():
    assert certainty([0.5, 0.5, 0.5, 0.1]) == pytest.approx(0.0)
    assert certainty([0.9, 0.5, 0.1, 0.05]) == pytest.approx(0.0)
    middle = [0.5] * 5
    assert person_confidence(middle, 2.0, -1.0) == pytest.approx(1.0 / (1.0 + np.e))
    assert person_confidence([0.9] * 5, 2.0) == pytest.approx(81.0 / 82.0)


def test_impossible_confidences_are_limited_and_axes_kept():
    values = np.array([[np.zeros(17), np.ones(17)]], np.float32)
    found = person_confidence(values)
    assert found.shape == (1, 2)
    np.testing.assert_allclose(found[0], [0.001, 0.999])


@pytest.mark.parametrize('gain', [1e-6, 8192.0])
def test_any_gain_gives_a_probability(gain):
    found = person_confidence([[0.0] * 17, [1.0] * 17], gain, -100.0)
    assert ((found >= 0.0) & (found <= 1.0)).all()


def test_fewer_than_three_joints():
    assert person_confidence([0.8]) == pytest.approx(0.8)
