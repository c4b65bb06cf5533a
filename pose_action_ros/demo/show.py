"""The demo without RViz: camera and node as separate processes, and a subscriber to the results.

`make demo` runs it. It ends after a given time and writes a film, pictures and a summary into a
folder. It fails if no pose arrived.
"""

from __future__ import annotations

import math
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rclpy.executors import SingleThreadedExecutor
from rich.live import Live
from rich.table import Table
from sensor_msgs.msg import CameraInfo

from pose_action_ros.core.console import RESULTS, say_error
from pose_action_ros.core.errors import PoseActionError
from pose_action_ros.core.weights import SHIPPED_WEIGHTS, UNTRAINED
from pose_action_ros.demo.accuracy import DemoAccuracy
from pose_action_ros.demo.observer import DemoObserver
from pose_action_ros.demo.processes import DemoError, Processes
from pose_action_ros.demo.report import DemoFilm, draw_frame, plot_poses, write_summary
from pose_action_ros.demo.shown_message import shown_message
from pose_action_ros.geometry.media import write_picture
from pose_action_ros.messages.camera import calibration_from_msg
from pose_action_ros.ros.stopping import SIGNALS, StopFlag, ros_without_signal_handlers
from pose_action_ros.view.live_view import LiveView

if TYPE_CHECKING:
    from collections.abc import Callable

    from pose_action_ros.demo.observed import ObservedFrame
    from pose_action_ros.demo.observer import Tally

__all__ = ['main']

_NOBODY = 300  # the demo fails after this many processed images without a pose
_REDRAW_S = 0.25
_UNWATCHED_LINE_S = 5.0
_RVIZ = (
    'With RViz installed: `ros2 launch pose_action_ros demo.launch.py`, or `rviz2 -d '
    'config/demo.rviz` while the demo runs. Topics: image, people, poses, actions, markers.'
)


@dataclass(frozen=True)
class DemoOptions:
    """Options of the demo.

    Attributes:
        seconds: Duration from the first pose on; 0: until Ctrl-C.
        output: Folder for the results; created.
        source: Source of the camera's images.
        weights: The node's parameter `model.weights`.
        device: The node's parameter `model.device`.
        view: Serve a live page.
        record_view: File for a recording of the page.
    """

    seconds: float
    output: Path
    source: str
    weights: str
    device: str
    view: bool = False
    record_view: Path | None = None


def run_demo(options: DemoOptions) -> None:
    """Run camera and node, subscribe to their topics, and write the results into a folder.

    Raises:
        DemoError: A process ended early, or no pose arrived.
        ConfigError: The library for the page is not installed.
    """
    output = options.output
    output.mkdir(parents=True, exist_ok=True)
    film, accuracy = DemoFilm(output / 'demo.mp4'), DemoAccuracy()
    camera_info: list[CameraInfo] = []
    view = None
    if options.view or options.record_view is not None:
        view = LiveView('demo', serve=options.view, record=options.record_view)
    if view is not None and view.url:
        RESULTS.print(f'The page is at {view.url}', soft_wrap=True)

    def on_frame(frame: ObservedFrame) -> None:
        film.add(frame)
        accuracy.add(frame)
        if view is not None:
            view.show(shown_message(frame, observer.tally))

    with ExitStack() as stack:
        # Signals end the loop but not ROS, because the node's last diagnostics are still to come.
        stop = StopFlag(*SIGNALS, signal.SIGHUP)
        stack.enter_context(ros_without_signal_handlers())
        processes = Processes()
        stack.callback(processes.stop_all)
        observer = DemoObserver(on_frame)
        observer.create_subscription(
            CameraInfo, 'camera_info', lambda msg: camera_info.__setitem__(slice(None), [msg]), 5
        )
        executor = SingleThreadedExecutor()
        executor.add_node(observer)
        parameters = {
            'person_source': 'track' if _is_untrained(options.weights) else 'find',
            'model.weights': options.weights,
            'model.device': options.device,
        }
        processes.start('ros.pose_action_node', **parameters)
        processes.start('demo.camera_node', source=options.source)
        _watch(observer, executor, processes, options.seconds, stop)
        processes.stop('demo.camera_node')
        _spin_for(executor, 1.5)  # the node publishes its diagnostics once a second
        processes.stop('ros.pose_action_node')
        observer.flush()
        film.close()
        if view is not None:
            view.close()
    if observer.tally.poses == 0:
        raise DemoError(f'ended before the first pose: {_awaited(observer.tally)}')
    camera = calibration_from_msg(camera_info[0]).camera if camera_info else None
    summary = _summary(observer, options.weights)
    _leave(output, film, summary | {'accuracy': accuracy.summary(camera)})


def _is_untrained(weights: str) -> bool:
    """Whether the network is never sure of a person, so that `find` would find nobody."""
    return weights.startswith(UNTRAINED)


def _watch(
    observer: DemoObserver,
    executor: SingleThreadedExecutor,
    processes: Processes,
    seconds: float,
    stop: StopFlag,
) -> None:
    """Spin until the time is over or a signal came, and show the rates and results.

    The time before the first pose is not limited.
    """
    started_s, first_s, line_s = time.monotonic(), None, 0.0
    with Live(console=RESULTS, refresh_per_second=4, transient=True) as live:
        while not stop.is_set:
            executor.spin_once(timeout_sec=0.05)
            now_s, tally = time.monotonic(), observer.tally
            processes.check()
            if first_s is None and tally.poses:
                first_s = now_s
            elif first_s is None:
                _check_progress(tally)
            elif seconds and now_s - first_s > seconds:
                return
            pause_s = _REDRAW_S if RESULTS.is_terminal else _UNWATCHED_LINE_S
            if now_s - line_s > pause_s:
                line_s = now_s
                rows = _rows(observer) if first_s else _awaited_rows(tally, now_s - started_s)
                if RESULTS.is_terminal:
                    live.update(_table(rows))
                else:
                    RESULTS.print(_line(rows), soft_wrap=True)


def _is_ready(tally: Tally) -> bool:
    """Whether the network is loaded."""
    return bool(tally.health) and not tally.health.startswith(('configuring', 'unconfigured'))


def _check_progress(tally: Tally) -> None:
    """Raise if no pose can be expected; there is no limit of time."""
    if tally.has_failed:
        raise DemoError(f'the node cannot continue: {tally.health}')
    looked_at = tally.looked_at()
    if looked_at > _NOBODY:
        raise DemoError(f'the node processed {looked_at} images and found nobody: {tally.health}')


def _awaited(tally: Tally) -> str:
    """The reason why there is no pose yet."""
    if not tally.health:
        return 'the node is starting'
    if not _is_ready(tally):
        return tally.health
    return 'the camera is starting' if not tally.images else f'nobody found yet: {tally.health}'


def _awaited_rows(tally: Tally, passed_s: float) -> dict[str, str]:
    return {
        'waiting for a pose': f'{passed_s:.0f} s',
        'state': _awaited(tally),
        'images received': str(tally.images),
    }


def _spin_for(executor: SingleThreadedExecutor, seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        executor.spin_once(timeout_sec=0.05)


def _rows(observer: DemoObserver) -> dict[str, str]:
    tally, newest = observer.tally, observer.newest
    people = newest.people or () if newest else ()
    actors = newest.actors if newest else ()
    labels = [person.action for person in people]
    joints = sum(not math.isnan(joint.u) for person in people for joint in person.pose.joints)
    return {
        'images in': f'{tally.rate_in_hz():.1f} Hz',
        'images with people': f'{tally.rate_out_hz():.1f} Hz',
        'age of a pose': f'{tally.age_ms(50):.0f} ms, p95 {tally.age_ms(95):.0f} ms',
        'dropped': tally.diagnostics.get('frames_dropped', '-'),
        'people': str(len(people)),
        'labels': ', '.join(
            f'{label.label} {label.confidence:.0%}' if label.valid else '...' for label in labels
        )
        or '-',
        'true labels': ', '.join(actor.action.label for actor in actors if actor.action) or '-',
        'joints seen': f'{joints} of {sum(len(person.pose.joints) for person in people)}',
        'device': tally.diagnostics.get('device', '-'),
    }


def _table(rows: dict[str, str]) -> Table:
    table = Table(title='pose_action_ros', show_header=False)
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _line(rows: dict[str, str]) -> str:
    return ', '.join(f'{name} {value}' for name, value in rows.items())


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
        'most_people': tally.most_people,
        'markers': tally.markers,
        'weights': weights,
    }


def _leave(output: Path, film: DemoFilm, summary: dict[str, Any]) -> None:

    written = [film.path] if film.path.exists() else []
    if film.best is not None:
        picture = output / 'frame.png'
        write_picture(picture, draw_frame(film.best))
        written.append(picture)
        if plot_poses(film.best, output / 'pose_3d.png'):
            written.append(output / 'pose_3d.png')
    write_summary(output / 'summary.json', summary)
    written.append(output / 'summary.json')
    table = Table(title='summary', show_header=False)
    accuracy = summary.pop('accuracy') or {}
    for name, value in (summary | accuracy).items():
        unknown = value is None or (isinstance(value, float) and not math.isfinite(value))
        number = f'{value:.3g}' if isinstance(value, float) else str(value)
        table.add_row(name, '-' if unknown else number)
    RESULTS.print(table)
    RESULTS.print(f'Written: {", ".join(str(path) for path in written)}', soft_wrap=True)
    RESULTS.print(_RVIZ, soft_wrap=True)


def _demo(
    seconds: Annotated[float, typer.Option(help='Duration, seconds; 0: until Ctrl-C.')] = 20.0,
    output: Annotated[Path, typer.Option(help='Folder for the results.')] = Path('demo_output'),
    source: Annotated[
        str, typer.Option(help='"synthetic", a video, a folder of images, or a device number.')
    ] = 'synthetic',
    weights: Annotated[str, typer.Option(help='Weights; default: "people".')] = SHIPPED_WEIGHTS,
    device: Annotated[str, typer.Option(help='"auto", "cpu", "cuda" or "cuda:N".')] = 'auto',
    view: Annotated[
        bool,
        typer.Option('--view', help='Show the results on a page in the browser (extra `view`).'),
    ] = False,
    record_view: Annotated[
        Path | None, typer.Option(help='A .rrd file that records that page, for `rerun FILE`.')
    ] = None,
) -> None:
    """Film the simulated actor and show the results of the node."""
    if _is_untrained(weights):
        RESULTS.print('Untrained weights: joints and labels are random.', style='yellow')
    try:
        run_demo(DemoOptions(seconds, output, source, weights, device, view, record_view))
    except PoseActionError as error:
        say_error(str(error))
        raise typer.Exit(1) from error


def main() -> None:
    """Run the command line."""
    typer.run(_demo)


if __name__ == '__main__':
    main()
