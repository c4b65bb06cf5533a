"""What `pose-action bench` measures: this machine's ceilings, and each stage of a frame.

Everything that is compared is run in turns in one go, so that a noisy machine is as noisy for all.
"""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pose_action_ros.models import MultitaskNet

__all__ = ['Ceilings', 'Times', 'frame_stages', 'in_turns', 'machine_ceilings', 'peak_mib']

_IMAGE = (480, 640, 3)
_MATRIX = 2048
_COPY_BYTES = 1 << 28


@dataclass(frozen=True)
class Times:
    """Milliseconds of one thing, over many runs."""

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
    """What the machine can do at best: the bound that a stage is held against.

    Attributes:
        gflops: Of a large float32 matrix product.
        gbytes_s: Read and written by a large copy.
    """

    gflops: float
    gbytes_s: float


def machine_ceilings(device: str, threads: int) -> Ceilings:
    """Measure a large matrix product and a large copy with torch, best of several."""
    import torch

    if threads:
        torch.set_num_threads(threads)
    a = torch.rand(_MATRIX, _MATRIX, device=device)
    source = torch.empty(_COPY_BYTES, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)

    def wait() -> None:
        if a.device.type == 'cuda':
            torch.cuda.synchronize()

    def product() -> None:
        torch.mm(a, a)
        wait()

    def copy() -> None:
        target.copy_(source)
        wait()

    times = in_turns({'product': product, 'copy': copy}, 8)
    return Ceilings(
        2 * _MATRIX**3 / times['product'].best_ms / 1e6,
        2 * _COPY_BYTES / times['copy'].best_ms / 1e6,
    )


def in_turns(things: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, Times]:
    """Time several things, one after the other, again and again; the first two rounds warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in things}
    for turn in range(rounds + 2):
        for name, run in things.items():
            start = time.perf_counter()
            run()
            if turn >= 2:
                seconds[name].append(time.perf_counter() - start)
    return {name: Times.of(values) for name, values in seconds.items()}


def frame_stages(
    net: MultitaskNet, device: str, threads: int, *, batch: int, rounds: int
) -> tuple[dict[str, Times], list[str]]:
    """Time the stages of a frame, on every backend, and the way of the authors' code.

    Args:
        net: The network.
        device: Where it runs.
        threads: CPU threads; 0 for all cores.
        batch: People in the batched row.
        rounds: Runs of each.

    Returns:
        Stage to times; what the engines decided by themselves.
    """
    import torch

    from pose_action_ros.geometry import crop_transform, extract_crop, whole_image_box
    from pose_action_ros.inference import Engine, PoseActionStream
    from pose_action_ros.inference.engine import choose_device
    from pose_action_ros.inference.openvino_network import why_no_openvino

    config = net.config
    image = np.random.default_rng(0).integers(0, 256, _IMAGE, np.uint8)
    window = crop_transform(whole_image_box(_IMAGE[1], _IMAGE[0]))
    crop = extract_crop(image, window)[None]
    crops = np.repeat(crop, batch, axis=0)
    wanted = {'torch float32': ('torch', 'float32'), 'torch bfloat16': ('torch', 'bfloat16')}
    if choose_device(device).type == 'cpu' and not why_no_openvino():
        wanted |= {'openvino float32': ('openvino', 'float32'), 'fast engine': ('auto', 'auto')}
    engines = {
        name: Engine(net, device, threads, backend=backend, precision=precision)
        for name, (backend, precision) in wanted.items()
    }
    best = engines.get('fast engine', engines['torch float32'])
    things: dict[str, Callable[[], Any]] = {'crop': lambda: extract_crop(image, window)}
    for name, engine in engines.items():
        things[f'backbone, {name}'] = lambda engine=engine: engine.frames(crop)
    things[f'backbone, {batch} people'] = lambda: best.frames(crops)
    if config.actions:
        frame = best.frames(crop)
        clip = [np.repeat(array[None], config.clip_frames, axis=1) for array in frame]
        things['action heads'] = lambda: best.actions(clip[0], clip[2], clip[3])
        clips = torch.zeros(1, config.clip_frames, 3, 256, 256, device=choose_device(device))
        plain = net.to(choose_device(device))

        @torch.inference_mode()
        def whole_clip() -> None:
            plain.forward_clip(clips)

        things['clip by clip, eager'] = whole_clip
    stream = PoseActionStream(best)
    stamps = iter(range(0, 1 << 60, 33_333_333))
    things['stream, one image'] = lambda: stream.process(image, next(stamps))
    notes = [note for engine in engines.values() for note in engine.notes]
    return in_turns(things, rounds), [f'{best.device}', *dict.fromkeys(notes)]


def peak_mib() -> float:
    """Return the largest resident memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
