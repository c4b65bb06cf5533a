"""Joints of films in a NumPy file, frame by frame or every few frames.

`clip` (C,) CLASS/FILE, `start` (C + 1,) first rows, `joints` (J,) names, `xy` (R, J, 2) pixels;
optionally `frame` (R,), `conf` and `z` (R, J).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.data.files import read_arrays
from pose_action_ros.data.layouts import named_joints
from pose_action_ros.data.photographs import joint_corners, person_window, with_pelvis
from pose_action_ros.data.recorded import Track
from pose_action_ros.geometry.crop import CROP_PX

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    names = tuple(str(name) for name in values['joints'])
    joints = values['xy'].astype(np.float64)
    if joints.shape[1:] != (len(names), 2) or len(values['start']) != len(values['clip']) + 1:
        raise DatasetError(f'{path}: found xy {joints.shape} for {len(names)} joints')
    depth = values['z'].astype(np.float64) if 'z' in values else np.full(joints.shape[:2], np.nan)
    if 'conf' in values:
        unsure = values['conf'].astype(np.float64) < max(min_confidence, 1e-6)
        joints = np.where(unsure[..., None], np.nan, joints)
        depth = np.where(unsure, np.nan, depth)
    found = {}
    for row, clip in enumerate(values['clip']):
        part = slice(int(values['start'][row]), int(values['start'][row + 1]))
        count = part.stop - part.start
        frames = values['frame'][part].astype(np.int64) if 'frame' in values else np.arange(count)
        if np.isfinite(joints[part]).any():
            found[str(clip)] = FilmLabels(names, frames, joints[part], depth[part])
    return found


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
