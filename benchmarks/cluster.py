"""Many small recordings on a Ray cluster of two nodes, of which a worker and a node are killed.

The recordings are filmed by the simulator. They are converted one by one in this process, then by
1 and 2 workers of this machine, then on two `ray start` nodes. There a worker is killed once a
quarter is done, and the second node once half is done. Every result is compared with that of the
single conversion, byte by byte. The costs of the parts are measured too: reading and decoding,
the network, writing.

Run: python benchmarks/cluster.py --count 40
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rosbags.rosbag2 import Reader, StoragePlugin, Writer

from pose_action_ros.core.weights import NetworkChoice
from pose_action_ros.inference.shared_network import stream_of
from pose_action_ros.messages.camera import camera_to_msg
from pose_action_ros.messages.image import image_to_msg, rgb_from_msg
from pose_action_ros.messages.stamp import stamp_to_msg
from pose_action_ros.recordings.job import ConversionSettings, convert
from pose_action_ros.recordings.message_types import RecordedMessageMaker, load_types
from pose_action_ros.simulation.scene import SimulatedFilm

_RATE_HZ, _SIZE = 15.0, (320, 240)
_START_NS = 1_700_000_000_000_000_000
_MOST_S = 1800.0
_BIN = Path(sys.executable).parent
_ENVIRONMENT = {
    **os.environ,
    'RAY_USAGE_STATS_ENABLED': '0',
    'RAY_AUTH_MODE': 'token',  # without it the second node is refused
    'RAY_AUTH_TOKEN': secrets.token_hex(32),
    'OMP_WAIT_POLICY': 'PASSIVE',
}


def main(
    count: Annotated[int, typer.Option(help='How many recordings.')] = 40,
    seconds: Annotated[float, typer.Option(help='Length of each.')] = 1.0,
    weights: str = 'demo',
) -> None:
    """Run everything and print the table."""
    with tempfile.TemporaryDirectory(prefix='pose_action_cluster_') as name:
        folder = Path(name)
        for number in range(count):
            record(folder / f'in/walk_{number:02d}', number, seconds)
        print(f'{count} recordings of {seconds} s, {size_mib(folder / "in"):.1f} MiB together')
        settings = ConversionSettings(NetworkChoice(weights, device='cpu', threads=1))
        measure_parts(folder, settings)
        start_s = time.monotonic()
        for path in sorted((folder / 'in').iterdir()):
            convert(path, folder / 'single' / path.name, settings)
        print(f'one by one, in one process: {time.monotonic() - start_s:.0f} s')
        for workers in (1, 2):
            run_local(folder, workers, weights)
        run_on_two_nodes(folder, weights)


def record(path: Path, seed: int, seconds: float) -> None:
    """Write a recording of the simulated actor."""
    path.parent.mkdir(parents=True, exist_ok=True)
    make, film = RecordedMessageMaker(load_types()), SimulatedFilm(seed, *_SIZE, _RATE_HZ)
    with Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        topics: dict[str, object] = {}
        for index in range(round(seconds * _RATE_HZ)):
            time_ns = _START_NS + round(index / _RATE_HZ * 1e9)
            header = make('std_msgs/Header', stamp=stamp_to_msg(make, time_ns), frame_id='camera')
            image = film.frame(index / _RATE_HZ).image_rgb
            for topic, message in (
                ('/camera/camera_info', camera_to_msg(make, film.camera, header)),
                ('/camera/image', image_to_msg(make, image, header, 'rgb8')),
            ):
                kind = message.__msgtype__
                if topic not in topics:
                    topics[topic] = writer.add_connection(topic, kind, typestore=make.store)
                writer.write(topics[topic], time_ns, make.store.serialize_cdr(message, kind))


def measure_parts(folder: Path, settings: ConversionSettings) -> None:
    """Time reading with decoding, the network, and a whole conversion, of ten recordings."""
    store, images = load_types(), []
    paths = sorted((folder / 'in').iterdir())[:10]
    start_s = time.process_time()
    for path in paths:
        with Reader(path) as reader:
            for connection, _, data in reader.messages():
                if connection.topic == '/camera/image':
                    images.append(rgb_from_msg(store.deserialize_cdr(data, connection.msgtype)))
    read_s = time.process_time() - start_s
    stream_of(settings.network)
    start_s = time.process_time()
    stream = stream_of(settings.network)
    for index, image in enumerate(images):
        stream.process(image, round(index / _RATE_HZ * 1e9))
    seen_s = time.process_time() - start_s
    start_s = time.process_time()
    for path in paths:
        convert(path, folder / 'parts' / path.name, settings)
    all_s = time.process_time() - start_s
    each = [1e3 * value / len(images) for value in (read_s, seen_s, all_s - read_s - seen_s)]
    print('CPU time of an image: reading and decoding {:.2f} ms, people, network and metres '
          '{:.2f} ms, messages and writing {:.2f} ms'.format(*each))  # fmt: skip


def run_local(folder: Path, workers: int, weights: str) -> None:
    """Convert with workers of this machine, one thread each."""
    output = folder / f'workers_{workers}'
    command(folder, output, weights, '--workers', workers, '--threads', 1).wait()
    tell(f'--workers {workers}', folder, output)


def run_on_two_nodes(folder: Path, weights: str) -> None:
    """Convert on two nodes; kill a worker and a node meanwhile."""
    output, port = folder / 'nodes', free_port()
    nodes = []
    try:
        head = ('--head', '--port', port, '--include-dashboard', 'false')
        nodes.append(running_node(lambda _: answers(port), *head))
        count = len(list((folder / 'in').iterdir()))
        there = lambda node: workers_of(node, 'raylet')  # noqa: E731
        nodes.append(running_node(there, '--address', f'127.0.0.1:{port}'))
        process = command(folder, output, weights, '--ray', f'127.0.0.1:{port}')
        wait_for(lambda: done(output) >= count // 4, 'a quarter is done', process)
        wait_for(lambda: workers_of(nodes[0], 'ray::do'), 'a worker is at work', process)
        victim = workers_of(nodes[0], 'ray::do')[0]
        victim.kill()
        print(f'killed a worker with {done(output)} of {count} done')
        wait_for(lambda: done(output) >= count // 2, 'half is done', process)
        kill_node(nodes.pop())
        print(f'killed the second node with {done(output)} of {count} done')
        process.wait(_MOST_S)
        tell(f'two nodes, a worker and a node killed (status {process.returncode})', folder,
             output)  # fmt: skip
    finally:
        for node in nodes:
            kill_node(node)


def command(folder: Path, output: Path, weights: str, *options: object) -> subprocess.Popen:
    """Start `pose-action bag`."""
    words = ['bag', folder / 'in', output, '--weights', weights, '--device', 'cpu', *options]
    words = [sys.executable, '-m', 'pose_action_ros.cli.main', *words, '--quiet']
    return subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL, env=_ENVIRONMENT)


def running_node(is_there, *options: object) -> subprocess.Popen:
    """Start a node; Ray gives up on a busy machine after 30 s, so try again."""
    for _ in range(5):
        node = start_node(*options)
        end_s = time.monotonic() + 120.0
        while node.poll() is None and time.monotonic() < end_s:
            if is_there(node):
                return node
            time.sleep(0.2)
        kill_node(node)
    raise RuntimeError('a node of Ray does not start')


def start_node(*options: object) -> subprocess.Popen:
    """Start a node of a Ray cluster with one CPU."""
    words = [_BIN / 'ray', 'start', '--block', '--num-cpus', 1, '--disable-usage-stats', *options]
    words += ['--object-store-memory', 100 << 20]
    return subprocess.Popen(
        list(map(str, words)),
        **{'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL, 'env': _ENVIRONMENT},
        start_new_session=True,
    )


def workers_of(node: subprocess.Popen, name: str) -> list[psutil.Process]:
    """Running processes of a node whose name or command begins so."""
    found = []
    try:
        children = psutil.Process(node.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    for process in children:
        try:
            words = process.cmdline() or [process.name()]
        except psutil.Error:
            continue
        if words[0].startswith(name) or Path(words[0]).name == name:
            found.append(process)
    return found


def kill_node(node: subprocess.Popen) -> None:
    """Kill a node with all its processes at once, as a loss of power does."""
    try:
        for process in psutil.Process(node.pid).children(recursive=True):
            process.kill()
        os.killpg(node.pid, signal.SIGKILL)
    except (psutil.NoSuchProcess, ProcessLookupError):
        pass  # gone by itself
    node.wait()


def tell(title: str, folder: Path, output: Path) -> None:
    """Print the figures of a run, and compare its results with the single conversions."""
    report = json.loads((output / 'report.json').read_text())
    names = sorted(path.name for path in (folder / 'in').iterdir())
    equal = sum(
        results(folder / 'single' / name) == results(output / name)
        for name in names
        if (output / name).exists()
    )
    workers = {o['worker']: o['peak_mib'] for o in report['outcomes']}
    left = [path.name for path in output.iterdir() if path.name.endswith('.unfinished')]
    print(
        f'{title}: {report["done"]} done, {report["failed"]} failed, {equal} of {len(names)} '
        f'equal to the single conversion, {len(left)} unfinished left; '
        f'{report["duration_s"]:.0f} s, {report["inputs_per_min"]:.1f} recordings a minute, '
        f'{report["images_per_s"]:.1f} images a second; {len(workers)} processes of at most '
        f'{max(workers.values())} MiB'
    )


def results(path: Path) -> list[tuple[str, int, bytes]]:
    """Topic, time and bytes of every message."""
    with Reader(path) as reader:
        return [(c.topic, time_ns, bytes(data)) for c, time_ns, data in reader.messages()]


def done(output: Path) -> int:
    """Count finished outputs."""
    marks = (output / '.pose_action').glob('*.json')
    return sum('"key": null' not in path.read_text() for path in marks)


def wait_for(condition, what: str, process: subprocess.Popen | None = None) -> None:
    """Wait until a condition holds."""
    end_s = time.monotonic() + _MOST_S
    while not condition():
        if process is not None and process.poll() is not None:
            raise RuntimeError(f'the conversion ended before {what}')
        if time.monotonic() > end_s:
            raise RuntimeError(f'{what} did not come true in {_MOST_S} s')
        time.sleep(0.1)


def answers(port: int) -> bool:
    """Tell whether something listens."""
    try:
        socket.create_connection(('127.0.0.1', port), 1.0).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def size_mib(folder: Path) -> float:
    """Size of all files."""
    return sum(path.stat().st_size for path in folder.rglob('*') if path.is_file()) / 2**20


if __name__ == '__main__':
    typer.run(main)
