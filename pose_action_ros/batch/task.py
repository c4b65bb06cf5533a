"""One item of a batch: skipped if it is done and unchanged, otherwise made whole or not at all.

The same function runs in this process and in a worker of Ray. It reports every failure of the
item as its outcome, so that one bad input does not end the batch.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pose_action_ros.batch.items import Outcome, State
from pose_action_ros.batch.stores import OutputStore, fetched, trace_of
from pose_action_ros.core.errors import ConfigError, PoseActionError, shortened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pose_action_ros.batch.items import Item, Summary

__all__ = ['Batch', 'do', 'do_part', 'is_done']

_REASON = 500  # characters of a reason


@dataclass(frozen=True)
class Batch:
    """The common work of all items.

    Attributes:
        convert: Makes the output, a folder, from one input. It is a function of a module, or a
            partial of one, so that workers find it.
        output: Folder of the outputs, a path or URL.
        key: Everything besides the input that changes an output: settings, weights, version.
        again: Convert also items that are done and unchanged.
        watch: Processes a part of an input; `convert` gets the results of all parts.
    """

    convert: Callable[..., Summary]
    output: str
    key: str
    again: bool = False
    watch: Callable[..., Any] | None = None


def do(item: Item, batch: Batch, *parts: Any) -> Outcome:
    """Process one item.

    Args:
        item: The input.
        batch: The work.
        parts: Results of the parts of a long input, in order; passed on to `convert`.
    """
    start = time.monotonic()
    outcome = Outcome(item.name, item.source, State.FAILED)
    try:
        trace, size_bytes = trace_of(item.source)
        outcome = replace(outcome, size_bytes=size_bytes)
        failed = [part for part in parts if isinstance(part, Outcome)]
        outcome = (
            replace(failed[0], size_bytes=size_bytes)
            if failed
            else _whole(item, batch, outcome, _key(batch, trace), parts)
        )
    except KeyboardInterrupt:
        outcome = replace(outcome, state=State.STOPPED)
    except PoseActionError as error:
        outcome = replace(outcome, reason=str(error))
    except Exception as error:  # no fault of one input may stop the others
        outcome = replace(outcome, reason=shortened(repr(error), _REASON))
    return replace(
        outcome,
        duration_s=round(time.monotonic() - start, 3),
        worker=f'{socket.gethostname()}:{os.getpid()}',
        peak_mib=_peak_mib(),
    )


def is_done(item: Item, batch: Batch) -> bool:
    """Return whether the output of an item exists and is up to date."""
    try:
        key = _key(batch, trace_of(item.source)[0])
        return _finished(OutputStore(batch.output), item, batch, key) is not None
    except Exception:  # of any store or library; `do` reports the reason
        return False


def do_part(item: Item, batch: Batch, part: Any) -> Any:
    """Process a part of an item; a failure is returned as the outcome of the whole item.

    Args:
        item: The input.
        batch: The work.
        part: One of the item's parts.
    """
    if batch.watch is None:
        raise ValueError('a batch without `watch` has no parts')
    try:
        with fetched(item.source) as source:
            return batch.watch(source, part)
    except PoseActionError as error:
        return Outcome(item.name, item.source, State.FAILED, str(error))
    except Exception as error:  # as in `do`
        return Outcome(item.name, item.source, State.FAILED, shortened(repr(error), _REASON))


def _key(batch: Batch, trace: list[tuple[str, int, str]]) -> str:
    return hashlib.sha256(repr((trace, batch.key)).encode()).hexdigest()


def _finished(store: OutputStore, item: Item, batch: Batch, key: str) -> dict[str, Any] | None:
    """The mark of an output that exists and is up to date."""
    mark = None if batch.again else store.mark(item.name)
    return mark if mark and mark.get('key') == key and store.exists(item.name) else None


def _whole(
    item: Item, batch: Batch, outcome: Outcome, key: str, parts: tuple[Any, ...]
) -> Outcome:
    store = OutputStore(batch.output)
    if store.exists(item.name) and store.mark(item.name) is None:
        raise ConfigError(
            f'{batch.output}/{item.name} exists and is not a finished output of this command; '
            'delete it, or give another folder'
        )
    if (done := _finished(store, item, batch, key)) is not None:
        return replace(outcome, state=State.UNCHANGED, images=done['images'], poses=done['poses'])
    with fetched(item.source) as source, store.unfinished(item.name) as made:
        summary = _converted(batch, source, made, parts)
        outcome = replace(outcome, images=summary.images, poses=summary.poses, notes=summary.notes)
        if summary.stopped_by:
            return replace(outcome, state=State.STOPPED)
        if summary.failure:
            return replace(outcome, reason=summary.failure)
        store.set_mark(item.name, {'key': None})  # made by this command, but unreliable
        store.deliver(made, item.name)
    counts = {'images': summary.images, 'poses': summary.poses}
    store.set_mark(item.name, {'key': key, 'source': item.source, **counts})
    return replace(outcome, state=State.DONE)


def _converted(batch: Batch, source: Path, made: Path, parts: tuple[Any, ...]) -> Summary:
    return batch.convert(source, made, parts) if parts else batch.convert(source, made)


def _peak_mib() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == 'darwin' else 1024  # macOS counts bytes, Linux KiB
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit) >> 20
