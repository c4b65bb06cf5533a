"""A graph of real processes on a domain of its own, and a peer in the test process."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

MOST_S = 240.0  # for anything to come true; only a machine that hangs takes so long
SHARED_MEMORY, STALE = Path('/dev/shm'), 'fastrtps_port[0-9]*'

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')

from lifecycle_msgs.srv import GetState  # noqa: E402
from rclpy.duration import Duration  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rclpy.qos import ReliabilityPolicy  # noqa: E402


def free_domain():
    """A random domain whose ports are below the ephemeral ones and have no stale shared memory.

    A process that was killed leaves its Fast DDS port in shared memory, and who meets it there
    waits for messages that nobody announces.
    """
    ports = [int(p.name.partition('port')[2].split('_')[0]) for p in SHARED_MEMORY.glob(STALE)]
    taken = {(port - 7400) // 250 for port in ports}
    return random.choice([domain for domain in range(2, 100) if domain not in taken])


class Graph:
    """Starts nodes as processes, and is itself a node that they talk to."""

    def __init__(self):
        self.domain = free_domain()
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=self.domain)
        self.node = Node('peer', context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.processes = {}

    def start(self, module, *remaps, path=None, **parameters):
        """Start a node; `path` is a folder that Python looks into first."""
        options = [w for n, v in parameters.items() for w in ('-p', f'{n}:={v}')]
        options += [w for remap in remaps for w in ('-r', remap)]
        environment = {**os.environ, 'ROS_DOMAIN_ID': str(self.domain), 'OMP_NUM_THREADS': '1'}
        if path is not None:
            paths = [str(path), *filter(None, [os.environ.get('PYTHONPATH')])]
            environment['PYTHONPATH'] = os.pathsep.join(paths)
        self.processes[module] = subprocess.Popen(
            [sys.executable, '-m', f'pose_action_ros.ros.{module}', '--ros-args', *options],
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
        rclpy.shutdown(context=self.context)

    def collect(self, message_type, topic, qos=10):
        """Return a list that fills with the messages of a topic."""
        messages = []
        self.node.create_subscription(message_type, topic, messages.append, qos)
        return messages

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
