"""J-HMDB (Jhuang et al., ICCV 2013): 928 short films of 21 actions, 15 joints in 2D.

Reads the films, the official splits and either the data set's own joints or a NumPy file of
labels. Films are decoded to the end, because the number of frames in their headers is wrong.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.actions import JHMDB_ACTIONS
from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.paths import visible_files
from pose_action_ros.data.files import (
    find_one,
    open_video,
    read_lines,
    read_mat,
    read_whole_video,
)
from pose_action_ros.data.film_labels import FilmLabels, read_film_labels
from pose_action_ros.data.photographs import chosen_images
from pose_action_ros.geometry.crop import whole_image_box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.data.recorded import Track

__all__ = ['JHMDB_JOINTS', 'Jhmdb']

JHMDB_JOINTS = (
    *('neck', 'belly', 'face', 'right_shoulder', 'left_shoulder', 'right_hip', 'left_hip'),
    *('right_elbow', 'left_elbow', 'right_knee', 'left_knee', 'right_wrist', 'left_wrist'),
    *('right_ankle', 'left_ankle'),
)
"""The data set's joints, in order. No layout of this package has its belly or its face."""

_VIDEOS = ('ReCompress_Videos', 'videos', 'data')
_IMAGE_SIZE = (320, 240)


class Jhmdb:
    """A split of J-HMDB; see `data.recorded.Library`.

    Args:
        root: Folder with the films in `ReCompress_Videos/CLASS/`, with `splits/`, and with
            `joint_positions/` unless `labels` is given.
        split: train and val (every tenth training film), or test.
        skeleton: The layout to give joints in.
        labels: NumPy file of joints: `clip` (C,) CLASS/FILE, `start` (C + 1,) first rows, `joints`
            (J,) names, `xy` (R, J, 2) pixels; optionally `frame` (R,), `conf` and `z` (R, J).
            Films without labels are skipped.
        official_split: 1, 2 or 3.
        min_confidence: Joints of `labels` below it are invalid.
        every: Frames from one sample to the next.

    Raises:
        DatasetError: A file is missing or damaged, or there is no such split.
    """

    name = 'jhmdb'
    actions = JHMDB_ACTIONS
    stride = 2

    def __init__(
        self,
        root: Path,
        split: str,
        skeleton: Skeleton,
        *,
        labels: Path | None = None,
        official_split: int = 1,
        min_confidence: float = 0.5,
        every: int = 3,
    ) -> None:
        videos = find_one(root, _VIDEOS)
        if videos is None:
            raise DatasetError(f'{root} has no folder {" or ".join(_VIDEOS)} of films')
        self.skeleton = skeleton
        self.every: int | None = every
        self._videos = videos
        parts = _official_parts(root / 'splits', official_split)
        train, test = ([n for n, part in parts.items() if part == p] for p in (1, 2))
        stored = None if labels is None else read_film_labels(labels, min_confidence)
        known = parts if stored is None else stored
        chosen = [n for n in chosen_images(split, train, test, where=str(root)) if n in known]
        self._names = [name for name in chosen if (videos / name).is_file()]
        missing = sorted(set(chosen) - set(self._names))
        if not self._names:
            raise DatasetError(f'{videos} has none of the films that {split} names')
        self.skipped = dict.fromkeys(missing, 'the splits name it, the film is missing')
        self._stored = stored
        self._joints = root / 'joint_positions'

    def __len__(self) -> int:
        return len(self._names)

    def title(self, index: int) -> str:
        """Return CLASS/FILE of a film."""
        return self._names[index]

    def length(self, index: int) -> int:
        """Return the number of frames that can be decoded."""
        return _length(self._videos / self._names[index])

    def action(self, index: int) -> int:
        """Return the index into `JHMDB_ACTIONS`."""
        return _action(self._names[index])

    def track(self, index: int, frames: Sequence[int]) -> Track:
        """Return the person; joints between labelled frames are interpolated."""
        labels = self._labels(self._names[index])
        return labels.track(self.skeleton, frames, whole_image_box(*_IMAGE_SIZE))

    def images(self, index: int, frames: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Return the frames; raises DatasetError if the film is damaged or too short."""
        path = self._videos / self._names[index]
        decoded = read_whole_video(path, last=max(frames))
        if len(decoded) <= max(frames):
            raise DatasetError(f'{path} has {len(decoded)} frames; frame {max(frames)} is wanted')
        return [decoded[frame] for frame in frames]

    def _labels(self, name: str) -> FilmLabels:
        if self._stored is not None:
            return self._stored[name]
        path = self._joints / Path(name).with_suffix('') / 'joint_positions.mat'
        values = np.asarray(read_mat(path, ['pos_img'])['pos_img'], np.float64)
        if values.ndim != 3 or values.shape[:2] != (2, len(JHMDB_JOINTS)):
            raise DatasetError(f'{path}: found pos_img {values.shape}; expected (2, 15, F)')
        joints = values.transpose(2, 1, 0) - 1.0
        unknown = np.full(joints.shape[:2], np.nan)
        return FilmLabels(JHMDB_JOINTS, np.arange(len(joints)), joints, unknown)


def _official_parts(folder: Path, number: int) -> dict[str, int]:
    """The part of every film by CLASS/FILE: 1 (training) or 2 (test)."""
    paths = visible_files(folder, f'*_test_split{number}.txt')
    if not paths:
        raise DatasetError(f'{folder} has no files *_test_split{number}.txt')
    parts: dict[str, int] = {}
    for path in paths:
        name = path.name.removesuffix(f'_test_split{number}.txt')
        for line in read_lines(path):
            film, _, part = line.rpartition(' ')
            if part not in ('0', '1', '2') or not film:
                raise DatasetError(f'{path}: found the line {line!r}; expected FILE 1 or FILE 2')
            parts[f'{name}/{film}'] = int(part)
    return parts


def _action(name: str) -> int:
    label = name.partition('/')[0].replace('_', ' ')
    if label not in JHMDB_ACTIONS:
        raise DatasetError(f'{name}: unknown class; expected one of {", ".join(JHMDB_ACTIONS)}')
    return JHMDB_ACTIONS.index(label)


@lru_cache(maxsize=4096)
def _length(path: Path) -> int:
    video = open_video(path)
    count = 0
    while video.grab():
        count += 1
    video.release()
    if not count:
        raise DatasetError(f'{path} cannot be decoded; it is damaged or missing')
    return count
