"""The consoles print names of files as they are."""

import pytest
from rich.table import Table

from pose_action_ros.core.console import RESULTS, bar, say_error

NAME = 'Title [dQw4w9WgXcQ] [/b] [bold].mp4'


def test_brackets_are_printed(capsys):
    RESULTS.print(NAME, soft_wrap=True)
    table = Table(NAME, title=NAME)
    table.add_row(NAME)
    RESULTS.print(table)
    out = capsys.readouterr().out
    assert out.count('[dQw4w9WgXcQ]') == 4
    assert out.count('[/b]') == 4


def test_an_error_is_one_line(capsys):
    say_error(f'{NAME}\n  is  damaged')
    assert capsys.readouterr().err == f'error: {NAME} is damaged\n'


@pytest.mark.parametrize('shown', [True, False])
def test_a_bar_passes_everything_on(capsys, shown):
    assert list(bar(range(3), NAME, total=None, shown=shown)) == [0, 1, 2]
    assert ('[dQw4w9WgXcQ]' in capsys.readouterr().err) == shown
