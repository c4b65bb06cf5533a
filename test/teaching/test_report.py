"""What the report claims about the films that it counts."""

import json

import pytest

from pose_action_ros.teaching.judging import FilmScores
from pose_action_ros.teaching.report import write_report
from pose_action_ros.teaching.settings import TeachSettings


@pytest.fixture
def report(tmp_path, tiny_net):
    """The text of a report whose lesson started from certain weights."""
    actions = tiny_net.config.actions
    counts = [[int(i == j == 0) for j in range(len(actions))] for i in range(len(actions))]
    scores = FilmScores(1.0, (0.2, 1.0), {actions[0]: 1.0}, counts, 1, [], {})

    def write(weights, earlier):
        settings = TeachSettings(weights=weights)
        name = tmp_path / 'mine.safetensors'
        path = write_report(
            tmp_path, name, tiny_net.config, [], {'val': scores}, [], {}, settings, earlier
        )
        return path.read_text()

    return write


def test_data_of_the_initial_weights_limit_the_claim(report, tmp_path):
    text = report('people', ['lsp', 'films (jhmdb)'])
    assert 'None of these films was used in this training.' in text
    assert (
        'started from `people`, which was trained on lsp, films (jhmdb). If films of these data '
        'are among the films above, the score can be too high.'
    ) in text
    table = json.loads((tmp_path / 'report.json').read_text())
    assert table['training_data_of_weights'] == ['lsp', 'films (jhmdb)']


def test_weights_that_do_not_name_their_data_limit_it_too(report):
    assert 'which was trained on data that its file does not name' in report('w.safetensors', [])


def test_random_weights_have_seen_nothing(report):
    text = report('untrained:compact', [])
    assert 'was used in this training.' in text
    assert 'started from' not in text


def test_the_picture_says_how_many_are_right(report, tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr(
        'pose_action_ros.teaching.report.save_confusion_plot',
        lambda counts, names, path, title: titles.append((path.name, title)),
    )
    report('people', ['lsp'])
    assert titles == [('confusion.png', 'held-out films: 1 of 1 right')]
