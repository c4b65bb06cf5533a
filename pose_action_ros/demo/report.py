"""The files of the demo: a video, a picture, a 3D plot and a summary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.demo.accuracy import joints_from_msg
from pose_action_ros.geometry.film_writer import FilmWriter
from pose_action_ros.inference.annotate import draw_skeleton, draw_text, side_colour

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.demo.observer import ObservedFrame

__all__ = ['DemoFilm', 'draw_frame', 'plot_pose', 'write_summary']

_TRUTH = (235, 235, 235)  # RGB
_RIGHT, _WRONG = (90, 230, 90), (255, 90, 90)
_RATE_FROM = 10  # frames whose stamps give the video its rate


def draw_frame(frame: ObservedFrame) -> NDArray[np.uint8]:
    """Return the image with both skeletons and both labels; RGB, (H, W, 3) uint8."""
    drawn = np.array(frame.image_rgb)
    truth, action = frame.true_action, frame.action
    if frame.true_pose is not None:
        skeleton = get_skeleton(frame.true_pose.layout)
        draw_skeleton(drawn, joints_from_msg(frame.true_pose)[:, :2], skeleton, _TRUTH)
    if frame.pose is not None:
        skeleton = get_skeleton(frame.pose.layout)
        draw_skeleton(drawn, joints_from_msg(frame.pose)[:, :2], skeleton)
    line = round(drawn.shape[0] / 480 * 24)
    if truth is not None:
        draw_text(drawn, f'true: {truth.label}', (8, line), _TRUTH)
    if action is not None:
        label = f'{action.label} {action.confidence:.0%}'
        text = f'seen: {label if action.valid else "(clip not full)"}'
        known = truth is not None and action.valid
        colour = _TRUTH if not known else _RIGHT if action.label == truth.label else _WRONG
        draw_text(drawn, text, (8, 2 * line), colour)
    elif frame.pose is None:
        draw_text(drawn, 'skipped', (8, 2 * line), _WRONG)
    return drawn


class DemoFilm:
    """Writes the annotated video, from the first pose on, and keeps the best frame.

    The stamps decide how long each image is shown, so the video has its original speed.

    Args:
        path: The .mp4 file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.best: ObservedFrame | None = None
        self._waiting: list[ObservedFrame] = []
        self._writer: FilmWriter | None = None

    def add(self, frame: ObservedFrame) -> None:
        """Add the next frame; frames before the first pose are not shown."""
        if frame.pose is None and self.best is None:
            return
        if frame.pose is not None and (self.best is None or _merit(frame) >= _merit(self.best)):
            self.best = frame
        if self._writer is None:
            self._waiting.append(frame)
            if len(self._waiting) > _RATE_FROM:
                self._open()
        else:
            self._write(frame)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is None and self._waiting:
            self._open()
        if self._writer is not None:
            self._writer.close()

    def _open(self) -> None:
        steps = np.diff([frame.stamp_ns for frame in self._waiting])
        rate_hz = 1e9 / float(np.median(steps)) if len(steps) else 10.0
        height, width = self._waiting[0].image_rgb.shape[:2]
        self._start_ns = self._waiting[0].stamp_ns
        self._writer = FilmWriter(self.path, rate_hz, (width, height))
        for frame in self._waiting:
            self._write(frame)
        self._waiting = []

    def _write(self, frame: ObservedFrame) -> None:
        if self._writer is not None:
            self._writer.add(draw_frame(frame), (frame.stamp_ns - self._start_ns) * 1e-9)


def plot_pose(frame: ObservedFrame, path: Path) -> bool:
    """Plot the pose of a frame in space, from the front and from the side.

    Args:
        frame: With a pose.
        path: The .png file.

    Returns:
        False if matplotlib is not installed or the pose has no metres.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    if frame.pose is None or not np.isfinite(joints_from_msg(frame.pose)[:, 2:]).any():
        return False
    figure = Figure(figsize=(11, 5.5))
    FigureCanvasAgg(figure)
    for index, (name, azimuth) in enumerate((('from the camera', -90), ('from its left', -10))):
        axes = figure.add_subplot(1, 2, index + 1, projection='3d')
        if frame.true_pose is not None:
            _plot_skeleton(axes, frame.true_pose, truth=True)
        _plot_skeleton(axes, frame.pose, truth=False)
        axes.set(xlabel='x (m)', ylabel='z, forward (m)', zlabel='-y, up (m)', title=name)
        middle = np.nanmean(joints_from_msg(frame.pose)[:, 2:], axis=0)
        for limits, center in (
            (axes.set_xlim, middle[0]),
            (axes.set_ylim, middle[2]),
            (axes.set_zlim, -middle[1]),
        ):
            limits(center - 1.0, center + 1.0)
        axes.locator_params(nbins=5)
        hidden = axes.yaxis if azimuth == -90 else axes.xaxis  # y points towards the viewer
        hidden.set(ticks=[], label_text='')
        axes.set_box_aspect((1, 1, 1), zoom=1.2)
        axes.view_init(elev=8, azim=azimuth)
    figure.suptitle(f'{frame.pose.header.frame_id}: seen in colour, true in grey')
    figure.savefig(path, dpi=100)
    return True


def write_summary(path: Path, summary: dict[str, Any]) -> None:
    """Write JSON; numbers that are not finite become null."""
    path.write_text(json.dumps(_finite(summary), indent=2) + '\n', encoding='utf-8')


def _plot_skeleton(axes: Any, pose: Any, *, truth: bool) -> None:
    skeleton = get_skeleton(pose.layout)
    x, y, z = joints_from_msg(pose)[:, 2:].T
    for start, end in skeleton.drawn_links:
        joints = [start, end]
        colour = side_colour(skeleton.joint_names[end])
        axes.plot(
            x[joints],
            z[joints],
            -y[joints],
            color='0.7' if truth else [c / 255 for c in colour],
            linewidth=5 if truth else 2.5,
        )


def _merit(frame: ObservedFrame) -> tuple[bool, float]:
    """The best picture has a full clip and the most certain label."""
    action = frame.action
    if action is None or not action.valid:
        return False, 0.0 if frame.pose is None else frame.pose.confidence
    return True, action.confidence - (frame.true_pose is None)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
