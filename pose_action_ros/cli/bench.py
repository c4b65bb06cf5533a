"""`pose-action bench`: times each stage and compares it with the limits of the machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from pose_action_ros.cli.bench_measure import Ceilings, Times, in_turns, machine_ceilings, peak_mib
from pose_action_ros.cli.options import Device, Weights
from pose_action_ros.core.console import RESULTS
from pose_action_ros.core.weights import SHIPPED_WEIGHTS

if TYPE_CHECKING:
    from pose_action_ros.cli.bench_stages import Stage
    from pose_action_ros.models import MultitaskNet
    from pose_action_ros.runtime.engine import Engine

__all__ = ['bench']

_WIDTH = 112
_EAGER = 'backbone, torch float32'
_STREAMING = 'new label, streaming, engine'


def bench(
    weights: Weights = SHIPPED_WEIGHTS,
    device: Device = 'auto',
    threads: Annotated[int, typer.Option(help='CPU threads; 0: all cores.', min=0)] = 0,
    batch: Annotated[int, typer.Option(help='Number of people in the batched row.', min=1)] = 8,
    rounds: Annotated[int, typer.Option(help='Number of runs of each stage.', min=3)] = 20,
    json_path: Annotated[Path | None, typer.Option('--json', help='File for the figures.')] = None,
) -> None:
    """Time every stage of a frame in one run, and compare it with the limits of the machine."""
    from pose_action_ros.cli.bench_stages import FASTEST, Bench
    from pose_action_ros.models import open_model
    from pose_action_ros.models.complexity import count_complexity
    from pose_action_ros.runtime.engine import choose_device

    net = open_model(weights)
    place = str(choose_device(device))
    with RESULTS.status('measuring'):
        ceilings = machine_ceilings(place, threads)
        engines = _engines(net, place, threads)
        run = Bench(net.to(place), count_complexity(net.config, folded=True), engines, batch)
        stages = run.stages()
        times = in_turns({name: stage.run for name, stage in stages.items()}, rounds)
    rows = {name: _row(stage, times[name], ceilings) for name, stage in stages.items()}
    figures: dict[str, Any] = {
        'network': net.config.name,
        'engine': engines[FASTEST].device,
        'notes': list(dict.fromkeys(n for engine in engines.values() for n in engine.notes)),
        'ceilings': asdict(ceilings),
        'stages': rows,
        'ratios': _ratios(rows, batch),
        'score_deviation': run.score_deviation() if net.config.actions else None,
        'peak_mib': peak_mib(),
    }
    width = max(RESULTS.width, _WIDTH)  # a table in a log is as wide as on a screen
    RESULTS.print(_table(net.config.name, rows), width=width)
    for line in _words(figures):
        RESULTS.print(line, soft_wrap=True)
    if json_path is not None:
        json_path.write_text(json.dumps(figures, indent=2) + '\n', encoding='utf-8')


def _engines(net: MultitaskNet, place: str, threads: int) -> dict[str, Engine]:
    """Return every backend and precision of this device, and the choice of `auto`."""
    from pose_action_ros.cli.bench_stages import FASTEST
    from pose_action_ros.runtime.engine import Engine
    from pose_action_ros.runtime.openvino_network import has_fast_bfloat16, why_no_openvino

    wanted = [('torch', 'float32'), ('torch', 'float16' if 'cuda' in place else 'bfloat16')]
    if place == 'cpu' and not why_no_openvino():
        wanted.append(('openvino', 'float32'))
        if has_fast_bfloat16():
            wanted.append(('openvino', 'bfloat16'))
    engines = {
        f'{backend} {precision}': Engine(net, place, threads, backend=backend, precision=precision)
        for backend, precision in wanted
    }
    engines[FASTEST] = Engine(net, place, threads, backend='auto', precision='auto')
    return engines


def _row(stage: Stage, times: Times, ceilings: Ceilings) -> dict[str, Any]:
    bound_ms = ceilings.bound_ms(stage.gflop, stage.mbytes, stage.precision)
    return {
        **asdict(times),
        'gflop': stage.gflop,
        'mbytes': stage.mbytes,
        'precision': stage.precision,
        'bound_ms': bound_ms or None,
        'share_of_bound': bound_ms / times.median_ms if bound_ms else None,
    }


def _ratios(rows: dict[str, dict[str, Any]], batch: int) -> dict[str, float]:
    """Return the speed-up of one row over another, from the medians."""
    pairs = {
        'backbone: engine against torch float32': (_EAGER, 'backbone, engine'),
        'new label: streaming against clip by clip, engine': (
            'new label, clip by clip, engine',
            _STREAMING,
        ),
        'new label: streaming, engine, against clip by clip, torch eager': (
            'new label, clip by clip, torch eager',
            _STREAMING,
        ),
    }
    found = {
        name: rows[slow]['median_ms'] / rows[fast]['median_ms']
        for name, (slow, fast) in pairs.items()
        if slow in rows and fast in rows
    }
    one, several = rows['backbone, engine'], rows[f'backbone, {batch} people']
    found[f'backbone: {batch} people one by one against together'] = (
        batch * one['median_ms'] / several['median_ms']
    )
    return found


def _table(name: str, rows: dict[str, dict[str, Any]]) -> Table:
    table = Table(title=name)
    table.add_column('stage', no_wrap=True)
    for column in ('median ms', 'p95 ms', '1/s', 'GFLOP', 'MB', 'bound ms', 'of the bound'):
        table.add_column(column, justify='right')
    for stage, row in rows.items():
        bound = row['bound_ms']
        table.add_row(
            stage,
            f'{row["median_ms"]:.2f}',
            f'{row["p95_ms"]:.2f}',
            f'{1e3 / row["median_ms"]:.0f}',
            f'{row["gflop"]:.2f}' if row['gflop'] else '',
            f'{row["mbytes"]:.1f}' if row['mbytes'] else '',
            f'{bound:.2f}' if bound else '',
            f'{row["share_of_bound"]:.0%}' if bound else '',
        )
    return table


def _words(figures: dict[str, Any]) -> list[str]:
    ceilings = figures['ceilings']
    products = ', '.join(f'{value:.0f} in {name}' for name, value in ceilings['gflops'].items())
    lines = [
        f'engine: {figures["engine"]}',
        *(f'  {note}' for note in figures['notes']),
        f'ceilings here: large matrix product {products} GFLOP/s; '
        f'large copy {ceilings["gbytes_s"]:.1f} GB/s',
        *(f'{name}: {ratio:.1f} times' for name, ratio in figures['ratios'].items()),
    ]
    if figures['score_deviation'] is not None:
        lines.append(
            'scores of a clip seen frame by frame by the engine are within '
            f'{figures["score_deviation"]:.1e} of those of the whole clip in torch float32'
        )
    return [*lines, f'peak memory: {figures["peak_mib"]:.0f} MiB']
