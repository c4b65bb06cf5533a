"""Errors say what is wrong in a line that a terminal and a log can bear."""

import pytest

from pose_action_ros.core import errors
from pose_action_ros.core.errors import MAX_MESSAGE, PoseActionError, shortened


@pytest.mark.parametrize('name', [n for n in errors.__all__ if n.endswith('Error')])
def test_no_message_is_longer_than_the_bound(name):
    kind = getattr(errors, name)
    text = str(kind('file.mat is damaged: ' + 800_000 * 'x' + ' in line 7'))
    assert len(text) <= MAX_MESSAGE
    assert text.startswith('file.mat is damaged')
    assert text.endswith('in line 7')
    assert '800031 characters' in text
    assert str(kind('short')) == 'short'
    assert issubclass(kind, PoseActionError)


def test_what_a_terminal_would_obey_is_replaced():
    assert shortened('a\0b\x1b[2Jc\u202ed') == 'a\ufffdb\ufffd[2Jc\ufffdd'
    assert shortened('two\nlines, é 人') == 'two\nlines, é 人'


def test_an_error_of_a_loader_process_is_its_message():
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1\n'
    own = 'pose_action_ros.core.errors.DatasetError: data: 50 samples cannot be read: a: b'
    error = errors.DatasetError(f'Caught DatasetError in worker 0.\nOriginal {trace}{own}\n')
    assert str(error) == 'data: 50 samples cannot be read: a: b'
