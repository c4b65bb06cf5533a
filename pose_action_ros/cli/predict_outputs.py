"""Outputs of `pose-action predict` for each image: film, picture, lines, window or page."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import cv2

from pose_action_ros.core.console import ERRORS
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.geometry.media import write_picture

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import FramePrediction, PersonPrediction

__all__ = [
    'DrawnFilm',
    'DrawnPicture',
    'JsonLines',
    'Output',
    'Page',
    'Window',
    'WindowClosedError',
    'to_json_line',
    'wait_for_ctrl_c',
]

_ESCAPE = 27


class WindowClosedError(Exception):
    """The user has closed the window."""


class Output(Protocol):
    """An output for images with their results."""

    def add(self, time_s: float, image_rgb: NDArray[np.uint8], seen: FramePrediction) -> None:
        """Add an image, later than the last one."""

    def close(self) -> None:
        """Finish."""


class DrawnFilm:
    """The annotated film.

    Raises:
        ImageError: It can't be written.
    """

    def __init__(self, path: Path, rate_hz: float, size: tuple[int, int]) -> None:
        from pose_action_ros.geometry.film_writer import FilmWriter

        self._film = FilmWriter(path, rate_hz, size)
        self.close = self._film.close

    def add(self, time_s: float, image_rgb: NDArray[np.uint8], seen: FramePrediction) -> None:
        """Draw and add."""
        from pose_action_ros.inference import annotate

        self._film.add(annotate(image_rgb, seen), time_s)


class DrawnPicture:
    """The annotated picture."""

    def __init__(self, path: Path, rate_hz: float, size: tuple[int, int]) -> None:
        self._path = path

    def add(self, time_s: float, image_rgb: NDArray[np.uint8], seen: FramePrediction) -> None:
        """Draw and write."""
        from pose_action_ros.inference import annotate

        write_picture(self._path, annotate(image_rgb, seen))

    def close(self) -> None:
        """Do nothing: it is written."""


class JsonLines:
    """A line for each image."""

    def __init__(self, path: Path) -> None:
        self._file = path.open('w', encoding='utf-8')

    def add(self, time_s: float, image_rgb: NDArray[np.uint8], seen: FramePrediction) -> None:
        """Write its line."""
        self._file.write(to_json_line(seen) + '\n')

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Window:
    """A window with the annotated images.

    Raises:
        ConfigError: There is no display, or this OpenCV opens no windows.
    """

    def __init__(self, title: str) -> None:
        reason = _why_no_window()
        if reason:
            raise ConfigError(f'--show needs a window: {reason}')
        self._title = title

    def add(self, time_s: float, image_rgb: NDArray[np.uint8], seen: FramePrediction) -> None:
        """Show it; raises `WindowClosedError` after q, Escape, or a click that closes it."""
        from pose_action_ros.inference import annotate

        cv2.imshow(self._title, cv2.cvtColor(annotate(image_rgb, seen), cv2.COLOR_RGB2BGR))
        pressed = cv2.waitKey(1) & 0xFF
        shown = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        if pressed in (ord('q'), _ESCAPE) or not shown:
            raise WindowClosedError

    def close(self) -> None:
        """Close it."""
        cv2.destroyAllWindows()


class Page:
    """A page in the browser, or its recording.

    Raises:
        ConfigError: rerun is not installed.
    """

    def __init__(self, title: str, *, serve: bool, record: Path | None) -> None:
        from pose_action_ros.view.frame import shown_prediction
        from pose_action_ros.view.live_view import LiveView

        self._view = LiveView(title, serve=serve, record=record)
        self._shown = shown_prediction
        self.close = self._view.close
        if self._view.url:
            ERRORS.print(f'view: {self._view.url}', soft_wrap=True)

    def add(self, time_s: float, image_rgb: NDArray[np.uint8], seen: FramePrediction) -> None:
        """Show it."""
        self._view.show(self._shown(image_rgb, seen))


def wait_for_ctrl_c() -> None:
    """Serve the page until Ctrl-C."""
    ERRORS.print('The page is served until Ctrl-C.')
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(1.0)


def _why_no_window() -> str:
    """The reason if OpenCV can't open a window; otherwise empty.

    Without a display some toolkits end the process.
    """
    names = ('DISPLAY', 'WAYLAND_DISPLAY')
    if sys.platform == 'linux' and not any(os.environ.get(name) for name in names):
        return 'there is no display here'
    toolkit = cv2.getBuildInformation().partition('GUI:')[2].split('\n')[0].strip()
    if toolkit == 'NONE':
        return (
            'this OpenCV (opencv-python-headless) has no windows; install opencv-python instead, '
            'or use --view'
        )
    return ''


def to_json_line(prediction: FramePrediction) -> str:
    """Return a frame as one line of JSON; missing numbers are null."""
    frame = {
        'stamp_s': prediction.stamp_ns * 1e-9,
        'persons': [_person(person) for person in prediction.persons],
        'ended_tracks': list(prediction.ended_tracks),
        'clip_frames': prediction.clip_frames,
    }
    return json.dumps(frame, allow_nan=False)


def _person(person: PersonPrediction) -> dict[str, Any]:
    action = person.action
    return {
        'track_id': person.track_id,
        'layout': person.layout,
        'joints_image_px': _numbers(person.joints_image_px, 2),
        'confidence': _numbers(person.confidence, 4),
        'person_confidence': _number(person.person_confidence, 4),
        'joints_root_m': _numbers(person.joints_root_m, 4),
        'joints_camera_m': _numbers(person.joints_camera_m, 4),
        'scale_source': person.scale_source.name.lower(),
        'root_depth_sigma_m': _number(person.root_depth_sigma_m, 4),
        'root_m': _numbers(person.root_m, 4),
        'root_covariance_m2': _numbers(person.root_covariance_m2, 8),
        'velocity_m_per_s': _numbers(person.velocity_m_per_s, 4),
        'action': action.label or None if action else None,
        'action_valid': action.valid if action else False,
        'scores': dict(zip(action.labels, _numbers(action.scores, 5), strict=True))
        if action
        else None,
    }


def _numbers(values: NDArray[np.floating] | None, digits: int) -> Any:
    """Lists of rounded numbers, None for NaN; None where there are no values at all."""
    if values is None:
        return None
    if values.ndim > 1:
        return [_numbers(row, digits) for row in values]
    return [_number(value, digits) for value in values]


def _number(value: float | np.floating, digits: int) -> float | None:
    return round(float(value), digits) if math.isfinite(value) else None
