"""Progress: bars on a terminal, elsewhere a line now and then with the time that is left."""

import logging
import re

from pose_action_ros.training import reporting
from pose_action_ros.training.run import train


def test_without_a_bar_a_line_says_how_far_it_is(monkeypatch, caplog):
    clock_s = iter(range(0, 1000, 30))
    monkeypatch.setattr(reporting.time, 'monotonic', lambda: next(clock_s))
    with caplog.at_level(logging.INFO):
        found = list(reporting.track(range(7), 'films', total=7, shown=False))
    assert found == list(range(7))
    assert [record.getMessage() for record in caplog.records] == [
        'films: 2/7, 2 min left',
        'films: 4/7, 2 min left',
        'films: 6/7, 0 min left',
    ]


def test_the_bar_counts_epochs_from_1(tiny_run, monkeypatch, capsys):
    monkeypatch.setenv('FORCE_COLOR', '1')  # a terminal, for rich
    settings = tiny_run(pose={'epochs': 2}, action={'epochs': 0}, finetune={'epochs': 0})
    train(settings, progress=True)
    out, err = capsys.readouterr()
    assert set(re.findall(r'Epoch (\d+/\d+)', err)) == {'1/2', '2/2'}
    assert 'Epoch' not in out
