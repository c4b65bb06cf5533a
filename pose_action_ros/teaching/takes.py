"""Films for a folder to teach with: takes of a few seconds, cut from a sequence of images."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.paths import visible_files, written_whole
from pose_action_ros.geometry.film_writer import FilmWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Moment = tuple[float, NDArray[np.uint8]]

__all__ = ['Take', 'check_label', 'cut_takes', 'next_number', 'take_path', 'write_take']

_FEWEST_FRAMES = 2
_HIGHEST_RATE_HZ = 120.0


class Take(NamedTuple):
    """One film.

    Attributes:
        frames: (H, W, 3) uint8 RGB each.
        times_s: Time of each frame, rising.
    """

    frames: list[NDArray[np.uint8]]
    times_s: list[float]

    @property
    def rate_hz(self) -> float:
        """Their mean rate."""
        spent_s = self.times_s[-1] - self.times_s[0]
        return min((len(self.times_s) - 1) / spent_s, _HIGHEST_RATE_HZ) if spent_s else 30.0


def cut_takes(
    moments: Iterable[Moment], *, seconds: float, pause: float = 0.0, start: float = 0.0
) -> Iterator[Take]:
    """Yield takes one after the other until the images end.

    Args:
        moments: Times in seconds, rising, and RGB images.
        seconds: Length of a take.
        pause: Unfilmed seconds between two takes.
        start: Seconds before the first take.
    """
    first_s: float | None = None
    begin_s = math.inf
    frames: list[NDArray[np.uint8]] = []
    times: list[float] = []
    for time_s, image in moments:
        if first_s is None:
            first_s, begin_s = time_s, time_s + start
        if time_s - begin_s >= seconds - 1e-6:
            if len(frames) >= _FEWEST_FRAMES:
                yield Take(frames, times)
            frames, times = [], []
            begin_s = time_s + pause
        if time_s >= begin_s - 1e-6:
            frames.append(image)
            times.append(time_s)
    rest = Take(frames, times)
    if len(times) >= _FEWEST_FRAMES:
        lasts_s = times[-1] - times[0] + 1.0 / rest.rate_hz  # the last image also has a duration
        if lasts_s >= seconds - 1e-3:
            yield rest


def check_label(label: str) -> str:
    """Return the name of a class, which is also the name of its folder.

    Raises:
        ConfigError: It is not a valid folder name.
    """
    if not label.strip() or label.startswith('.') or re.search(r'[\\/\x00-\x1f]', label):
        raise ConfigError(
            f'found the label {label!r}; expected the name of a folder, such as "come here"'
        )
    return label.strip()


def next_number(folder: Path) -> int:
    """Return the number of the next take: one above the highest in the folder."""
    numbers = [re.search(r'(\d+)$', path.stem) for path in visible_files(folder)]
    return 1 + max((int(found[1]) for found in numbers if found), default=0)


def take_path(folder: Path, label: str, number: int) -> Path:
    """Return the file of a take."""
    return folder / f'{label.replace(" ", "_")}_{number:04d}.mp4'


def write_take(path: Path, take: Take) -> None:
    """Write a film and create its folder; after a failure no partial film remains.

    Raises:
        ImageError: The file can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = take.frames[0].shape[:2]
    with written_whole(path) as part, FilmWriter(part, take.rate_hz, (width, height)) as writer:
        for frame, time_s in zip(take.frames, take.times_s, strict=True):
            writer.add(frame, time_s - take.times_s[0])
