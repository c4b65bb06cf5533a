"""Progress where no bar is shown: a line now and then, with what is left."""

import logging

from pose_action_ros.training import reporting


def test_without_a_bar_a_line_says_how_far_it_is(monkeypatch, caplog):
    clock_s = iter(range(0, 1000, 30))
    monkeypatch.setattr(reporting.time, 'monotonic', lambda: next(clock_s))
    with caplog.at_level(logging.INFO):
        found = list(reporting.track(range(7), 'films', total=7, shown=False))
    assert found == list(range(7))
    assert [record.getMessage() for record in caplog.records] == [
        'films: 2 of 7, 2 min left',
        'films: 4 of 7, 2 min left',
        'films: 6 of 7, 0 min left',
    ]
