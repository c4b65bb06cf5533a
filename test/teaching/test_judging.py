"""Shares of right films, by hand."""

import math

import numpy as np
import pytest

from pose_action_ros.teaching import judging
from pose_action_ros.teaching.judging import judge_films, most_confused


class Net:
    """Knows three actions; the scores of a film are the film itself."""

    class config:  # noqa: N801
        actions = ('come', 'go', 'other')

    def eval(self):
        return self


@pytest.fixture(autouse=True)
def scores_are_given(monkeypatch):
    monkeypatch.setattr(judging, 'film_scores', lambda net, film: film)


def test_shares_confusion_and_films_of_nobody():
    films = [
        ('come/1', 0, np.array([0.8, 0.1, 0.1])),
        ('come/2', 0, np.array([0.1, 0.8, 0.1])),
        ('come/3', 0, None),
        ('go/1', 1, np.array([0.0, 0.9, 0.1])),
    ]
    scores = judge_films(Net(), films)
    assert scores.accuracy == 0.5
    assert scores.recall == {'come': pytest.approx(1 / 3), 'go': 1.0}
    assert scores.confusion == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert (scores.films, scores.unseen, scores.wrong) == (4, ['come/3'], {'come/2': 'go'})
    assert scores.interval == pytest.approx((0.1500, 0.8500), abs=1e-4)  # Wilson, 2 of 4
    assert most_confused(scores.confusion, Net.config.actions) == [('come', 'go', 1)]


def test_no_films():
    scores = judge_films(Net(), [])
    assert math.isnan(scores.accuracy)
    assert scores.interval == (0.0, 1.0)
