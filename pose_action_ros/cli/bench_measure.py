"""The measurement of times, and of the limits of this machine.

Compared functions run in turns in one process, so that noise affects all of them equally.
"""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.cores import usable_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ['Ceilings', 'Times', 'in_turns', 'machine_ceilings', 'peak_mib']

_MATRIX = 2048
_COPY_BYTES = 1 << 28


@dataclass(frozen=True)
class Times:
    """Durations of many runs of one function, milliseconds."""

    median_ms: float
    p95_ms: float
    best_ms: float

    @classmethod
    def of(cls, seconds: list[float]) -> Times:
        """Summarise."""
        ms = np.array(seconds) * 1e3
        return cls(float(np.median(ms)), float(np.percentile(ms, 95)), float(ms.min()))


@dataclass(frozen=True)
class Ceilings:
    """The limits of the machine, which bound each stage.

    Attributes:
        gflops: Speed of a large matrix product, by precision.
        gbytes_s: Speed of a large copy, bytes read and written.
    """

    gflops: dict[str, float]
    gbytes_s: float

    def bound_ms(self, gflop: float, mbytes: float, precision: str) -> float:
        """Return the least time of some operations and bytes: the larger of the two."""
        return 1e3 * max(gflop / self.gflops[precision], 1e-3 * mbytes / self.gbytes_s)


def machine_ceilings(device: str, threads: int) -> Ceilings:
    """Measure large matrix products and a large copy with torch, best of several."""
    import torch

    if threads:
        torch.set_num_threads(usable_threads(threads))
    types = {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}
    if not device.startswith('cuda'):
        del types['float16']
    matrices = {n: torch.rand(_MATRIX, _MATRIX, device=device).to(t) for n, t in types.items()}
    source = torch.empty(_COPY_BYTES, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)

    def wait() -> None:
        if device.startswith('cuda'):
            torch.cuda.synchronize()

    def product(a: torch.Tensor) -> None:
        torch.mm(a, a)
        wait()

    def copy() -> None:
        target.copy_(source)
        wait()

    things = {name: lambda a=a: product(a) for name, a in matrices.items()}
    times = in_turns({**things, 'copy': copy}, 8)
    return Ceilings(
        {name: 2 * _MATRIX**3 / times[name].best_ms / 1e6 for name in matrices},
        2 * _COPY_BYTES / times['copy'].best_ms / 1e6,
    )


def in_turns(things: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, Times]:
    """Time several functions in turns, over many rounds; the first two rounds warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in things}
    for turn in range(rounds + 2):
        for name, run in things.items():
            start = time.perf_counter()
            run()
            if turn >= 2:
                seconds[name].append(time.perf_counter() - start)
    return {name: Times.of(values) for name, values in seconds.items()}


def peak_mib() -> float:
    """Return the largest resident memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
