"""Runs a batch for a verb: progress over all inputs, `report.json`, a table, the exit status."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from pose_action_ros.batch.items import Outcome, State, named_apart
from pose_action_ros.batch.run import run
from pose_action_ros.batch.stores import OutputStore, trace_of
from pose_action_ros.core.console import ERRORS, RESULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_action_ros.batch.items import Item
    from pose_action_ros.batch.run import Workers
    from pose_action_ros.batch.task import Batch

__all__ = ['REPORT', 'run_batch']

REPORT = 'report.json'
_CTRL_C = 130
_ROWS = 40  # of the table; a longer one lists failures only
_REPORT_EVERY_S = 10.0
_LINE = 160  # characters of a reason in the table


def run_batch(items: list[Item], batch: Batch, workers: Workers, *, quiet: bool) -> None:
    """Process all items and report; end with status 1 after a failure, or 130 after Ctrl-C.

    Raises:
        ConfigError: Two items would have the same output, or Ray is missing.
        typer.Exit: Some items are not done.
    """
    named_apart(items)
    store, start_s, outcomes = OutputStore(batch.output), time.monotonic(), list[Outcome]()
    written_s = start_s
    # Ctrl-C may come between two outcomes; the report below lists the remaining items.
    with _Progress(items, quiet=quiet) as progress, suppress(KeyboardInterrupt):
        for outcome in run(items, batch, workers):
            outcomes.append(outcome)
            progress.add(outcome)
            if time.monotonic() - written_s > _REPORT_EVERY_S:
                written_s = time.monotonic()
                store.write_json(REPORT, _report(items, outcomes, workers, written_s - start_s))
    report = _report(items, outcomes, workers, time.monotonic() - start_s)
    store.write_json(REPORT, report)
    RESULTS.print(_table(outcomes))
    RESULTS.print(_total(report, batch.output), soft_wrap=True)
    states = {outcome.state for outcome in outcomes}
    if State.STOPPED in states or len(outcomes) < len(items):
        raise typer.Exit(_CTRL_C)
    if State.FAILED in states:
        raise typer.Exit(1)


def _report(
    items: Sequence[Item], outcomes: Sequence[Outcome], workers: Workers, duration_s: float
) -> dict[str, Any]:
    """The content of `report.json`; its rates count the conversions of this run only."""
    states = Counter(outcome.state.value for outcome in outcomes)
    done = [outcome for outcome in outcomes if outcome.state is State.DONE]
    images = sum(outcome.images for outcome in done)
    return {
        'inputs': len(items),
        **{state.value: states[state.value] for state in State},
        'not_begun': len(items) - len(outcomes),
        'duration_s': round(duration_s, 3),
        'images': images,
        'images_per_s': round(images / duration_s, 3) if duration_s else 0.0,
        'inputs_per_min': round(60.0 * len(done) / duration_s, 3) if duration_s else 0.0,
        'workers': asdict(workers),
        'outcomes': [asdict(o) for o in sorted(outcomes, key=lambda o: o.name)],
    }


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table('output', 'result', 'images', 'poses', 'seconds', 'note')
    shown = sorted(outcomes, key=lambda o: (o.state is not State.FAILED, o.name))
    if len(shown) > _ROWS:
        shown = [o for o in shown if o.state is State.FAILED][:_ROWS]
    for o in shown:
        note = o.reason or '; '.join(o.notes)
        note = note if len(note) <= _LINE else f'{note[: _LINE - 4]} ...'
        table.add_row(
            *(o.name, o.state.value, f'{o.images}', f'{o.poses}'),
            *(f'{o.duration_s:.1f}', note),
        )
    return table


def _total(report: dict[str, Any], output: str) -> str:
    parts = [f'{report[state.value]} {state.value}' for state in State if report[state.value]]
    if report['not_begun']:
        parts.append(f'{report["not_begun"]} not begun')
    return (
        f'{report["inputs"]} inputs: {", ".join(parts)}; {report["images"]} images in '
        f'{report["duration_s"]:.0f} s ({report["images_per_s"]:.1f} a second): {output}/{REPORT}'
    )


class _Progress:
    """A bar over the bytes of all inputs, the best estimate of the remaining time."""

    def __init__(self, items: Sequence[Item], *, quiet: bool) -> None:
        self._sizes = {} if quiet else {item.source: _size(item.source) for item in items}
        self._bar = Progress(
            TextColumn('{task.fields[files]}', markup=False),
            BarColumn(),
            TextColumn('{task.percentage:>3.0f}%'),
            TextColumn('{task.fields[images]}', markup=False),
            TimeRemainingColumn(),
            console=ERRORS,
            disable=quiet,
        )
        self._start_s = time.monotonic()
        self._count, self._images, self._failed, self._all = 0, 0, 0, len(items)
        total = max(sum(self._sizes.values()), 1)
        self._task = self._bar.add_task('', total=total, **self._texts())

    def __enter__(self) -> _Progress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self._count += 1
        self._failed += outcome.state is State.FAILED
        self._images += outcome.images if outcome.state is State.DONE else 0
        self._bar.update(self._task, advance=self._sizes.get(outcome.source, 0), **self._texts())

    def _texts(self) -> dict[str, str]:
        failed = f', {self._failed} failed' if self._failed else ''
        rate = self._images / max(time.monotonic() - self._start_s, 1e-3)
        return {
            'files': f'{self._count}/{self._all}{failed}',
            'images': f'{self._images} images, {rate:.1f} a second',
        }


def _size(source: str) -> int:
    try:
        return trace_of(source)[1]
    except Exception:  # of any store or library; its task reports the reason
        return 0
