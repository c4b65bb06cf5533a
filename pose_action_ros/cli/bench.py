"""`pose-action bench`: how fast each stage is here, and how far from what the machine can do."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pose_action_ros.cli.bench_measure import (
    Ceilings,
    Times,
    frame_stages,
    machine_ceilings,
    peak_mib,
)

__all__ = ['bench']

_BYTES_PER_NUMBER = 4


def bench(
    preset: Annotated[
        str, typer.Option(help='A preset (random weights), or a weights file.')
    ] = 'compact',
    device: Annotated[str, typer.Option(help='"auto", "cpu", "cuda" or "cuda:N".')] = 'auto',
    threads: Annotated[int, typer.Option(help='CPU threads; 0: all cores.', min=0)] = 0,
    batch: Annotated[int, typer.Option(help='People in the batched row.', min=1)] = 8,
    rounds: Annotated[int, typer.Option(help='Runs of each stage.', min=3)] = 20,
    json_path: Annotated[Path | None, typer.Option('--json', help='Write figures there.')] = None,
) -> None:
    """Time every stage of a frame, side by side in one run, against the machine's ceilings."""
    from pose_action_ros.inference.engine import choose_device
    from pose_action_ros.models import open_model
    from pose_action_ros.models.complexity import count_complexity
    from pose_action_ros.models.config import PRESETS

    net = open_model(f'untrained:{preset}' if preset in PRESETS else preset)
    cost = count_complexity(net.config)
    console = Console()
    with console.status('measuring'):
        place = str(choose_device(device))
        ceilings = machine_ceilings(place, threads)
        times, notes = frame_stages(net, place, threads, batch=batch, rounds=rounds)
    backbone_ms = 2e3 * cost.frame_macs / ceilings.gflops / 1e9
    weights_ms = 1e3 * _BYTES_PER_NUMBER * cost.parameters / ceilings.gbytes_s / 1e9
    bounds = {name: backbone_ms for name in times if name.startswith('backbone,')}
    bounds[f'backbone, {batch} people'] = batch * backbone_ms
    figures: dict[str, Any] = {
        'network': net.config.name,
        'notes': notes,
        'frame_gmacs': cost.frame_macs / 1e9,
        'clip_gmacs': cost.clip_macs / 1e9,
        'ceilings': asdict(ceilings),
        'bound_ms': {'operations': backbone_ms, 'weights_read_once': weights_ms},
        'stages': {name: asdict(value) for name, value in times.items()},
        'peak_mib': peak_mib(),
    }
    console.print(_table(net.config.name, times, bounds))
    for line in _words(figures, ceilings, times):
        console.print(line, highlight=False, soft_wrap=True)
    if json_path is not None:
        json_path.write_text(json.dumps(figures, indent=2) + '\n', encoding='utf-8')


def _table(name: str, times: dict[str, Times], bounds: dict[str, float]) -> Table:
    table = Table('stage', 'median ms', 'p95 ms', 'best ms', '1/s', 'of the bound', title=name)
    for column in table.columns[1:]:
        column.justify = 'right'
    for stage, value in times.items():
        bound = bounds.get(stage)
        table.add_row(
            stage,
            f'{value.median_ms:.2f}',
            f'{value.p95_ms:.2f}',
            f'{value.best_ms:.2f}',
            f'{1e3 / value.median_ms:.0f}',
            f'{bound / value.median_ms:.0%}' if bound else '',
        )
    return table


def _words(figures: dict[str, Any], ceilings: Ceilings, times: dict[str, Times]) -> list[str]:
    lines = [
        f'runs on {"; ".join(figures["notes"])}',
        f'ceilings here: {ceilings.gflops:.0f} GFLOP/s (float32 matrix product), '
        f'{ceilings.gbytes_s:.1f} GB/s (copy)',
        f'a frame: {2 * figures["frame_gmacs"]:.2f} GFLOP, at best '
        f'{figures["bound_ms"]["operations"]:.2f} ms; reading the weights once '
        f'{figures["bound_ms"]["weights_read_once"]:.2f} ms',
        f'peak memory: {figures["peak_mib"]:.0f} MiB',
    ]
    eager = times['backbone, torch float32'].median_ms
    if 'backbone, fast engine' in times:
        ratio = eager / times['backbone, fast engine'].median_ms
        lines.append(f'fast engine against torch float32: {ratio:.1f} times as fast')
    if 'clip by clip, eager' in times:
        ratio = times['clip by clip, eager'].median_ms / times['stream, one image'].median_ms
        lines.append(f'a new label by streaming against clip by clip: {ratio:.1f} times as fast')
    return lines
