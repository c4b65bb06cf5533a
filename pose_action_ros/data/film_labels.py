"""Joints of films in a NumPy file, frame by frame or every few frames.

`clip` (C,) CLASS/FILE, `start` (C + 1,) first rows, `joints` (J,) names, `xy` (R, J, 2) pixels;
optionally `frame` (R,), `conf` and `z` (R, J).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.data.files import read_arrays
from pose_action_ros.data.label_arrays import names_in, numbers_in, whole_numbers_in
from pose_action_ros.data.layouts import named_joints
from pose_action_ros.data.photographs import (
    LARGEST_PX,
    joint_corners,
    person_window,
    with_pelvis,
)
from pose_action_ros.data.recorded import Track
from pose_action_ros.data.windows import corner_box
from pose_action_ros.geometry.crop import CROP_PX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.core.skeleton import Skeleton

__all__ = ['FilmLabels', 'read_film_labels']


@dataclass(frozen=True, eq=False)
class FilmLabels:
    """Labelled frames of one film, in order.

    Attributes:
        names: J names of joints.
        frames: (F,) numbers.
        joints_px: (F, J, 2), NaN where unknown.
        depth_m: (F, J), NaN where unknown.
    """

    names: tuple[str, ...]
    frames: NDArray[np.int64]
    joints_px: NDArray[np.float64]
    depth_m: NDArray[np.float64]

    def track(self, skeleton: Skeleton, frames: Sequence[float], otherwise: PersonBox) -> Track:
        """Return the person; joints between labelled frames are interpolated.

        Args:
            skeleton: The layout to have.
            frames: T numbers, perhaps between two frames.
            otherwise: The window if no joint of the film is known.
        """
        values = np.concatenate([self.joints_px, self.depth_m[..., None]], axis=-1)
        names, values = with_pelvis(self.names, _between(self.frames, values, frames))
        joints = named_joints(skeleton, names, values)
        corners = joint_corners(joints[..., :2])
        if not np.isfinite(corners).all():
            corners = joint_corners(self.joints_px)
        box = person_window(corners) if np.isfinite(corners).all() else otherwise
        return Track(
            joints_image_px=joints[..., :2],
            depth_m=joints[..., 2],
            box=box,
            joints_camera_m=np.full((*joints.shape[:2], 3), np.nan),
            shift_px=box.size / CROP_PX,
            depth_is_hint=True,
        )


@lru_cache(maxsize=4)
def read_film_labels(path: Path, min_confidence: float) -> dict[str, FilmLabels]:
    """Return the labels by film; films without any sure joint are skipped.

    Args:
        path: The file.
        min_confidence: Joints below it are invalid.

    Raises:
        DatasetError: The file is missing or damaged.
    """
    required = ('clip', 'start', 'joints', 'xy')
    values = read_arrays(path, required, optional=('frame', 'conf', 'z'))
    names, films = names_in(path, values, 'joints'), names_in(path, values, 'clip')
    rows = len(np.atleast_1d(values['xy']))
    starts = _starts(path, values, len(films), rows)
    joints = numbers_in(path, values, 'xy', (rows, len(names), 2))
    depth = np.full(joints.shape[:2], np.nan)
    if 'z' in values:
        depth = numbers_in(path, values, 'z', joints.shape[:2])
    if 'conf' in values:
        sure = numbers_in(path, values, 'conf', joints.shape[:2])
        unsure = ~(sure >= max(min_confidence, 1e-6))
        joints = np.where(unsure[..., None], np.nan, joints)
        depth = np.where(unsure, np.nan, depth)
    frames = None
    if 'frame' in values:
        frames = whole_numbers_in(path, values, 'frame', (rows,))
    found = {}
    for film, start, end in zip(films, starts[:-1], starts[1:], strict=True):
        if film in found:
            raise DatasetError(f'{path}: clip names {film} twice')
        if np.isfinite(joints[start:end]).all(-1).any():
            numbers = np.arange(end - start) if frames is None else frames[start:end]
            _check(path, film, numbers, joints[start:end])
            found[film] = FilmLabels(names, numbers, joints[start:end], depth[start:end])
    return found


def _starts(
    path: Path, values: Mapping[str, NDArray[Any]], films: int, rows: int
) -> NDArray[np.int64]:
    """The first row of each film, and the number of rows."""
    starts = whole_numbers_in(path, values, 'start', (films + 1,))
    if (np.diff(starts) < 0).any() or starts[-1] > rows:
        raise DatasetError(
            f'{path}: start has {starts.min()} to {starts.max()} for {rows} rows of xy; expected '
            'the first row of each film, then the number of rows, none below the one before'
        )
    return starts


def _check(path: Path, film: str, frames: NDArray[np.int64], joints: NDArray[np.float64]) -> None:
    """Refuse frames that do not rise, and joints that no picture has."""
    if (np.diff(frames) <= 0).any():
        raise DatasetError(f'{path}: the frames of {film} do not rise; sort its rows by frame')
    if not corner_box(joint_corners(joints)).is_usable(LARGEST_PX, LARGEST_PX):
        raise DatasetError(
            f'{path}: the joints of {film} lie far outside of every picture; expected pixels'
        )


def _between(
    known: NDArray[np.int64], values: NDArray[np.float64], frames: Sequence[float]
) -> NDArray[np.float64]:
    """(T, J, D) from (F, J, D): linear between labelled frames, elsewhere the nearest one's."""
    at = np.clip(np.asarray(frames, np.float64), known[0], known[-1])
    after = np.clip(np.searchsorted(known, at), 0, len(known) - 1)
    before = np.clip(after - (known[after] > at), 0, len(known) - 1)
    span = np.maximum(known[after] - known[before], 1)
    share = ((at - known[before]) / span)[:, None, None]
    mixed: NDArray[np.float64] = (1.0 - share) * values[before] + share * values[after]
    return mixed
