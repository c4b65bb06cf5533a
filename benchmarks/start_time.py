"""Time for opening weights by step, at the first start and at later ones.

    python benchmarks/start_time.py --weights people

Each start is a separate process. The first finds an empty cache folder, the later ones the files
of the first. Times are CPU seconds, because wall time is not comparable on shared cores.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from functools import wraps
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

STEPS = (
    ('import torch', 'import torch'),
    ('import OpenVINO and this package', 'import openvino, cv2, pose_action_ros.runtime.engine'),
)


class Clock:
    """Seconds of wall and CPU time by step; a step inside another is not counted twice."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self._inner = [[0.0, 0.0]]

    def measure(self, step, function, *arguments, **named):
        """Call a function and add its time to a step."""
        self._inner.append([0.0, 0.0])
        start = _now()
        try:
            return function(*arguments, **named)
        finally:
            spent = [after - before for before, after in zip(start, _now(), strict=True)]
            inner = self._inner.pop()
            total = self.seconds.setdefault(step, [0.0, 0.0])
            for axis in range(2):
                total[axis] += spent[axis] - inner[axis]
                self._inner[-1][axis] += spent[axis]

    def watch(self, owner, name, step):
        """Measure every call of a function."""
        original = getattr(owner, name)

        @wraps(original)
        def timed(*arguments, **named):
            return self.measure(step, original, *arguments, **named)

        setattr(owner, name, timed)


def _now():
    return time.perf_counter(), time.process_time()


def one_start(weights: str) -> dict[str, list[float]]:
    """Open weights as the node does; return the seconds of each step."""
    clock = Clock()
    for step, code in STEPS:
        clock.measure(step, exec, code)
    from pose_action_ros.models import open_model
    from pose_action_ros.runtime import engine, openvino_network, start_cache

    net = clock.measure('read the weights', open_model, weights)
    source = openvino_network.OpenVinoSource
    clock.watch(start_cache, '_key', 'identify weights, code and machine')
    clock.watch(openvino_network, 'to_openvino', 'convert for OpenVINO')
    clock.watch(openvino_network, 'fold', 'convert for OpenVINO')
    clock.watch(source, 'compile', 'compile, or load from the cache')
    clock.watch(engine, 'deviation', 'accuracy check of the reduced precision')
    clock.watch(engine.Engine, '_warm_up', 'warm up')
    clock.measure('other', engine.Engine, net, 'cpu', backend='auto', precision='auto')
    return clock.seconds


def main(
    weights: Annotated[str, typer.Option(help='As for `pose-action predict`.')] = 'people',
    starts: Annotated[int, typer.Option(help='Later starts; their median is shown.')] = 5,
) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as cache:
        runs = [_in_a_process(weights, cache) for _ in range(1 + starts)]
    table = Table('step', 'first start, s of CPU', 'later start, s of CPU', title=weights)
    columns = [[], []]
    for step in runs[0]:
        later = median(run.get(step, [0, 0])[1] for run in runs[1:])
        table.add_row(step, f'{runs[0][step][1]:.2f}', f'{later:.2f}')
    for kind in (runs[:1], runs[1:]):
        for axis in range(2):
            columns[axis].append(median(sum(t[axis] for t in run.values()) for run in kind))
    table.add_section()
    table.add_row('all', *(f'{value:.2f}' for value in columns[1]))
    table.add_row('all, wall time', *(f'{value:.2f}' for value in columns[0]))
    Console(width=100).print(table)


def _in_a_process(weights: str, cache: str) -> dict[str, list[float]]:
    done = subprocess.run(
        [sys.executable, __file__, '--one-start', weights],
        env={**os.environ, 'XDG_CACHE_HOME': cache, 'OMP_WAIT_POLICY': 'PASSIVE'},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == '__main__':
    if sys.argv[1:2] == ['--one-start']:
        print(json.dumps(one_start(sys.argv[2])))
    else:
        typer.run(main)
