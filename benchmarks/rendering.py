"""Cost of the simulated actor: stages of a sample, batches on a device, the film.

Times on the CPU are CPU seconds of one thread, so other load has little influence. Times on a GPU
are wall time. Variants are measured in turns. Prints Markdown; with a GPU, run
`python benchmarks/rendering.py --device cuda`.
"""

import argparse
import resource
import time
from collections import defaultdict
from statistics import median

import cv2
import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.data import simulated, simulated_crops
from pose_action_ros.data.simulated import SimulatedClips, SimulatedPoses
from pose_action_ros.simulation import shots
from pose_action_ros.simulation.scene import Scene, SimulatedFilm
from pose_action_ros.training.augmentation import Augmentation
from pose_action_ros.training.batches import develop_batch, join_samples
from pose_action_ros.training.config import PosePhase
from pose_action_ros.training.data_module import PhaseData
from pose_action_ros.training.order import OrderedSamples

WORKERS = 14
FRAMES = 16
# Stage: the functions that it consists of, without what other stages take inside of them.
STAGES = {
    'actor: body, clothes, motion': [(simulated, '_scene_of'), (Scene, 'truth')],
    'backdrop': [(Scene, 'draw_backdrop'), (simulated_crops, 'extract_crop')],
    'shadow': [(Scene, 'shaded')],
    'solids, lights, window, labels': [(Scene, 'shots'), (simulated, '_fields')],
    'cast, shade, blend': [(shots.Shots, 'expose')],
    'blur, noise, black outside': [(simulated_crops, 'develop')],
}


class Stopwatch:
    """Seconds of the stages, measured around the functions themselves."""

    def __init__(self):
        self.seconds = defaultdict(float)
        self._inner = []
        for stage, functions in STAGES.items():
            for owner, name in functions:
                setattr(owner, name, self._timed(stage, getattr(owner, name)))

    def _timed(self, stage, function):
        def timed(*args, **kwargs):
            begin = time.thread_time()
            self._inner.append(0.0)
            try:
                return function(*args, **kwargs)
            finally:
                spent = time.thread_time() - begin
                self.seconds[stage] += spent - self._inner.pop()
                if self._inner:
                    self._inner[-1] += spent

        return timed


def sources(kind):
    """Complete, and described for a device; poses or clips."""
    if kind == 'clips':
        whole, parts = (SimulatedClips('train', developed=d) for d in (True, False))
    else:
        whole = SimulatedPoses('train')
        parts = SimulatedPoses('train', developed=False, backdrop_in_crop=True)
    change = Augmentation(PA17J)
    return (OrderedSamples(source, 1, augmentation=change) for source in (whole, parts))


def clock(device):
    """Seconds: of this thread, or of a GPU that has finished."""
    if device == 'cpu':
        return time.thread_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def rates(kind, batch_size, rounds, device):
    """Milliseconds a crop of each variant, a list of all rounds."""
    whole, parts = sources(kind)
    frames = FRAMES if kind == 'clips' else 1
    spent = defaultdict(list)
    for number in range(rounds + 1):
        indices = range(number * batch_size, (number + 1) * batch_size)
        begin = time.thread_time()
        join_samples([whole[i] for i in indices])
        middle = time.thread_time()
        batch = join_samples([parts[i] for i in indices])
        end = time.thread_time()
        if device != 'cpu':
            batch = {name: value.pin_memory() for name, value in batch.items()}
        start = clock(device)
        develop_batch({name: value.to(device) for name, value in batch.items()})
        seconds = (middle - begin, end - middle, clock(device) - start)
        if number:  # the first round warms up
            for name, value in zip(('complete', 'described', 'finished'), seconds, strict=True):
                spent[name].append(1e3 * value / batch_size / frames)
    return spent, batch


class Work(TorchDispatchMode):
    """Counts operations, the numbers that they make, and the bytes that they read and write."""

    def __init__(self):
        super().__init__()
        self.operations, self.numbers, self.bytes = 0, 0, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Run an operation and count it; views cost nothing."""
        result = function(*args, **(kwargs or {}))
        if not function.is_view:
            made = [t for t in tree_leaves(result) if isinstance(t, torch.Tensor)]
            read = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
            self.operations += 1
            self.numbers += sum(t.numel() for t in made)
            self.bytes += sum(min(t.nbytes, 2**40) for t in made + read if not overlaps(t))
        return result


def overlaps(tensor):
    """Whether a view shows its memory many times, as the cuts of the noise do."""
    return tensor.nbytes > tensor.untyped_storage().nbytes()


def print_stages(count):
    """One sample on one core, complete and described."""
    watch, columns = Stopwatch(), []
    for source in (
        SimulatedPoses('train'),
        SimulatedPoses('train', developed=False, backdrop_in_crop=True),
        SimulatedClips('train'),
    ):
        crops = count if isinstance(source, SimulatedPoses) else FRAMES * (count // FRAMES)
        samples = range(crops if isinstance(source, SimulatedPoses) else crops // FRAMES)
        source[0]
        watch.seconds.clear()
        begin = time.thread_time()
        for i in samples:
            source[i]
        whole = time.thread_time() - begin
        stages = [watch.seconds[stage] for stage in STAGES]
        columns.append([1e3 * v / crops for v in (*stages, whole - sum(stages), whole)])
    print(f'| ms a crop, one core, mean of {count} | image | image, described | clip |')
    print('|---|---:|---:|---:|')
    for name, *values in zip((*STAGES, 'the rest', '**all**'), *columns, strict=True):
        print(f'| {name} | {" | ".join(f"{value:.2f}" for value in values)} |')


def print_rates(arguments):
    """Crops a second of both ways."""
    device = arguments.device
    print('\n| crops a second, median of the rounds (least to most) | images | clips |')
    print('|---|---:|---:|')
    sizes = {'images': arguments.batch, 'clips': max(1, arguments.batch // FRAMES)}
    found = {k: rates(k, size, arguments.rounds, device) for k, size in sizes.items()}
    for name, text in (
        ('complete', 'a core that makes complete crops'),
        ('described', 'a core that describes crops'),
        ('finished', f'finishing described crops, in batches, {device}'),
    ):
        cells = []
        for spent, _ in found.values():
            low, high = 1e3 / max(spent[name]), 1e3 / min(spent[name])
            cells.append(f'{1e3 / median(spent[name]):.0f} ({low:.0f} to {high:.0f})')
        print(f'| {text} | {" | ".join(cells)} |')
    fed = [f'{WORKERS * 1e3 / median(spent["described"]):.0f}' for spent, _ in found.values()]
    print(f'| {WORKERS} such cores would describe | {" | ".join(fed)} |')
    print_bounds(found['images'][1], arguments)


def print_bounds(batch, arguments):
    """Upper bounds of the crops per second of a GPU."""
    together = dict(simulated_crops._TOGETHER)
    simulated_crops._TOGETHER.clear()  # as many at once as a GPU takes
    with Work() as work:
        develop_batch({name: value.to(arguments.device) for name, value in batch.items()})
    simulated_crops._TOGETHER.update(together)
    crops = len(batch['visibility'])
    carried = arguments.bandwidth_gb_s * 1e9 * crops / work.bytes
    started = 1e6 / arguments.launch_us * crops / work.operations
    print(
        f'\nFinishing {crops} crops, as many at once as on a GPU: {work.operations} operations '
        f'in all; a crop {work.numbers / crops / 1e6:.1f} million numbers made, '
        f'{work.bytes / crops / 1e6:.1f} MB read and written. Bounds: {carried:.0f} crops a second'
        f' from {arguments.bandwidth_gb_s:.0f} GB/s of memory, {started:.0f} from '
        f'{arguments.launch_us:.0f} us to start an operation.'
    )


def print_loader(arguments):
    """Measured rate of loader workers, and the cost on both sides of the pipe."""
    _, parts = sources('images')
    phase = PosePhase(steps_per_epoch=3 * arguments.rounds, batch_size=arguments.batch)
    loader = PhaseData(parts, parts, phase, workers=arguments.workers).train_dataloader()
    begin, mine, times = used_s(resource.RUSAGE_CHILDREN), time.process_time(), []
    for _ in loader:
        times.append(time.perf_counter())
    mine = time.process_time() - mine
    del loader  # ends the workers, after which their time is known
    theirs = used_s(resource.RUSAGE_CHILDREN) - begin
    first = len(times) // 3  # what was made while the workers started
    rate = arguments.batch * (len(times) - 1 - first) / (times[-1] - times[first])
    images = arguments.batch * len(times)
    print(
        f'\n{arguments.workers} loader workers delivered {rate:.0f} described images a second by '
        f'the clock. An image took {1e3 * theirs / images:.2f} ms of CPU in its worker, so that '
        f'{WORKERS} workers with a core each make {WORKERS * images / theirs:.0f} a second, and '
        f'{1e3 * mine / images:.2f} ms in the process that receives it.'
    )


def used_s(who):
    """Seconds of CPU used by this process or by its children that have ended."""
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def print_film(frames):
    """The film as the demo's camera node asks for it."""
    film = SimulatedFilm(seed=1)
    film.frame(0.0)
    walls, cores = [], []
    for i in range(frames):
        wall, core = time.perf_counter(), time.process_time()
        film.frame(i / film.fps)
        walls.append(time.perf_counter() - wall)
        cores.append(time.process_time() - core)
    print(
        f'\nFilm of 640 x 480, {frames} frames: {1 / median(walls):.0f} frames a second by the '
        f'clock (mean {1 / np.mean(walls):.0f}), {1e3 * np.mean(cores):.1f} ms of CPU a frame.'
    )


def main():
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--device', default='cpu', help='finishes the batches: cpu or cuda')
    parser.add_argument('--batch', type=int, default=96, help='crops in a batch')
    parser.add_argument('--workers', type=int, default=2, help='loaders by the clock; 0: none')
    parser.add_argument('--rounds', type=int, default=7, help='batches of each variant')
    parser.add_argument('--samples', type=int, default=300, help='crops for the stages')
    parser.add_argument('--bandwidth-gb-s', type=float, default=3350.0, help='for the bound')
    parser.add_argument('--launch-us', type=float, default=10.0, help='for the bound')
    arguments = parser.parse_args()
    print_film(200)  # before anything is kept to one thread
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    print_rates(arguments)
    if arguments.workers:
        print_loader(arguments)
    print()
    print_stages(arguments.samples)


if __name__ == '__main__':
    main()
