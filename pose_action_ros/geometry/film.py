"""Films: images with the times that are stored in the file.

Phones film at a variable rate, so the image's number divided by the average rate can be seconds
off. The time stamp that the file holds for each image is used. If there is none, or if the stamps
do not rise, the average rate is used.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry.media import open_video

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ['Film']

_USUAL_RATE_HZ, _HIGHEST_RATE_HZ = 30.0, 1000.0
_MISSING_SHARE = 0.02  # of images or time that a file states; containers round both


class Film:
    """A video file; iterating gives times in seconds from its start, and RGB images.

    Each iteration starts at the first image.

    Args:
        path: Any file that OpenCV reads.

    Attributes:
        path: The file.
        name: Name of the file, without its ending.
        problems: Reasons for missing images, after an iteration to the end.
        size: Width and height of its images, pixels.
        rate_hz: Its average rate; 30 if the file does not state it.
        count: Number of images stated by the file; None if it states none.

    Raises:
        ImageError: There is no such file, or it holds no image.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.stem
        self.problems: list[str] = []
        capture = open_video(path)
        try:
            rate_hz, count = (
                capture.get(key) for key in (cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_COUNT)
            )
            there, first = capture.read()
        finally:
            capture.release()
        if not there:
            raise ImageError(f'{path} cannot be read as a video: it has no image that decodes')
        self.size = (first.shape[1], first.shape[0])
        self.rate_hz = rate_hz if 0.0 < rate_hz < _HIGHEST_RATE_HZ else _USUAL_RATE_HZ
        self.count = round(count) if math.isfinite(count) and count > 0 else None

    def __iter__(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        self.problems = []
        count, last_s, longest_s = 0, 0.0, 0.0
        for time_s, capture in self._shown():
            there, image = capture.retrieve()
            if not there:
                break
            count, last_s, longest_s = count + 1, time_s, max(longest_s, time_s - last_s)
            yield time_s, np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
        if self._ends_early(count, last_s + longest_s):
            self.problems.append(
                f'{self.path} ends after {count} of {self.count} frames: it is damaged or cut '
                'short, or its header is wrong'
            )

    def _ends_early(self, count: int, end_s: float) -> bool:
        """Tell whether images are missing. Matroska states the time alone, not their number."""
        stated, share = self.count or 0, 1.0 - _MISSING_SHARE
        return count < stated * share and end_s < stated / self.rate_hz * share

    def times(self) -> NDArray[np.float64]:
        """Return the times of all images, (F,) seconds, without the work of decoding pixels."""
        return np.array([time_s for time_s, _ in self._shown()])

    def _shown(self) -> Iterator[tuple[float, cv2.VideoCapture]]:
        """Yield the time of each image in turn, and the capture that stands at it."""
        if not self.path.is_file():  # it was there when it was opened
            return
        capture = open_video(self.path)
        time_s, first_s = -1.0 / self.rate_hz, math.nan
        try:
            while capture.grab():
                shown_s = capture.get(cv2.CAP_PROP_POS_MSEC) * 1e-3
                first_s = shown_s if math.isnan(first_s) else first_s
                rises = math.isfinite(shown_s) and shown_s - first_s > time_s
                time_s = shown_s - first_s if rises else time_s + 1.0 / self.rate_hz
                yield time_s, capture
        finally:
            capture.release()
