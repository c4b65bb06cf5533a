"""The files of the demo: a video, a picture, a 3D plot and a summary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.demo.observed import joints_from_msg
from pose_action_ros.geometry.film_writer import FilmWriter
from pose_action_ros.inference.annotate import draw_skeleton, draw_text, side_colour

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.demo.observed import ObservedFrame, TruePerson
    from pose_action_ros.msg import Person, Pose3D

__all__ = ['DemoFilm', 'draw_frame', 'plot_poses', 'write_summary']

_TRUTH = (235, 235, 235)  # RGB
_RIGHT, _WRONG = (90, 230, 90), (255, 90, 90)
_RATE_FROM = 10  # frames whose stamps give the video its rate


def draw_frame(frame: ObservedFrame) -> NDArray[np.uint8]:
    """Return the image with the skeletons and labels of people and actors, (H, W, 3) uint8 RGB."""
    drawn = np.array(frame.image_rgb)
    for actor in frame.actors:
        joints = joints_from_msg(actor.pose)[:, :2]
        draw_skeleton(drawn, joints, get_skeleton(actor.pose.layout), _TRUTH)
    truths = {person.track_id: actor for person, actor in frame.pairs()}
    for person in frame.people or ():
        joints = joints_from_msg(person.pose)[:, :2]
        draw_skeleton(drawn, joints, get_skeleton(person.pose.layout))
        _draw_labels(drawn, joints, person, truths.get(person.track_id))
    if frame.people is None:
        draw_text(drawn, 'skipped', (8, _line_px(drawn)), _WRONG)
    return drawn


def _draw_labels(
    drawn: NDArray[np.uint8],
    joints_px: NDArray[np.float64],
    person: Person,
    actor: TruePerson | None,
) -> None:
    """Write a person's label, and the true one above it, over the person's head."""
    action, truth = person.action, actor.action if actor else None
    line, (height, width) = _line_px(drawn), drawn.shape[:2]
    seen = joints_px[np.isfinite(joints_px).all(axis=1)]
    left, top = seen.min(axis=0) if len(seen) else (0.0, 0.0)
    x, y = int(np.clip(left, 8, width - 8 * line)), int(np.clip(top - line, 2 * line, height))
    if truth is not None:
        draw_text(drawn, f'true: {truth.label}', (x, y - line), _TRUTH)
    if action.labels:
        text = f'{action.label} {action.confidence:.0%}' if action.valid else '(clip not full)'
        known = truth is not None and action.valid
        colour = _TRUTH if not known else _RIGHT if action.label == truth.label else _WRONG
        draw_text(drawn, f'seen: {text}', (x, y), colour)


def _line_px(image: NDArray[np.uint8]) -> int:
    return round(image.shape[0] / 480 * 24)


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
        if not frame.people and self.best is None:
            return
        if frame.people and (self.best is None or _merit(frame) >= _merit(self.best)):
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


def plot_poses(frame: ObservedFrame, path: Path) -> bool:
    """Plot the poses of a frame in space, from the front and from the side.

    Args:
        frame: With people.
        path: The .png file.

    Returns:
        False if matplotlib is not installed or no pose has metres.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    poses = [person.pose for person in frame.people or ()]
    poses = [pose for pose in poses if _has_metres(pose)]
    if not poses:
        return False
    places = np.concatenate([joints_from_msg(pose)[:, 2:] for pose in poses])
    lowest, highest = np.nanmin(places, axis=0), np.nanmax(places, axis=0)
    middle, half = (lowest + highest) / 2, max(1.0, 0.5 * float((highest - lowest).max()))
    figure = Figure(figsize=(11, 5.5))
    FigureCanvasAgg(figure)
    for index, (name, azimuth) in enumerate((('from the camera', -90), ('from its left', -10))):
        axes = figure.add_subplot(1, 2, index + 1, projection='3d')
        for actor in frame.actors:
            _plot_skeleton(axes, actor.pose, truth=True)
        for pose in poses:
            _plot_skeleton(axes, pose, truth=False)
        axes.set(xlabel='x (m)', ylabel='z, forward (m)', zlabel='-y, up (m)', title=name)
        for limits, center in (
            (axes.set_xlim, middle[0]),
            (axes.set_ylim, middle[2]),
            (axes.set_zlim, -middle[1]),
        ):
            limits(center - half, center + half)
        axes.locator_params(nbins=5)
        hidden = axes.yaxis if azimuth == -90 else axes.xaxis  # y points towards the viewer
        hidden.set(ticks=[], label_text='')
        axes.set_box_aspect((1, 1, 1), zoom=1.2)
        axes.view_init(elev=8, azim=azimuth)
    figure.suptitle(f'{poses[0].header.frame_id}: seen in colour, true in grey')
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


def _merit(frame: ObservedFrame) -> tuple[int, int, float]:
    """Rank a frame: the number of people with a valid label, then with metres, then the scores."""
    people = frame.people or ()
    scores = [person.action.confidence for person in people if person.action.valid]
    places = sum(_has_metres(person.pose) for person in people)
    return len(scores), places, float(np.mean(scores)) if scores else 0.0


def _has_metres(pose: Pose3D) -> bool:
    return bool(np.isfinite(joints_from_msg(pose)[:, 2:]).any())


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
