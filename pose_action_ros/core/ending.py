"""The end of a command by a signal: every signal acts like Ctrl-C, and has its exit status.

SIGTERM and SIGHUP alone would end Python at once, without the code that removes unfinished files.
Here they raise KeyboardInterrupt, as SIGINT does. The first received signal decides the exit
status of the process: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    'ENDING_SIGNALS',
    'STATUS',
    'ended_by',
    'interrupted_by_signals',
    'note_signal',
    'undisturbed',
]

ENDING_SIGNALS = tuple(
    getattr(signal, name) for name in ('SIGINT', 'SIGTERM', 'SIGHUP') if hasattr(signal, name)
)
"""The signals that end a command."""

STATUS = 128
"""Exit status of shells for a process that a signal has ended, less the number of the signal."""

_received: list[int] = []


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Let all ending signals raise KeyboardInterrupt inside the block; ignored ones stay ignored.

    Handlers belong to the main thread; in another thread the block changes nothing. Blocks may be
    nested; the outermost one forgets the signals before it.
    """
    if signal.getsignal(signal.SIGINT) is not _interrupt:
        _received.clear()
    with _handled_by(_interrupt):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Only record signals inside the block, so that a second Ctrl-C cuts no file short."""
    with _handled_by(lambda number, _: note_signal(number)):
        yield


@contextmanager
def _handled_by(handler: Callable[[int, Any], None]) -> Iterator[None]:
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in ENDING_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, earlier in before.items():
            # None: a handler of C code, which Python can't restore.
            signal.signal(number, signal.SIG_DFL if earlier is None else earlier)


def note_signal(number: int) -> None:
    """Record a signal for the exit status."""
    _received.append(number)


def ended_by() -> int:
    """Return the exit status after a signal; 0 if none was received."""
    return STATUS + _received[0] if _received else 0


def _interrupt(number: int, _: Any) -> None:
    note_signal(number)
    raise KeyboardInterrupt
