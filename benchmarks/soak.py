"""Minutes of images at 30 Hz, with all known faults of drivers injected at random.

The node runs as a separate process. After each fault the film continues, and the node must publish
poses again. The report at the end has the number of each fault, the share of images with a result,
the memory, the logged errors, and the exit status. After Ctrl-C the report is still printed.

Run: make soak MINUTES=30
"""

import os
import random

os.environ.setdefault('ROS_DOMAIN_ID', str(random.randrange(1, 100)))

import copy
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import rclpy
import typer
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rich.console import Console
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from std_srvs.srv import SetBool, Trigger

from pose_action_ros.messages.camera import camera_to_msg
from pose_action_ros.messages.image import image_to_msg
from pose_action_ros.messages.stamp import stamp_to_msg
from pose_action_ros.msg import ActionLabel, Pose3D
from pose_action_ros.ros.message_types import MAKE
from pose_action_ros.simulation.scene import SimulatedFilm

_WIDTH, _HEIGHT, _RATE_HZ, _FRAMES = 320, 240, 30.0, 300
_PERIOD_NS = round(1e9 / _RATE_HZ)
_FAULT_EVERY_S = 2.0
_RECOVERY_S = 10.0
_WARM_UP_S = 60.0  # before which memory is not judged
_MIN_SAMPLES = 60
_GROWTH_MIB = 40.0  # from the first quarter of a run to its last
_NAN = float('nan')
_D5 = [-0.2276, 0.2179, -0.0009, -0.0009, -0.2063]


class Soak:
    """A driver that injects faults, and records the reaction of the node."""

    def __init__(self, log: Path, seed: int) -> None:
        film = SimulatedFilm(seed, _WIDTH, _HEIGHT, _RATE_HZ)
        shots = (film.frame(index / _RATE_HZ).image_rgb for index in range(_FRAMES))
        self.film = [image_to_msg(MAKE, shot, Header(frame_id='camera'), 'rgb8') for shot in shots]
        self.info = camera_to_msg(MAKE, film.camera, Header(frame_id='camera'))
        self.random = random.Random(seed)
        self.faults: Counter[str] = Counter()
        self.slow: Counter[str] = Counter()  # faults after which no pose came for long
        self.sent, self.results, self.valid = 0, 0, 0
        self.memory_mib: list[tuple[float, float]] = []  # (seconds, while a network is loaded)
        self.rounds, self.is_loaded = 0, False
        self.node = rclpy.create_node('soak')
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.images = self.node.create_publisher(Image, 'image', 5)
        self.infos = self.node.create_publisher(CameraInfo, 'camera_info', 5)
        self.depths = self.node.create_publisher(Image, 'depth', 5)
        self.last_pose_s = time.monotonic()
        self.node.create_subscription(Pose3D, 'poses', self._on_pose, 10)
        self.node.create_subscription(ActionLabel, 'actions', self._on_action, 10)
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 10)
        self.clients = {
            'change': self.node.create_client(ChangeState, '/pose_action/change_state'),
            'reset': self.node.create_client(Trigger, '/pose_action/reset'),
            'enable': self.node.create_client(SetBool, '/pose_action/enable'),
            'set': self.node.create_client(SetParameters, '/pose_action/set_parameters'),
        }
        words = [w for p in ('use_depth:=true', 'model.threads:=1') for w in ('-p', p)]
        module = 'pose_action_ros.ros.pose_action_node'
        self.log = log
        self.process = subprocess.Popen(
            [sys.executable, '-m', module, '--ros-args', *words], stderr=log.open('w')
        )

    # The film --------------------------------------------------------------------------------

    def image(self, **changes: object) -> Image:
        """The next image, stamped now unless `changes` says otherwise."""
        msg = copy.copy(self.film[self.sent % _FRAMES])
        stamp = stamp_to_msg(MAKE, time.time_ns())
        msg.header = Header(frame_id='camera', stamp=stamp)
        for name, value in changes.items():
            setattr(msg, name, value)
        return msg

    def send(self, msg: Image | None = None, *, depth_after_s: float | None = 0.025) -> None:
        """Send an image and, some time after it, its depth."""
        msg = msg or self.image()
        self.sent += 1
        self.images.publish(msg)
        if self.sent % 15 == 0:
            self.infos.publish(self.info)
        start_s = time.monotonic()
        if depth_after_s is not None:
            self.spin(depth_after_s)
            self.depths.publish(self.depth(msg.header))
        self.spin(max(0.0, 1.0 / _RATE_HZ - (time.monotonic() - start_s)))

    def depth(self, header: Header, /, **changes: object) -> Image:
        """3 m everywhere."""
        msg = Image(height=_HEIGHT, width=_WIDTH, encoding='16UC1', step=2 * _WIDTH, header=header)
        msg.data.frombytes(np.full((_HEIGHT, _WIDTH), 3000, np.uint16).tobytes())
        for name, value in changes.items():
            setattr(msg, name, value)
        return msg

    def spin(self, seconds: float) -> None:
        """Process incoming messages."""
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0.0:
            self.executor.spin_once(timeout_sec=left_s)

    def stamped(self, offset_s: float) -> Image:
        """An image with an offset in its stamp."""
        stamp = stamp_to_msg(MAKE, max(0, time.time_ns() + round(offset_s * 1e9)))
        return self.image(header=Header(frame_id='camera', stamp=stamp))

    # Faults ----------------------------------------------------------------------------------

    def fault_late_images(self) -> None:
        """Ten pairs are swapped."""
        for _ in range(10):
            early = self.image()
            self.spin(1.0 / _RATE_HZ)
            self.send()
            self.send(early)

    def fault_stamp_zero(self) -> None:
        """One image without a stamp."""
        self.send(self.image(header=Header(frame_id='camera')))

    def fault_stamp_far_off(self) -> None:
        """One image of another time."""
        self.send(self.stamped(self.random.choice([5.0, 3600.0, -5.0, -3600.0])))

    def fault_recording_starts_again(self) -> None:
        """Two seconds of images of an hour ago."""
        for _ in range(60):
            self.send(self.stamped(-3600.0))

    def fault_same_stamp(self) -> None:
        """A second of images that all have one stamp."""
        header = self.image().header
        for _ in range(30):
            self.send(self.image(header=header))

    def fault_bad_image(self) -> None:
        """Invalid images of several kinds."""
        for changes in (
            {'encoding': 'rgb9'},
            {'data': b''},
            {'width': 0, 'height': 0},
            {'height': 2**31},
            {'step': 1},
            {'encoding': '16UC1'},
        ):
            self.send(self.image(**changes))

    def fault_pause(self) -> None:
        """Nothing for three seconds."""
        self.spin(3.0)

    def fault_calibration(self) -> None:
        """A CameraInfo that is invalid or unusual."""
        info = copy.deepcopy(self.info)
        name, value = self.random.choice(
            [
                ('k', [_NAN] * 9),
                ('k', [0.0] * 9),
                ('d', [_NAN] * 5),
                ('d', [*_D5, 0.1, 0.0, 0.0]),
                ('d', [*_D5, *[0.0] * 7, 0.01, 0.02]),
                ('d', [0.1, 0.1]),
                ('distortion_model', 'fov'),
                ('width', 0),
                ('height', 77),
                ('p', [0.0] * 12),
            ]
        )
        if name == 'distortion_model':
            info.d = [0.9]
        setattr(info, name, value)
        for _ in range(10):
            self.infos.publish(info)
            self.send()
        self.infos.publish(self.info)

    def fault_depth(self) -> None:
        """Depth that is invalid, has another clock, or is missing."""
        for changes in ({'encoding': 'rgb9'}, {'data': b''}, {'width': 7}, {'header': Header()}):
            self.send(depth_after_s=None)
            self.depths.publish(self.depth(self.image().header, **changes))
        for _ in range(20):
            self.send(depth_after_s=None)

    def fault_settings(self) -> None:
        """Settings change 50 times a second, and tracks are reset."""
        for number in range(50):
            value = ParameterValue(type=ParameterType.PARAMETER_INTEGER)
            value.integer_value = self.random.choice([0, 4, 8, 16])
            parameters = [Parameter(name='clip.frames', value=value)]
            self.clients['set'].call_async(SetParameters.Request(parameters=parameters))
            if number % 10 == 0:
                self.clients['reset'].call_async(Trigger.Request())
            self.send() if number % 2 else self.spin(0.02)
        default = ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=0)
        parameters = [Parameter(name='clip.frames', value=default)]
        self.clients['set'].call_async(SetParameters.Request(parameters=parameters))

    def fault_pause_by_service(self) -> None:
        """Disabled, and enabled again."""
        for data in (False, True):
            self.clients['enable'].call_async(SetBool.Request(data=data))
            for _ in range(15):
                self.send()

    def fault_lifecycle(self) -> None:
        """Deactivate and activate during the film, sometimes with cleanup and configure."""
        steps = [Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_ACTIVATE]
        if self.random.random() < 0.2:
            steps[1:1] = [Transition.TRANSITION_CLEANUP, Transition.TRANSITION_CONFIGURE]
        for step in steps:
            request = ChangeState.Request(transition=Transition(id=step))
            future = self.clients['change'].call_async(request)
            while not future.done() and self.process.poll() is None:
                self.send()

    # The run ---------------------------------------------------------------------------------

    def run(self, minutes: float) -> None:
        """Send images, and inject a fault every other second."""
        while not self.memory_mib or time.monotonic() > self.last_pose_s + 1.0:
            self.send()
            if self.process.poll() is not None:
                raise SystemExit(f'the node did not start; see {self.log}')
        names = [name for name in dir(self) if name.startswith('fault_')]
        end_s = time.monotonic() + 60.0 * minutes
        while time.monotonic() < end_s and self.process.poll() is None:
            name = self.random.choice(names)
            getattr(self, name)()
            self.faults[name.removeprefix('fault_')] += 1
            gone_s = time.monotonic()
            while time.monotonic() < gone_s + _FAULT_EVERY_S:
                self.send()
            while self.last_pose_s < gone_s and self.process.poll() is None:
                self.send()
                if time.monotonic() > gone_s + _RECOVERY_S:
                    self.slow[name.removeprefix('fault_')] += 1
                    break

    def end(self) -> int:
        """Stop the node; return its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(30)

    def _on_pose(self, message: Pose3D) -> None:
        self.results += 1
        self.last_pose_s = time.monotonic()

    def _on_action(self, message: ActionLabel) -> None:
        self.valid += message.valid

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        values = {pair.key: pair.value for status in message.status for pair in status.values}
        self.rounds += bool(values['model']) and not self.is_loaded  # a network was loaded
        self.is_loaded = bool(values['model'])
        if self.is_loaded:  # without a network there is less of it
            self.memory_mib.append((time.monotonic(), float(values['memory_mib'])))
        self.values = values


def report(soak: Soak, minutes: float, status: int) -> tuple[str, bool]:
    """Report of the run, and whether it passed."""
    log = soak.log.read_text()
    errors = [line for line in log.splitlines() if '[ERROR]' in line or 'Traceback' in line]
    text, is_flat = memory(soak)
    lines = [
        f'{minutes:.1f} minutes, {soak.sent} images, {soak.results} poses, '
        f'{soak.valid} valid labels, networks loaded {soak.rounds} times',
        f'faults: {sum(soak.faults.values())}: '
        + ', '.join(f'{name} {count}' for name, count in sorted(soak.faults.items())),
        f'no pose within {_RECOVERY_S:g} s after: {dict(soak.slow) or "none"}',
        text,
        f'errors in the log: {len(errors)}',
        *errors[:5],
        f'exit status {status}',
    ]
    return '\n'.join(lines), status == 0 and not errors and not soak.slow and is_flat


def memory(soak: Soak) -> tuple[str, bool]:
    """Memory of the node over time, and whether it stayed constant."""
    start_s = soak.memory_mib[0][0] if soak.memory_mib else 0.0
    settled = np.array([mib for at_s, mib in soak.memory_mib if at_s > start_s + _WARM_UP_S])
    if len(settled) < _MIN_SAMPLES:
        return 'memory: not judged, the run was too short', True
    quarters = [float(np.median(part)) for part in np.array_split(settled, 4)]
    text = ', '.join(f'{mib:.0f}' for mib in quarters)
    return (
        f'memory: {text} MiB (median of each quarter after the first minute, while a network is '
        f'loaded), at most {settled.max():.0f}'
    ), quarters[-1] - quarters[0] < _GROWTH_MIB


def main(
    minutes: Annotated[float, typer.Option(help='How long.')] = 30.0,
    log: Annotated[Path, typer.Option(help="The node's log.")] = Path('soak.log'),
    seed: Annotated[int, typer.Option(help='Of the order of the faults.')] = 1,
) -> None:
    """Run and report, also after a signal; exit status 1 if a check failed."""
    rclpy.init()
    soak = Soak(log, seed)
    start_s = time.monotonic()
    try:
        soak.run(minutes)
    except KeyboardInterrupt:
        pass
    except Exception:
        if rclpy.ok():  # else a signal has ended ROS under whatever went on
            raise
    finally:
        status = soak.end()
        rclpy.try_shutdown()
    text, good = report(soak, (time.monotonic() - start_s) / 60.0, status)
    Console().print(text, highlight=False, soft_wrap=True)
    raise typer.Exit(not good)


if __name__ == '__main__':
    typer.run(main)
