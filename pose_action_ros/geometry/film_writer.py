"""Films that browsers play: H.264 in MP4, each image shown at its own time.

Owns: the encoder. PyAV (extra `film`) contains one for H.264, and OpenCV's packages from PyPI do
not. Without PyAV the film is MPEG-4 at a constant rate, which players show and browsers do not.
"""

from __future__ import annotations

from fractions import Fraction
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from pose_action_ros.core.ending import undisturbed
from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry.media import name_of_film

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ['NO_BROWSER', 'FilmWriter', 'has_h264']

NO_BROWSER = 'browsers do not play it: `pip install av` brings an encoder for those that they do'
_TICKS_PER_S = 90_000
_OPTIONS = {'preset': 'veryfast', 'crf': '21'}


def has_h264() -> bool:
    """Tell whether browsers will play the films."""
    return find_spec('av') is not None


class FilmWriter:
    """Writes one film; a context manager.

    Args:
        path: The .mp4 file.
        rate_hz: Its average rate.
        size: Width and height of its images, pixels; larger and smaller ones are scaled to it.

    Raises:
        ImageError: The file can't be written.
    """

    def __init__(self, path: Path, rate_hz: float, size: tuple[int, int]) -> None:
        self.path = path
        self._size = size
        self._encoder = (_H264 if has_h264() else _Mpeg4)(path, rate_hz, size)

    def add(self, image_rgb: NDArray[np.uint8], time_s: float) -> None:
        """Add an image.

        Args:
            image_rgb: (H, W, 3) uint8.
            time_s: When it is shown, seconds since the start of the film; later than the last.
        """
        height, width = image_rgb.shape[:2]
        if (width, height) != self._size:
            scaled = cv2.resize(image_rgb, self._size, interpolation=cv2.INTER_AREA)
            image_rgb = np.asarray(scaled, np.uint8)
        self._encoder.add(image_rgb, time_s)

    def close(self) -> None:
        """Finish the file, also if Ctrl-C is pressed again meanwhile."""
        with undisturbed():
            self._encoder.close()

    def __enter__(self) -> FilmWriter:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the file."""
        self.close()


class _H264:
    """By PyAV."""

    def __init__(self, path: Path, rate_hz: float, size: tuple[int, int]) -> None:
        import av

        self._av = av
        self._last_tick = -1
        try:
            self._start(name_of_film(path), rate_hz, size)
        except (OSError, av.FFmpegError) as error:
            raise ImageError(f'cannot write {path}: {error.strerror or error}') from error

    def _start(self, name: str, rate_hz: float, size: tuple[int, int]) -> None:
        # The index comes first, so that a browser shows it while it loads.
        self._file: Any = self._av.open(name, 'w', options={'movflags': 'faststart'})
        rate = Fraction(rate_hz).limit_denominator(1000)
        self._stream: Any = self._file.add_stream('libx264', rate=rate, options=_OPTIONS)
        # Colours are stored at half the resolution: sides are even.
        self._stream.width, self._stream.height = (side + side % 2 for side in size)
        self._stream.pix_fmt = 'yuv420p'
        self._stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
        self._file.start_encoding()

    def add(self, image_rgb: NDArray[np.uint8], time_s: float) -> None:
        height, width = image_rgb.shape[:2]
        even = np.pad(image_rgb, ((0, height % 2), (0, width % 2), (0, 0)), 'edge')
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format='rgb24')
        self._last_tick = frame.pts = max(round(time_s * _TICKS_PER_S), self._last_tick + 1)
        frame.time_base = Fraction(1, _TICKS_PER_S)
        self._file.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._file.mux(self._stream.encode())
        self._file.close()


class _Mpeg4:
    """By OpenCV."""

    def __init__(self, path: Path, rate_hz: float, size: tuple[int, int]) -> None:
        self._writer = cv2.VideoWriter(
            name_of_film(path), cv2.VideoWriter.fourcc(*'mp4v'), rate_hz, size
        )
        if not self._writer.isOpened():
            raise ImageError(
                f'cannot write {path}: no such folder, or OpenCV has no encoder; try `pip '
                'install av`'
            )

    def add(self, image_rgb: NDArray[np.uint8], time_s: float) -> None:
        self._writer.write(cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        self._writer.release()
