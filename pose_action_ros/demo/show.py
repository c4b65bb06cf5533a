"""The demo without RViz: camera and node as processes of their own, watched by a subscriber.

`make demo` runs it. It ends by itself, leaves a folder with video, pictures and summary, and
fails if nothing came through.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import rclpy
import typer
from rclpy.executors import SingleThreadedExecutor
from rich.console import Console
from rich.live import Live
from rich.table import Table
from sensor_msgs.msg import CameraInfo

from pose_action_ros.core.errors import PoseActionError
from pose_action_ros.core.weights import DEMO_WEIGHTS
from pose_action_ros.demo.accuracy import DemoAccuracy
from pose_action_ros.demo.observer import DemoObserver, ObservedFrame
from pose_action_ros.demo.report import DemoFilm, draw_frame, plot_pose, write_summary
from pose_action_ros.messages.camera import calibration_from_msg

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ['main']

_STOP_TIMEOUT_S = 10.0
_START_TIMEOUT_S = 180.0  # to load the network on a machine that has much else to do
_REDRAW_S = 0.25
_UNWATCHED_LINE_S = 5.0
_RVIZ = (
    'To see it in RViz: `ros2 launch pose_action_ros demo.launch.py`, or, while this runs, '
    '`rviz2 -d config/demo.rviz`; the topics are image, poses, actions and markers.'
)


class DemoError(PoseActionError):
    """A process of the demo ended, or nothing came through."""


class _Processes:
    """The nodes that the demo starts, each in its own process."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, module: str, **parameters: Any) -> None:
        options = [
            word for name, value in parameters.items() for word in ('-p', f'{name}:={value}')
        ]
        command = [sys.executable, '-m', f'pose_action_ros.{module}', '--ros-args', *options]
        self._running[module] = subprocess.Popen([*command, '--log-level', 'warn'])

    def check(self) -> None:
        for name, process in self._running.items():
            if process.poll() is not None:
                short = name.rpartition('.')[2]
                raise DemoError(f'{short} ended with exit status {process.returncode}; see above')

    def stop(self, *names: str) -> None:
        ending = [self._running.pop(name) for name in names if name in self._running]
        for process in ending:
            process.send_signal(signal.SIGINT)
        for process in ending:
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def stop_all(self) -> None:
        self.stop(*list(self._running))


def run_demo(*, seconds: float, output: Path, source: str, weights: str, device: str) -> None:
    """Run camera and node, watch them, leave the results in a folder.

    Args:
        seconds: Counted from the first pose; 0 for until interrupted.
        output: The folder; created.
        source: What the camera films.
        weights: As the node's parameter `model.weights`.
        device: As the node's parameter `model.device`.

    Raises:
        DemoError: A process ended early, or no pose came through.
    """
    output.mkdir(parents=True, exist_ok=True)
    film, accuracy = DemoFilm(output / 'demo.mp4'), DemoAccuracy()
    camera_info: list[CameraInfo] = []

    def on_frame(frame: ObservedFrame) -> None:
        film.add(frame)
        accuracy.add(frame)

    with ExitStack() as stack:
        rclpy.init()
        stack.callback(rclpy.try_shutdown)
        processes = _Processes()
        stack.callback(processes.stop_all)
        observer = DemoObserver(on_frame)
        observer.create_subscription(
            CameraInfo, 'camera_info', lambda msg: camera_info.__setitem__(slice(None), [msg]), 5
        )
        executor = SingleThreadedExecutor()
        executor.add_node(observer)
        processes.start(
            'ros.pose_action_node',
            **{'model.weights': weights, 'model.device': device},
        )
        processes.start('demo.camera_node', source=source)
        with suppress(KeyboardInterrupt):
            _watch(observer, executor, processes, seconds)
        processes.stop('demo.camera_node')
        _spin_for(executor, 1.5)  # the node's last word comes once a second
        observer.flush()
        film.close()
    camera = calibration_from_msg(camera_info[0]).camera if camera_info else None
    _leave(output, film, _summary(observer, weights) | {'accuracy': accuracy.summary(camera)})
    if observer.tally.poses == 0:
        raise DemoError('no pose came through; the messages above say why')


def _watch(
    observer: DemoObserver,
    executor: SingleThreadedExecutor,
    processes: _Processes,
    seconds: float,
) -> None:
    """Spin until the time is over; show what comes in."""
    console = Console()
    started_s, first_s, line_s = time.monotonic(), None, 0.0
    with Live(_table(observer), console=console, refresh_per_second=4, transient=True) as live:
        while True:
            executor.spin_once(timeout_sec=0.05)
            processes.check()
            now_s = time.monotonic()
            if first_s is None and observer.tally.poses:
                first_s = now_s
            if first_s is None and now_s - started_s > _START_TIMEOUT_S:
                return
            if first_s is not None and seconds and now_s - first_s > seconds:
                return
            pause_s = _REDRAW_S if console.is_terminal else _UNWATCHED_LINE_S
            if now_s - line_s > pause_s:
                line_s = now_s
                if console.is_terminal:
                    live.update(_table(observer))
                else:
                    console.print(_line(observer))


def _spin_for(executor: SingleThreadedExecutor, seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        executor.spin_once(timeout_sec=0.05)


def _rows(observer: DemoObserver) -> dict[str, str]:
    tally, newest = observer.tally, observer.newest
    action = newest.action if newest else None
    pose = newest.pose if newest else None
    joints = sum(joint.confidence > 0 for joint in pose.joints) if pose else 0
    truth = newest.true_action.label if newest and newest.true_action else '-'
    return {
        'images in': f'{tally.rate_in_hz():.1f} Hz',
        'poses out': f'{tally.rate_out_hz():.1f} Hz',
        'age of a pose': f'{tally.age_ms(50):.0f} ms, p95 {tally.age_ms(95):.0f} ms',
        'dropped': tally.diagnostics.get('frames_dropped', '-'),
        'label': f'{action.label} {action.confidence:.0%}' if action and action.valid else '...',
        'true label': truth,
        'joints seen': f'{joints} of {len(pose.joints)}' if pose else '-',
        'device': tally.diagnostics.get('device', '-'),
    }


def _table(observer: DemoObserver) -> Table:
    table = Table(title='pose_action_ros', show_header=False)
    for name, value in _rows(observer).items():
        table.add_row(name, value)
    return table


def _line(observer: DemoObserver) -> str:
    return ', '.join(f'{name} {value}' for name, value in _rows(observer).items())


def _summary(observer: DemoObserver, weights: str) -> dict[str, Any]:
    tally = observer.tally

    def said(key: str, kind: Callable[[str], Any]) -> Any:
        return kind(tally.diagnostics.get(key, 'nan'))

    return {
        'frames_in': int(said('frames_received', float) if tally.diagnostics else 0),
        'frames_out': tally.frames_out,
        'frames_dropped': int(said('frames_dropped', float) if tally.diagnostics else 0),
        'rate_in_hz': tally.rate_in_hz(),
        'rate_out_hz': tally.rate_out_hz(),
        'age_ms_p50': tally.age_ms(50),
        'age_ms_p95': tally.age_ms(95),
        'inference_ms_p50': said('inference_ms_p50', float),
        'poses': tally.poses,
        'actions': tally.actions,
        'markers': tally.markers,
        'weights': weights,
    }


def _leave(output: Path, film: DemoFilm, summary: dict[str, Any]) -> None:
    import cv2

    console = Console()
    written = [film.path] if film.path.exists() else []
    if film.best is not None:
        picture = output / 'frame.png'
        cv2.imwrite(str(picture), cv2.cvtColor(draw_frame(film.best), cv2.COLOR_RGB2BGR))
        written.append(picture)
        if plot_pose(film.best, output / 'pose_3d.png'):
            written.append(output / 'pose_3d.png')
    write_summary(output / 'summary.json', summary)
    written.append(output / 'summary.json')
    table = Table(title='summary', show_header=False)
    accuracy = summary.pop('accuracy') or {}
    for name, value in (summary | accuracy).items():
        table.add_row(name, f'{value:.3g}' if isinstance(value, float) else str(value))
    console.print(table)
    console.print(f'Written: {", ".join(str(path) for path in written)}')
    console.print(_RVIZ)


def _demo(
    seconds: Annotated[float, typer.Option(help='How long; 0: until Ctrl-C.')] = 20.0,
    output: Annotated[Path, typer.Option(help='Folder for the results.')] = Path('demo_output'),
    source: Annotated[
        str, typer.Option(help='"synthetic", a video, a folder of images, a device number.')
    ] = 'synthetic',
    weights: Annotated[str, typer.Option(help='Weights; by default "demo".')] = DEMO_WEIGHTS,
    device: Annotated[str, typer.Option(help='"auto", "cpu", "cuda" or "cuda:N".')] = 'auto',
) -> None:
    """Film the simulated actor and show what the node sees of it."""
    console = Console()
    if weights.startswith('untrained:'):
        console.print('[yellow]Untrained weights: joints and labels are random.[/]')
    try:
        run_demo(seconds=seconds, output=output, source=source, weights=weights, device=device)
    except PoseActionError as error:
        console.print(f'[bold red]error:[/] {error}', highlight=False)
        raise typer.Exit(1) from error


def main() -> None:
    """Run the command line."""
    typer.run(_demo)


if __name__ == '__main__':
    main()
