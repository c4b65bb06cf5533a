"""The parts of `on_a_gpu.py`; each prints rows of figures into a file as it goes.

python benchmarks/on_a_gpu_parts.py 'backbone ntu' cuda rows.jsonl [--quick]
"""

import argparse
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from importlib.metadata import distributions
from pathlib import Path

import numpy as np
import torch

from gpu_part import Bound, Part, network_of

HERE = Path(__file__).parent
TRAIN_S = 10.0
TRAIN_BATCH = {'compact': 96, 'ntu': 32}


def machine(part: Part) -> None:
    """Versions, the device, and what its products and copies reach."""
    from pose_action_ros.cli.bench_measure import machine_ceilings

    part.row('Python', version=sys.version.split()[0])
    wanted = {
        'torch',
        'lightning',
        'numpy',
        'triton',
        'onnxruntime',
        'onnxruntime-gpu',
        'tensorrt',
    }
    part.row('libraries', **{d.name: d.version for d in distributions() if d.name in wanted})
    if part.device.type == 'cuda':
        of = torch.cuda.get_device_properties(part.device)
        part.row('device', named=of.name, GiB=of.total_memory / 2**30, CUDA=torch.version.cuda)
    ceilings = asdict(machine_ceilings(str(part.device), 0))
    part.row('ceilings, GFLOP/s', **ceilings['gflops'])
    part.row('ceilings, copy', GB_s=ceilings['gbytes_s'])


def tests(part: Part) -> None:
    """The tests that need a GPU; warnings of other releases of the libraries are no failures."""
    command = [sys.executable, '-m', 'pytest', '-q', '-m', 'gpu', '-p', 'no:cacheprovider']
    command += [
        '-o',
        'filterwarnings=default',
        '--ignore=test/ros',
        '--ignore=test/cli',
        '--continue-on-collection-errors',
    ]
    folders = ['test/runtime'] if part.quick else ['test']
    done = subprocess.run([*command, *folders], capture_output=True, text=True, check=False)
    print(done.stdout[-2000:], done.stderr[-500:])
    counts = {
        word: int(n)
        for n, word in re.findall(r'(\d+) (passed|failed|skipped|errors?)\b', done.stdout)
    }
    part.row('tests marked gpu', **counts)
    if done.returncode:
        sys.exit(done.returncode)


def backbone(part: Part, preset: str) -> None:
    """One pass at every batch: plain PyTorch, channels last, reduced, as CUDA graphs."""
    from pose_action_ros.models.folding import fold

    folded = fold(part.net(preset)).to(part.device).eval()
    bound = Bound(folded.config)
    kinds = [('eager float32', torch.float32, torch.contiguous_format)]
    kinds += [
        (f'channels last {str(kind).removeprefix("torch.")}', kind, torch.channels_last)
        for kind in (torch.float32, torch.bfloat16, torch.float16)
    ]
    for name, kind, layout in kinds:
        net = folded.pose_net.to(kind).to(memory_format=layout)
        for batch in part.batches:
            x = torch.rand(batch, 3, 256, 256, device=part.device).to(kind)
            x = x.to(memory_format=layout)
            with torch.inference_mode():
                bound.row(part, f'{name}, batch {batch}', batch, part.time_ms(net, x))
    for precision in ('float32', 'float16', 'bfloat16'):
        network = network_of(part, preset, precision)
        for batch in part.batches:
            crops = part.crops(batch)
            ms = part.time_ms(network.frames, crops)
            bound.row(part, f'bytes to arrays, {precision}, batch {batch}', batch, ms)
        for note in getattr(network, 'notes', []):
            part.row('note', text=note)


def compiled(part: Part, preset: str) -> None:
    """`torch.compile` of the backbone; slow to begin, hence the last part."""
    from pose_action_ros.models.folding import fold

    net = fold(part.net(preset)).to(part.device).pose_net
    net = net.to(torch.float16 if part.device.type == 'cuda' else torch.float32)
    net = net.to(memory_format=torch.channels_last)
    bound = Bound(part.net(preset).config)
    how = {'backend': 'eager'} if part.quick else {'mode': 'max-autotune'}
    with torch.inference_mode():
        for batch in (1,) if part.quick else (1, 16):
            fast = torch.compile(net, dynamic=False, **how)
            x = torch.rand(batch, 3, 256, 256, device=part.device).to(next(net.parameters()).dtype)
            x = x.to(memory_format=torch.channels_last)
            start = time.perf_counter()
            fast(x)
            part.row(f'compiling, batch {batch}', seconds=time.perf_counter() - start)
            bound.row(part, f'{how}, batch {batch}', batch, part.time_ms(fast, x))


def stream(part: Part, preset: str) -> None:
    """Images to predictions, as in the node but without messages: one person and eight."""
    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.geometry import Camera
    from pose_action_ros.inference import PoseActionStream
    from pose_action_ros.inference.settings import StreamSettings, TrackSettings
    from pose_action_ros.runtime import Engine

    engine = Engine(part.net(preset), str(part.device), backend='torch', precision='auto')
    part.row('engine', where=engine.device, notes=engine.notes)
    image = np.full((720, 1280, 3), 90, np.uint8)
    for place in range(4):
        image[100:356, 20 + 300 * place :][:, :256] = part.crops(4)[place]
        image[400:656, 20 + 300 * place :][:, :256] = part.crops(8)[place + 4]
    places = [PersonBox(148 + 300 * (i % 4), 228 + 300 * (i // 4), 256.0) for i in range(8)]
    camera = Camera.from_field_of_view(1280, 720, 60.0)
    seen = TrackSettings(min_confidence=0.0, max_people=8)  # random weights are sure of nothing
    one = 0.0
    for people in (1, 8):
        runs = PoseActionStream(engine, StreamSettings(track=seen))
        stamps = iter(range(0, 1 << 60, 33_333_333))
        found = runs.process(image, next(stamps), camera=camera, boxes=places[:people])
        ms = part.time_ms(
            lambda runs=runs, stamps=stamps, people=people: runs.process(
                image, next(stamps), camera=camera, boxes=places[:people]
            )
        )
        one = one or ms
        part.row(
            f'{people} people',
            ms=ms,
            images_s=1e3 / ms,
            times_one=ms / one,
            poses=len(found.persons),
        )


def profile(part: Part, preset: str) -> None:
    """The kernels of one replayed frame, the slowest first."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    network = network_of(part, preset, 'float16' if part.device.type == 'cuda' else 'float32')
    crops = part.crops(1)
    for _ in range(5):
        network.frames(crops)
    part.wait()
    kinds = [ProfilerActivity.CPU]
    kinds += [ProfilerActivity.CUDA] if part.device.type == 'cuda' else []
    frames = 2 if part.quick else 20
    with profiler(activities=kinds) as found:
        for _ in range(frames):
            network.frames(crops)
        part.wait()
    key = 'self_device_time_total' if part.device.type == 'cuda' else 'self_cpu_time_total'
    events = sorted(found.key_averages(), key=lambda event: -getattr(event, key))
    total = sum(getattr(event, key) for event in events)
    bound = Bound(part.net(preset).config).ms(1)
    part.row('all kernels', us=total / frames, of_the_bound=1e3 * bound / (total / frames))
    for event in events[:20]:
        spent = getattr(event, key)
        part.row(
            event.key[:90], us=spent / frames, calls=event.count / frames, share=spent / total
        )


def bench(part: Part, preset: str) -> None:
    """`pose-action bench`: every stage."""
    from pose_action_ros.models import save_model

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / 'bench.json'
        rounds, weights = '12', f'untrained:{preset}'
        if part.quick:
            rounds, weights = '3', str(Path(folder) / 'narrow.safetensors')
            save_model(part.net('compact'), weights)
        command = [sys.executable, '-m', 'pose_action_ros.cli.main', 'bench', '--weights', weights]
        command += ['--device', str(part.device), '--rounds', rounds, '--json', str(file)]
        subprocess.run(command, check=True)
        figures = json.loads(file.read_text())
    part.row('engine', where=figures['engine'], notes=figures['notes'])
    for name, stage in figures['stages'].items():
        part.row(
            name, ms=stage['median_ms'], p95=stage['p95_ms'], of_the_bound=stage['share_of_bound']
        )


def rendering(part: Part) -> None:
    """`benchmarks/rendering.py`: simulated crops a second."""
    sizes = ['--rounds', '1', '--samples', '16', '--batch', '16'] if part.quick else []
    workers = '0' if part.quick else '8'
    command = [sys.executable, str(HERE / 'rendering.py'), '--device', part.device.type]
    done = subprocess.run(
        [*command, '--workers', workers, *sizes], stdout=subprocess.PIPE, text=True, check=False
    )
    for line in done.stdout.splitlines():
        if line.strip():
            part.row(line)
    if done.returncode:
        sys.exit(done.returncode)


def training(part: Part, preset: str, precision: str) -> None:
    """Ten seconds of training on the simulated actor, which the device renders."""
    from lightning.pytorch import Trainer
    from lightning.pytorch.callbacks import Callback

    from pose_action_ros.core.skeleton import get_skeleton
    from pose_action_ros.training.augmentation import Augmentation
    from pose_action_ros.training.config import DataSettings, PosePhase
    from pose_action_ros.training.data_module import PhaseData
    from pose_action_ros.training.order import OrderedSamples
    from pose_action_ros.training.pose_module import PoseModule
    from pose_action_ros.training.sources import pose_source

    class Clock(Callback):
        """Times the steps after the first ones, which start workers and choose kernels."""

        times: list = []  # noqa: RUF012

        def on_train_batch_end(self, *_):
            """Note when a step ended."""
            part.wait()
            self.times.append(time.perf_counter())
            enough = 3 if part.quick else 1 << 30
            if len(self.times) > enough or self.times[-1] - self.times[0] > TRAIN_S:
                trainer.should_stop = True

    batch = 2 if part.quick else TRAIN_BATCH[preset]
    net = part.net(preset).train()
    settings = PosePhase(epochs=1, steps_per_epoch=10_000, batch_size=batch, schedule='constant')
    data = DataSettings(render_on_device=True)
    sources = [pose_source(data, net.config, split, None) for split in ('train', 'val')]
    change = Augmentation(get_skeleton(net.config.layout))
    loaders = PhaseData(
        *(OrderedSamples(source, 1, augmentation=change) for source in sources),
        settings,
        workers=0 if part.quick else 14,
    )
    trainer = Trainer(
        accelerator='gpu' if part.device.type == 'cuda' else 'cpu',
        **{'devices': 1, 'precision': precision, 'max_epochs': 1, 'limit_val_batches': 0},
        **{'logger': False, 'enable_checkpointing': False, 'enable_progress_bar': False},
        **{'enable_model_summary': False, 'use_distributed_sampler': False},
        callbacks=[Clock()],
    )
    trainer.fit(PoseModule(net, settings, 1e-3, channels_last=True), datamodule=loaders)
    steps = Clock.times[len(Clock.times) // 4 :]
    rate = batch * (len(steps) - 1) / (steps[-1] - steps[0])
    peak = torch.cuda.max_memory_allocated() / 2**30 if part.device.type == 'cuda' else 0.0
    part.row(
        f'{preset}, {precision}', batch=batch, samples_s=rate, steps=len(Clock.times), GiB=peak
    )


def onnxruntime(part: Part) -> None:
    """The exported backbone on ONNX Runtime, with each of its providers for this device."""
    if not _is_there(part, 'onnxruntime', 'onnx', 'onnxscript'):
        return
    import onnxruntime as runtime

    file, outputs = _exported(part)
    wanted = {'cuda': ['CUDAExecutionProvider', 'TensorrtExecutionProvider']}
    for provider in wanted.get(part.device.type, ['CPUExecutionProvider']):
        if provider not in runtime.get_available_providers():
            part.row(provider, state='not here')
            continue
        session = runtime.InferenceSession(str(file), providers=[provider])
        for batch in part.batches[:2]:
            crops = part.crops(batch)
            ms = part.time_ms(session.run, outputs, {'crops': crops})
            part.row(f'{provider}, batch {batch}', ms=ms, uses=session.get_providers()[0])


def tensorrt(part: Part) -> None:
    """The exported backbone as an engine of TensorRT, by trtexec."""
    import shutil

    tool = shutil.which('trtexec')
    if part.device.type != 'cuda' or not tool or not _is_there(part, 'onnx', 'onnxscript'):
        part.row('tensorrt', state='not here: no GPU, no trtexec, or no exporter')
        return
    file, _ = _exported(part)
    shapes = [f'--{kind}Shapes=crops:1x256x256x3' for kind in ('min', 'opt', 'max')]
    done = subprocess.run(
        [tool, f'--onnx={file}', *shapes], capture_output=True, text=True, check=False
    )
    for line in re.findall(r'\[I\] ((?:Latency|GPU Compute Time|Throughput): .*)', done.stdout):
        part.row(line)
    if done.returncode:
        print(done.stdout[-2000:])
        sys.exit(done.returncode)


def _is_there(part: Part, *modules: str) -> bool:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    for name in missing:
        part.row(name, state='not here')
    return not missing


def _exported(part: Part) -> tuple[Path, list[str]]:
    folder = Path(tempfile.mkdtemp()) / 'exported'
    preset = 'compact' if part.quick else 'ntu'
    command = [sys.executable, '-m', 'pose_action_ros.cli.main', 'export', 'onnx', str(folder)]
    subprocess.run([*command, '--weights', f'untrained:{preset}'], check=True)
    return folder / 'frames.onnx', ['joints', 'visibility', 'probability', 'joint_features']


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser()
    parser.add_argument('part')
    parser.add_argument('device')
    parser.add_argument('rows', type=Path)
    parser.add_argument('--quick', action='store_true')
    options = parser.parse_args()
    name, *arguments = options.part.split()
    globals()[name](Part(options.device, options.quick, options.rows.absolute()), *arguments)


if __name__ == '__main__':
    main()
