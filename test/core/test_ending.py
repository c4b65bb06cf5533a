"""Signals end a command like Ctrl-C, with the exit status of their number."""

import signal
import threading

import pytest

from pose_action_ros.core.ending import (
    ENDING_SIGNALS,
    ended_by,
    interrupted_by_signals,
    note_signal,
    undisturbed,
)


@pytest.fixture(autouse=True)
def as_from_a_terminal():
    """No signal is ignored; `nohup` and shells ignore some for the programs that they start."""
    before = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.default_int_handler if number == 2 else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ('number', 'status'), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_interrupts_and_decides_the_status(number, status):
    before = [signal.getsignal(each) for each in ENDING_SIGNALS]
    with interrupted_by_signals():
        assert ended_by() == 0
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert ended_by() == status
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert ended_by() == status, 'the first one decides'
    assert [signal.getsignal(each) for each in ENDING_SIGNALS] == before


def test_an_inner_block_keeps_the_signal_and_an_outer_one_begins_anew():
    with interrupted_by_signals():
        with interrupted_by_signals():
            note_signal(signal.SIGTERM)
        assert ended_by() == 143
    with interrupted_by_signals():
        assert ended_by() == 0


def test_an_ignored_signal_stays_ignored():
    """As below `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupted_by_signals():
            signal.raise_signal(signal.SIGHUP)
            assert ended_by() == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_changes_no_handler():
    before = [signal.getsignal(each) for each in ENDING_SIGNALS]
    seen = []

    def work():
        with interrupted_by_signals():
            seen.extend(signal.getsignal(each) for each in ENDING_SIGNALS)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == before


def test_a_file_is_finished_undisturbed():
    with interrupted_by_signals():
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
        assert ended_by() == 130
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
