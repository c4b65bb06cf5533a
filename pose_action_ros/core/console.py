"""The consoles of the command line, and its progress bar.

Owns: the rule that a text is printed as it is. rich would read `[...]` in the name of a file as
markup, and hide it or fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ['ERRORS', 'RESULTS', 'bar', 'say_error']

RESULTS = Console(markup=False, highlight=False)
"""Standard output."""

ERRORS = Console(markup=False, highlight=False, stderr=True)
"""Standard error: notes, progress, errors."""

_Item = TypeVar('_Item')


def say_error(message: str) -> None:
    """Print an error on one line of standard error."""
    text = Text.assemble(('error:', 'bold red'), ' ', ' '.join(message.split()))
    ERRORS.print(text, soft_wrap=True)


def bar(
    items: Iterable[_Item], description: str, *, total: int | None, shown: bool
) -> Iterator[_Item]:
    """Iterate with a progress bar on standard error.

    Args:
        items: Anything.
        description: Text before the bar.
        total: Number of items; None if it is not known.
        shown: Whether there is a bar at all.
    """
    columns = (
        TextColumn('{task.description}', markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=ERRORS, disable=not shown) as progress:
        yield from progress.track(items, total=total, description=description)
