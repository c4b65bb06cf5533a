"""A folder of films with one sub-folder per class, as a library of recordings.

Frames are counted at 30 Hz, regardless of the film's rate: frame n is the film's frame nearest to
n / 30 s. So a clip covers the same time at 15, 30 and 60 Hz. `data.film_folder` describes the
layout of the folder.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.data.film_folder import PARTS, FilmFolder, read_film_folder
from pose_action_ros.data.film_labels import read_film_labels
from pose_action_ros.data.photographs import NoSplitError
from pose_action_ros.data.recorded import Track
from pose_action_ros.data.windows import corner_box, union_box
from pose_action_ros.geometry.crop import CROP_PX, whole_image_box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.data.film_folder import FolderFilm

__all__ = ['Folder']

_RATE_HZ = 30.0
_STEP_S = 0.5 / _RATE_HZ


class Folder:
    """A part of a folder of films; see `data.recorded.Library`.

    The window of a clip is around the joints of `joints.npz`, else around the boxes of its frames,
    else the whole image.

    Args:
        root: The folder.
        split: train, val (a fifth of it unless split.csv says otherwise) or test (split.csv).
        skeleton: The layout to give joints in.
        boxes: CSV file of boxes; by default the folder's boxes.csv, if there is one.
        joints: NumPy file of joints; by default the folder's joints.npz, if there is one.
        min_confidence: Joints below it are invalid.
        picture_rate_hz: Rate of folders of pictures.
        every: Frames from one sample to the next.

    Raises:
        DatasetError: A file is missing or damaged, or there is no such split.
    """

    name = 'folder'
    stride = 2

    def __init__(
        self,
        root: Path,
        split: str,
        skeleton: Skeleton,
        *,
        boxes: Path | None = None,
        joints: Path | None = None,
        min_confidence: float = 0.5,
        picture_rate_hz: float = 30.0,
        every: int = 6,
    ) -> None:
        self.skeleton = skeleton
        self.every: int | None = every
        folder: FilmFolder = read_film_folder(root, picture_rate_hz=picture_rate_hz, boxes=boxes)
        self.actions = folder.actions
        self.skipped = folder.skipped
        self.films = folder.part(split)
        if not self.films:
            parts = ', '.join(part for part in PARTS if folder.part(part))
            raise NoSplitError(f'{root} has no films for {split!r}, only for {parts}')
        self._boxes = folder.boxes
        path = joints or root / 'joints.npz'
        self._labels = read_film_labels(path, min_confidence) if joints or path.exists() else {}
        folder.note_missing(self._labels, path.name)

    def __len__(self) -> int:
        return len(self.films)

    def title(self, index: int) -> str:
        """Return CLASS/FILE of a film."""
        return self.films[index].name

    def length(self, index: int) -> int:
        """Return its number of frames at 30 Hz."""
        return len(_resampled(_times(self.films[index])))

    def action(self, index: int) -> int:
        """Return its class."""
        return self.actions.index(self.films[index].action)

    def track(self, index: int, frames: Sequence[int]) -> Track:
        """Return the person in these frames."""
        film = self.films[index]
        shown = [_resampled(_times(film))[frame] for frame in frames]
        window = self._window(film, shown)
        if film.name in self._labels:
            return self._labels[film.name].track(self.skeleton, shown, window)
        unknown = np.full((len(frames), self.skeleton.num_joints, 3), np.nan)
        return Track(
            joints_image_px=unknown[..., :2],
            depth_m=unknown[..., 0],
            box=window,
            joints_camera_m=unknown,
            shift_px=window.size / CROP_PX,
        )

    def images(self, index: int, frames: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Return the frames; raises DatasetError if the film is damaged or too short."""
        film = self.films[index]
        shown = [_resampled(_times(film))[frame] for frame in frames]
        wanted, found = set(shown), {}
        for number, (_, image) in enumerate(film.frames()):
            if number in wanted:
                found[number] = image
            if len(found) == len(wanted):
                break
        if missing := wanted - set(found):
            raise DatasetError(
                f'{film.path} ends before frame {min(missing)}; it is damaged or cut short'
            )
        return [found[number] for number in shown]

    def _window(self, film: FolderFilm, frames: Sequence[int]) -> PersonBox:
        boxes = self._boxes.get(film.name)
        if not boxes:
            return whole_image_box(*_size(film))
        known = np.array(sorted(boxes))
        nearest = {int(known[np.abs(known - frame).argmin()]) for frame in frames}
        chosen = {frame: corner_box(boxes[frame]) for frame in sorted(nearest)}
        width, height = _size(film)
        for frame, box in chosen.items():
            if not box.is_usable(width, height):
                raise DatasetError(
                    f'{film.name}: the box {boxes[frame]} of frame {frame} is not one of its '
                    f'{width} x {height} pixels; correct the boxes'
                )
        return union_box(chosen.values())


@lru_cache(maxsize=4096)
def _times(film: FolderFilm) -> NDArray[np.float64]:
    return film.times()


@lru_cache(maxsize=4096)
def _size(film: FolderFilm) -> tuple[int, int]:
    """Width and height of its first image, pixels."""
    for _, image in film.frames():
        return image.shape[1], image.shape[0]
    raise DatasetError(f'{film.path} has no frame that can be decoded')


def _resampled(times_s: NDArray[np.float64]) -> list[int]:
    """Numbers of the film's own frames that are nearest to 0, 1 / 30, 2 / 30 ... seconds."""
    moments = np.arange(0.0, times_s[-1] + _STEP_S, 2 * _STEP_S)
    after = np.clip(np.searchsorted(times_s, moments), 1, max(len(times_s) - 1, 1))
    nearer = moments - times_s[after - 1] <= times_s[np.minimum(after, len(times_s) - 1)] - moments
    return [int(n) for n in np.where(nearer, after - 1, np.minimum(after, len(times_s) - 1))]
