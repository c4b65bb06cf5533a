"""The programs of docs/using_the_results.md: on people of our making, and beside the live node."""

import itertools
import math
import os
import signal
import subprocess
import sys
import sysconfig
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest
from std_msgs.msg import Bool, String

from pose_action_ros.messages.stamp import stamp_to_msg
from pose_action_ros.msg import ActionLabel, Person, PersonArray, Pose3D
from pose_action_ros.ros.message_types import MAKE

pytestmark = [pytest.mark.ros, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / 'examples'
PAGE = ROOT / 'docs/using_the_results.md'
MOST_LINES = 40
START_S = 1000.0
TICK_S = 0.06  # the program decides every 0.05 s
WAIT_S = 2000.0  # of the program that stops: only stamps of our choice reach it
PROGRAMS = {
    'stop_for_people.py': 'python',
    'react_to_action.py': 'python',
    'people_listener/people_listener.cpp': 'cpp',
    'people_listener/CMakeLists.txt': 'cmake',
}


@pytest.mark.parametrize('name', PROGRAMS)
def test_the_page_shows_the_programs_as_they_are(name):
    text = (EXAMPLES / name).read_text()
    assert f'```{PROGRAMS[name]}\n{text}```\n' in PAGE.read_text()
    assert text.count('\n') <= MOST_LINES


class Program:
    """A program beside the node; what it logs goes to a file."""

    def __init__(self, graph, log, command, parameters):
        options = [w for n, v in parameters.items() for w in ('-p', f'{n}:={v}')]
        prefixes = [sys.prefix, *filter(None, [os.environ.get('AMENT_PREFIX_PATH')])]
        libraries = [f'{sys.prefix}/lib', *map(str, wheels_libraries())]
        libraries += filter(None, [os.environ.get('LD_LIBRARY_PATH')])
        self.log = log
        with log.open('w') as file:
            self.process = subprocess.Popen(
                [*command, '--ros-args', *options],
                env={
                    **os.environ,
                    'ROS_DOMAIN_ID': str(graph.domain),
                    'AMENT_PREFIX_PATH': os.pathsep.join(prefixes),
                    'LD_LIBRARY_PATH': os.pathsep.join(libraries),
                    'RCUTILS_LOGGING_BUFFERED_STREAM': '0',
                },
                stderr=file,
            )

    def lines(self):
        """What it has logged, without time and name."""
        assert self.process.poll() is None, self.log.read_text()
        return [line.rpartition(']: ')[2] for line in self.log.read_text().splitlines()]

    def stop(self):
        """End it as Ctrl-C does, which leaves no trace."""
        self.process.send_signal(signal.SIGINT)
        try:
            assert self.process.wait(timeout=60) == 0, self.log.read_text()
        finally:
            self.process.kill()
        assert 'Traceback' not in self.log.read_text()


def wheels_libraries():
    """Folders of libraries that wheels bring, and a distribution has elsewhere."""
    return sorted(Path(sysconfig.get_path('purelib')).glob('*.libs'))


@pytest.fixture
def start(shared_graph, tmp_path):
    """Start a program by its command."""
    numbers = itertools.count()
    with ExitStack() as programs:  # which ends all of them, also if one ends wrongly

        def run(*command, **parameters):
            log = tmp_path / f'{next(numbers)}.log'
            program = Program(shared_graph, log, list(map(str, command)), parameters)
            programs.callback(program.stop)
            return program

        yield run


@pytest.fixture(scope='module')
def listener(tmp_path_factory):
    """The C++ example, compiled against the targets that our package exports."""
    build = tmp_path_factory.mktemp('people_listener')
    prefixes = [sys.prefix, *os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)]
    prefixes = [prefix for prefix in prefixes if prefix]
    configure = ['cmake', '-S', EXAMPLES / 'people_listener', '-B', build]
    if not any(Path(prefix, 'share/rclcpp').is_dir() for prefix in prefixes):
        configure.append(f'-Drclcpp_DIR={ROOT / "test/rclcpp_stand_in"}')
    environment = {
        **os.environ,
        'PATH': os.pathsep.join([f'{sys.prefix}/bin', os.environ['PATH']]),
        'AMENT_PREFIX_PATH': os.pathsep.join(prefixes),
        'CMAKE_PREFIX_PATH': os.pathsep.join(prefixes),
    }
    for command in (configure, ['cmake', '--build', build]):
        done = subprocess.run(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:]
    return build / 'people_listener'


def person(track_id=1, root=(0.0, 0.0, 4.0), sigma=(0.0, 0.0, 0.0), label='', valid=None):
    """Somebody at a place, metres, with standard deviations along the axes, who does something."""
    pose = Pose3D(track_id=track_id, root_covariance=np.diag(np.square(sigma)).ravel())
    pose.root.x, pose.root.y, pose.root.z = map(float, root)  # rclpy garbles integers
    is_valid = bool(label) if valid is None else valid
    action = ActionLabel(track_id=track_id, label=label, valid=is_valid)
    return Person(track_id=track_id, pose=pose, action=action)


class People:
    """Publishes `people` and time."""

    def __init__(self, graph):
        self.graph = graph
        self.publisher = graph.node.create_publisher(PersonArray, 'people', 10)
        self.clocks = graph.node.create_publisher(Clock, '/clock', 10)
        self.now_s = START_S

    def tick(self):
        self.now_s += TICK_S
        self.clocks.publish(Clock(clock=stamp_to_msg(MAKE, round(self.now_s * 1e9))))

    def publish(self, *people, stamp_s=None, ended=()):
        msg = PersonArray(people=people, ended_tracks=ended)
        stamp_s = self.now_s if stamp_s is None else stamp_s
        msg.header.stamp = stamp_to_msg(MAKE, round(stamp_s * 1e9))
        self.publisher.publish(msg)

    def close(self):
        self.graph.node.destroy_publisher(self.publisher)
        self.graph.node.destroy_publisher(self.clocks)


@pytest.fixture
def people(shared_graph):
    made = People(shared_graph)
    yield made
    made.close()


class Stopper:
    """The program that stops the robot, in a time of our making."""

    def __init__(self, people, start):
        self.people = people
        self.said = people.graph.collect(Bool, 'stop')
        start(
            sys.executable,
            EXAMPLES / 'stop_for_people.py',
            use_sim_time='true',
            distance_m=1.5,
            wait_s=WAIT_S,
        )

    def becomes(self, expected, *seen, case='', after_s=0.0, ahead_s=0.0, silent=False):
        """Show people until the program has decided as expected.

        Args:
            expected: Whether it stops.
            seen: People in every image.
            case: What is shown, for an error.
            after_s: Time that passes before.
            ahead_s: How far stamps are ahead of the time.
            silent: No image is shown.
        """
        self.people.now_s += after_s
        stamp_s = self.people.now_s + ahead_s

        def is_so():
            self.people.tick()
            if not silent:
                self.people.publish(*seen, stamp_s=stamp_s)
            return bool(self.said) and self.said[-1].data == expected

        self.people.graph.wait(is_so, what=f'{case}: stop is {expected}')


NAN = math.nan
NEAR = person(root=(0.0, 0.0, 1.4))
FAR = person(root=(3.0, 0.0, 4.0), sigma=(0.1, 0.1, 0.1))
STOPS = {
    'near': [NEAR],
    'two sigma reach into the distance': [person(root=(0, 0, 2.5), sigma=(0.01, 0.01, 0.6))],
    'near beside the camera': [person(root=(-1.3, 0.3, 0.2))],
    'one of two': [FAR, NEAR],
    'no place': [person(root=(NAN, NAN, NAN))],
    'no uncertainty': [person(sigma=(NAN, NAN, NAN))],
    'at the camera': [person(root=(0.0, 0.0, 0.0))],
}
GOES = {
    'nobody': [],
    'far': [FAR],
    'uncertain across the line of sight alone': [person(root=(0, 0, 2.5), sigma=(0.6, 0.6, 0.01))],
}


def test_a_robot_stops_for_people_and_for_silence(people, start):
    stopper = Stopper(people, start)
    stopper.becomes(True, silent=True)
    assert all(said.data for said in stopper.said)
    for case, seen in STOPS.items():
        stopper.becomes(False, after_s=2 * WAIT_S)
        stopper.becomes(True, *seen, case=case)
    for case, seen in GOES.items():
        stopper.becomes(True, NEAR)
        stopper.becomes(False, *seen, case=case, after_s=2 * WAIT_S)
    stopper.becomes(True, silent=True, after_s=2 * WAIT_S)
    stopper.becomes(False)
    stopper.becomes(True, ahead_s=2 * WAIT_S)


class Reactor:
    """The program that reacts to an action."""

    def __init__(self, people, start):
        self.people = people
        self.said = people.graph.collect(String, 'reactions', 100)
        start(sys.executable, EXAMPLES / 'react_to_action.py', label='wave', pause_s=2.0)
        self.stamp_s, self.witness = 0.0, 1000

        def is_heard():  # by a new stranger each time: a reaction that nobody hears yet is lost
            self._show_stranger()
            return bool(self.said)

        people.graph.wait(is_heard, what='a first reaction')
        self.said.clear()

    def show(self, *seen, after_s=0.03, ended=()):
        """Show an image, in which a stranger waves too, and return when the program saw them."""
        self.stamp_s += after_s
        self._show_stranger(*seen, ended=ended)

        def is_seen():
            return any(said.data == f'person {self.witness}: wave' for said in self.said)

        self.people.graph.wait(is_seen, what='reaction to a stranger')

    def reactions(self):
        """What it has said of the people whom a test shows."""
        texts = [said.data for said in self.said if not said.data.startswith('person 1')]
        self.said.clear()
        return texts

    def _show_stranger(self, *seen, ended=()):
        self.witness += 1
        stranger = person(self.witness, label='wave')
        self.people.publish(*seen, stranger, stamp_s=self.stamp_s, ended=ended)


def test_an_action_is_reacted_to_once(people, start):
    reactor = Reactor(people, start)
    waving = person(2, label='wave')
    for _ in range(3):
        reactor.show(person(2, label='wave', valid=False), person(3, label='walk'))
    assert reactor.reactions() == []
    for _ in range(30):
        reactor.show(waving, person(3, label='walk'))
    assert reactor.reactions() == ['person 2: wave']
    reactor.show(person(2, label='walk'))
    reactor.show(person(2))
    reactor.show(waving, after_s=1.0)
    assert reactor.reactions() == []
    reactor.show(person(2, label='walk'))
    reactor.show(waving, after_s=2.5)
    assert reactor.reactions() == ['person 2: wave']
    reactor.show(waving, person(3, label='wave'))
    assert reactor.reactions() == ['person 3: wave']
    reactor.show(ended=[2, 3])
    reactor.show(waving)  # as after a restart of the node, which counts from 1 again
    assert reactor.reactions() == ['person 2: wave']
    reactor.show(waving, after_s=-60.0)  # a recording starts again
    assert reactor.reactions() == ['person 2: wave']


def test_a_cpp_node_hears_people(people, start, listener):
    program = start(listener)
    expected = ['person 2, 5.00 m: wave', 'person 3, nan m: not known yet', 'person 4 has left']

    def is_heard():
        nowhere = person(3, root=(NAN, NAN, NAN), label='walk', valid=False)
        people.publish(person(2, root=(3, 0, 4), label='wave'), nowhere, ended=[4])
        return program.lines()[:3] == expected

    people.graph.wait(is_heard, what='lines of the C++ node')


class Room:
    """Somebody stands before the live node; an untrained network sees them do something."""

    def __init__(self, graph, weights):
        self.graph = graph
        self.people = graph.collect(PersonArray, 'people', 100)
        graph.start(
            'pose_action_node',
            **{
                'model.weights': weights,
                'model.backend': 'torch',
                'model.precision': 'float32',
                'model.threads': 1,
                'person_source': 'roi',
                'track.min_confidence': 0.0,
                'track.min_joint_confidence': 0.0,
            },
        )
        self.images = graph.node.create_publisher(Image, 'image', 5)
        self.clocks = graph.node.create_publisher(Clock, '/clock', 10)
        self.pixels = np.random.default_rng(1).integers(0, 255, 120 * 160 * 3, np.uint8).tobytes()
        self.stamp_ns = 10**12
        self._tell(RegionOfInterest, 'roi', RegionOfInterest(width=160, height=120))
        info = CameraInfo(height=120, width=160, distortion_model='plumb_bob', d=[0.0] * 5)
        info.k = np.array([150.0, 0, 79.5, 0, 150.0, 59.5, 0, 0, 1])
        self._tell(CameraInfo, 'camera_info', info)

    def show(self):
        """Show an image; return the one person in it."""
        self.stamp_ns += 66_666_667
        msg = Image(height=120, width=160, encoding='rgb8', step=480)
        msg.data.frombytes(self.pixels)
        msg.header.stamp = stamp_to_msg(MAKE, self.stamp_ns)

        def publish():
            self.clocks.publish(Clock(clock=msg.header.stamp))
            self.images.publish(msg)

        def is_seen():
            return bool(self.people) and self.people[-1].header.stamp == msg.header.stamp

        publish()
        self.graph.wait(is_seen, what='people of the image', again=publish)
        (seen,) = self.people[-1].people
        return seen

    def show_until(self, condition, what):
        self.graph.wait(lambda: condition(self.show()), what=what)

    def _tell(self, kind, topic, message):
        self.graph.deliver(self.graph.publisher(kind, topic), message)


def place(seen):
    return np.array([seen.pose.root.x, seen.pose.root.y, seen.pose.root.z])


def test_all_of_them_beside_the_live_node(shared_graph, weights, start, listener):
    room = Room(shared_graph, weights)
    room.show_until(lambda seen: seen.action.valid, 'valid action')
    seen = room.show()
    towards = place(seen) / np.linalg.norm(place(seen))
    covariance = np.array(seen.pose.root_covariance).reshape(3, 3)
    nearest_m = np.linalg.norm(place(seen)) - 2 * np.sqrt(towards @ covariance @ towards)
    assert math.isfinite(nearest_m)
    stops = shared_graph.collect(Bool, 'stop')
    reactions = shared_graph.collect(String, 'reactions')
    start(
        sys.executable,
        EXAMPLES / 'stop_for_people.py',
        use_sim_time='true',
        distance_m=float(nearest_m - 1.0),
        wait_s=WAIT_S,
    )
    # Without a pause it reacts to each image: a first reaction may come before it is heard.
    start(sys.executable, EXAMPLES / 'react_to_action.py', label=seen.action.label, pause_s=0.0)
    program = start(listener)
    room.show_until(
        lambda _: reactions and stops and not stops[-1].data and len(program.lines()) > 10,
        'results of all programs',
    )
    assert {said.data for said in reactions} == {f'person {seen.track_id}: {seen.action.label}'}
    shown = {
        f'person {p.track_id}, {np.linalg.norm(place(p)):.2f} m: {p.action.label}'
        for array in room.people
        for p in array.people
    }
    assert set(program.lines()) <= shown
