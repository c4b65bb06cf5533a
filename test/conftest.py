"""What tests of several rooms share: small networks, the parity table, a graph of real processes.

Heavy libraries are imported where they are used: tests of the low rooms do without.
"""

import os
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

# Threads that spin while they wait cost tenfold on cores that are shared; set before torch.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

ROOT = Path(__file__).parents[1]
MOST_S = 240.0  # for anything to come true; only a machine that hangs takes so long
SHARED_MEMORY, UDP = Path('/dev/shm'), Path('/proc/net/udp')
PORT = re.compile(r'(?:sem\.)?fast(?:rtps|dds)_port(\d+)(?:_el|_mutex)?')
PARITY = ROOT.parent / 'shared' / 'parity'
_ROWS = pytest.StashKey[list]()
_CACHE = pytest.StashKey[tempfile.TemporaryDirectory]()


def pytest_addoption(parser):
    parser.addoption(
        '--freeze', action='store_true', help='write the frozen outputs of the network anew'
    )


def pytest_configure(config):
    config.stash[_ROWS] = []
    # Tests neither read nor fill the user's cache; nor do the processes that they start.
    config.stash[_CACHE] = tempfile.TemporaryDirectory(prefix='pose_action_ros_cache_')
    os.environ['XDG_CACHE_HOME'] = config.stash[_CACHE].name


def pytest_unconfigure(config):
    config.stash[_CACHE].cleanup()


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash[_ROWS]
    if not rows:
        return
    terminalreporter.section('difference to the reference outputs')
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for case, output, difference, bound in rows:
        mark = '' if difference <= bound else '   TOO LARGE'
        terminalreporter.write_line(
            f'{case:<{widths[0]}}  {output:<{widths[1]}}  {difference:9.2e}  '
            f'(bound {bound:.0e}){mark}'
        )


@pytest.fixture(scope='session')
def record_parity(pytestconfig):
    """Note a row of the table that ends a run: case, output, max abs difference, bound."""

    def record(case, output, difference, bound):
        pytestconfig.stash[_ROWS].append((case, output, float(difference), bound))

    return record


def shrink(preset, **changes):
    """A preset, narrowed for tests."""
    from pose_action_ros.models import ModelConfig

    narrow = {
        'blocks': 2,
        'features': 32,
        'kernel_size': 3,
        'pose_stem_features': 4,
        'pose_reduced_features': 8,
        'pose_features': 12,
        'appearance_features': 16,
    }
    if ModelConfig.preset(preset).dimensions == 3:
        narrow['depth_maps'] = 4
    return ModelConfig.preset(preset, **{**narrow, **changes})


def fill(net, seed):
    """Draw every number of a network from a seed, entry by entry, so that outputs are spread.

    Each entry has a generator of its own, made of the seed and its name: no entry depends on the
    order or the number of the others. Kernels keep the variance; batch norms are non-trivial.
    """
    import torch

    state = {}
    for name, value in net.state_dict().items():
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        shape = tuple(value.shape)
        if name.endswith('.bias'):
            drawn = rng.normal(0.0, 0.2, shape)
        elif name.endswith('.running_mean'):
            drawn = rng.normal(0.0, 0.1, shape)
        elif name.endswith('.running_var'):
            drawn = rng.uniform(0.7, 1.4, shape)
        else:
            drawn = rng.normal(0.0, _gain(name) / np.sqrt(np.prod(shape[1:])), shape)
        state[name] = torch.from_numpy(drawn.astype(np.float32))
    net.load_state_dict(state)
    return net.eval()


def _gain(name):
    """Above 1 where a ReLU has halved the variance, below where branches add up."""
    if 'to_maps' in name:
        return 0.4 if 'action' in name else 0.5 if 'blocks.0' in name else 0.35
    if 'main' in name or 'from_maps' in name or 'expand' in name:
        return 0.6
    return 1.3


def _write_film(path, count=12, rate_hz=25.0, code='mp4v', runs=()):
    """Write grey images, each 10 levels brighter than the one before.

    Args:
        path: Of the film.
        count: Images.
        rate_hz: Their rate.
        code: Of the codec.
        runs: (number of images, periods that each of them lasts), for a variable rate; mp4 only.
    """
    import cv2

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), rate_hz, (64, 48))
    for index in range(count):
        writer.write(np.full((48, 64, 3), 10 * index, np.uint8))
    writer.release()
    if runs:
        path.write_bytes(_with_periods(path.read_bytes(), runs))
    return path


def _with_periods(data, runs):
    """Give each image of an mp4 its own duration, as phones do: the table `stts`."""
    out, at = b'', 0
    while at < len(data):
        size, kind = struct.unpack('>I4s', data[at : at + 8])
        body = data[at + 8 : at + size]
        if kind in (b'moov', b'trak', b'mdia', b'minf', b'stbl'):
            body = _with_periods(body, runs)
        if kind == b'stts':
            (unit,) = struct.unpack('>I', body[12:16])
            rows = b''.join(struct.pack('>II', n, periods * unit) for n, periods in runs)
            body = struct.pack('>II', 0, len(runs)) + rows
        if kind != b'edts':  # it holds the length at the constant rate
            out += struct.pack('>I4s', len(body) + 8, kind) + body
        at += size
    return out


@pytest.fixture(scope='session')
def write_film():
    return _write_film


@pytest.fixture(scope='session')
def tiny():
    return shrink


@pytest.fixture(scope='session')
def filled():
    """Make a network of a config with weights from a seed."""
    from pose_action_ros.models import MultitaskNet

    return lambda config, seed=0: fill(MultitaskNet(config), seed)


@pytest.fixture(scope='session', params=['frozen', 'original'])
def reference_file(request):
    """Find a reference by name: the frozen copy here, and the original beside the checkout."""
    folder = ROOT / 'test/fixtures' if request.param == 'frozen' else PARITY
    if not folder.is_dir():
        pytest.skip(f'no reference outputs: {folder} is not there')
    return lambda name: folder / name


@pytest.fixture(scope='session')
def parity_folder():
    if not PARITY.is_dir():
        pytest.skip(f'no reference outputs: {PARITY} is not there')
    return PARITY


def _keras_arrays(net, first_generated=7):
    """Group name to arrays, as the authors' code would have stored a network.

    Counters of generated names depend on the session that wrote a file.
    """
    from pose_action_ros.models.keras_weights import _fixed_arrays, _groups

    state = {name: value.numpy() for name, value in net.state_dict().items()}
    groups = {}
    for name, slots in _groups(net).items():
        groups[name] = []
        for slot in slots:
            array = state[slot.target]
            if array.ndim == 4:
                depthwise = 'depthwise' in slot.target
                array = array.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
            assert array.shape == slot.shape
            groups[name].append(array)
    last = [groups.pop(name) for name in list(groups) if name.startswith('fusion')]
    groups |= _fixed_arrays(net.config)
    for offset, arrays in enumerate(last):
        groups[f'separable_conv2d_{first_generated + offset}'] = arrays
    return groups


def _write_keras(path, groups):
    """Write what Keras 2's `save_weights` would."""
    import h5py

    with h5py.File(path, 'w') as file:
        layers = ['input_9', *groups, 'add_60', 'p1']  # layers without weights are listed too
        file.attrs['layer_names'] = np.array(layers, 'S')
        file.attrs['backend'] = np.bytes_('tensorflow')
        file.attrs['keras_version'] = '2.1.4'
        for name in layers:
            group = file.create_group(name)
            arrays = groups.get(name, [])
            names = [f'conv2d_{40 + index}/kernel:0' for index in range(len(arrays))]
            group.attrs['weight_names'] = np.array(names, 'S')
            for weight, array in zip(names, arrays, strict=True):
                group.create_dataset(weight, data=array)
    return path


@pytest.fixture(scope='session')
def keras_arrays():
    return _keras_arrays


@pytest.fixture(scope='session')
def write():
    """Write a file of the authors' layout: path, group name to arrays."""
    return _write_keras


def free_domain():
    """A random domain in which nobody is, without the shared memory of processes that are gone.

    A killed process leaves its Fast DDS ports in shared memory, and whoever finds one there waits
    for messages that nobody announces.
    """
    bound = {
        int(row.split()[1].rpartition(':')[2], 16) for row in UDP.read_text().splitlines()[1:]
    }
    for domain in random.sample(range(2, 100), 98):  # above, ports are ephemeral ones
        ports = range(7400 + 250 * domain, 7650 + 250 * domain)
        if bound.isdisjoint(ports):
            with suppress(PermissionError):  # of another user
                for path in SHARED_MEMORY.iterdir():
                    if (found := PORT.fullmatch(path.name)) and int(found[1]) in ports:
                        path.unlink(missing_ok=True)
                return domain
    raise AssertionError('no ROS domain from 2 to 99 is free')


class Graph:
    """Starts nodes as processes, and is itself a node that they talk to."""

    def __init__(self):
        rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.node import Node

        self.domain = free_domain()
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=self.domain)
        self.node = Node('peer', context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.processes = {}

    def start(self, module, *remaps, path=None, **parameters):
        """Start a node; `path` is a folder that Python looks into first."""
        room = 'demo' if module in ('camera_node', 'view_node') else 'ros'
        options = [w for n, v in parameters.items() for w in ('-p', f'{n}:={v}')]
        options += [w for remap in remaps for w in ('-r', remap)]
        environment = {**os.environ, 'ROS_DOMAIN_ID': str(self.domain), 'OMP_NUM_THREADS': '1'}
        if path is not None:
            paths = [str(path), *filter(None, [os.environ.get('PYTHONPATH')])]
            environment['PYTHONPATH'] = os.pathsep.join(paths)
        self.processes[module] = subprocess.Popen(
            [sys.executable, '-m', f'pose_action_ros.{room}.{module}', '--ros-args', *options],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def stop(self, module):
        """End a process as Ctrl-C does; return its exit status and what it logged."""
        process = self.processes.pop(module)
        process.send_signal(signal.SIGINT)
        try:
            _, log = process.communicate(timeout=MOST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            _, log = process.communicate()
        return process.returncode, log

    def close(self):
        for module in list(self.processes):
            self.stop(module)
        self.node.destroy_node()
        self.context.try_shutdown()

    def collect(self, message_type, topic, qos=10):
        """Return a list that fills with the messages of a topic."""
        messages = []
        self.node.create_subscription(message_type, topic, messages.append, qos)
        return messages

    def publisher(self, message_type, topic):
        """Return a publisher for `deliver`.

        With a full history Fast DDS asks for acknowledgements at once, otherwise every 3 s.
        """
        return self.node.create_publisher(message_type, topic, 1)

    def wait(self, condition, timeout_s=MOST_S, what='condition', again=None):
        """Spin until the condition holds; do `again` every five seconds.

        A best-effort subscriber that has just been found, or a busy machine, may miss an image.
        """
        start = time.monotonic()
        end, next_s = start + timeout_s, start + 5.0
        while not condition():
            if again is not None and time.monotonic() > next_s:
                next_s += 5.0
                again()
            ended = {m: p.stderr.read() for m, p in self.processes.items() if p.poll() is not None}
            assert not ended, ended
            assert time.monotonic() < end, f'{what} did not come true in {timeout_s} s'
            self.executor.spin_once(timeout_sec=0.02)

    def deliver(self, publisher, *messages, to='/pose_action'):
        """Publish, and return when the node has run its callback for each message.

        Nothing is lost once the node asks for reliable delivery, and it answers a request after
        it has taken what came before.
        """
        from lifecycle_msgs.srv import GetState
        from rclpy.duration import Duration
        from rclpy.qos import ReliabilityPolicy

        asked = lambda: [  # noqa: E731
            info.qos_profile.reliability == ReliabilityPolicy.RELIABLE
            for info in self.node.get_subscriptions_info_by_topic(publisher.topic_name)
        ]
        is_heard = lambda: publisher.get_subscription_count() == len(asked()) > 0  # noqa: E731
        self.wait(lambda: is_heard() and all(asked()), what=f'{publisher.topic_name} is heard')
        for message in messages:
            publisher.publish(message)
            assert publisher.wait_for_all_acked(Duration(seconds=MOST_S))
            self.call(GetState, f'{to}/get_state', GetState.Request())

    def spin(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.02)

    def call(self, service_type, name, request, timeout_s=MOST_S):
        """Call a service and return its response."""
        client = self.node.create_client(service_type, name)
        self.wait(client.service_is_ready, timeout_s, f'service {name}')
        future = client.call_async(request)
        self.wait(future.done, timeout_s, f'answer of {name}')
        self.node.destroy_client(client)
        return future.result()


@pytest.fixture(scope='session')
def weights(tmp_path_factory, tiny, filled):
    """A file of small weights that see a body of some size in any image, though untrained."""
    from pose_action_ros.models import save_model

    net = filled(tiny('compact'), seed=6)
    for name, parameter in net.named_parameters():
        if 'to_maps' in name and 'action' not in name:
            parameter.data *= 30.0  # sharp heat maps: joints all over the image, not in its centre
    path = tmp_path_factory.mktemp('weights') / 'small.safetensors'
    save_model(net, path)
    return path


@pytest.fixture
def domain():
    return free_domain()


@pytest.fixture
def graph():
    graph = Graph()
    yield graph
    graph.close()


@pytest.fixture(scope='module')
def shared_graph():
    graph = Graph()
    yield graph
    graph.close()
