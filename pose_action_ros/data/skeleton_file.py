"""NTU RGB+D's `.skeleton` text files: bodies that a Kinect tracked, frame by frame.

Format: the data set's own reader, github.com/shahroudy/NTURGB-D, Matlab/read_skeleton_file.m.
Per frame the number of bodies; per body an id and nine numbers, the number of joints, and per
joint x y z (m), depth x y (px), colour x y (px), orientation w x y z, tracking state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ['NTU_JOINTS', 'read_skeleton_file']

NTU_JOINTS = 25

_BODY_NUMBERS = 10  # id, clipped edges, 4 of the hands, restricted, lean x y, tracking state
_JOINT_NUMBERS = 12


def read_skeleton_file(path: Path) -> NDArray[np.float64]:
    """Return the main body: tracked in most frames, and among equals the one that moves most.

    Args:
        path: The file.

    Returns:
        (F, 25, 5): x, y, z in metres (Kinect's camera frame) and x, y in pixels of the colour
        picture; NaN if the body was not tracked or a joint has no place.

    Raises:
        DatasetError: The file is missing, damaged or cut short, or has no body.
    """
    try:
        bodies = _bodies(path.read_text(encoding='ascii').split())
    except (OSError, ValueError, OverflowError) as error:
        raise DatasetError(f'{path} cannot be read: {error}') from error
    except IndexError as error:
        raise DatasetError(f'{path} ends too early; it is cut short') from error
    if not bodies:
        raise DatasetError(
            f'{path} has no body; such samples belong in the list of broken samples, '
            'see docs/data.md'
        )
    return max(bodies.values(), key=_importance)


def _bodies(words: list[str]) -> dict[str, NDArray[np.float64]]:
    """(F, 25, 5) by body id; an id has more digits than a float."""
    numbers = np.array(words, np.float64)
    count, at = int(numbers[0]), 1
    if not 0 <= count < len(numbers):  # each frame has at least the number of its bodies
        raise IndexError
    bodies: dict[str, NDArray[np.float64]] = {}
    for frame in range(count):
        tracked, at = int(numbers[at]), at + 1
        for _ in range(tracked):
            body, joints = words[at], int(numbers[at + _BODY_NUMBERS])
            at += _BODY_NUMBERS + 1
            if joints != NTU_JOINTS:
                raise ValueError(f'a body of {joints} joints; expected {NTU_JOINTS}')
            end = at + joints * _JOINT_NUMBERS
            if end > len(numbers):
                raise IndexError
            rows = numbers[at:end].reshape(joints, _JOINT_NUMBERS)
            place = bodies.setdefault(body, np.full((count, NTU_JOINTS, 5), np.nan))
            place[frame] = rows[:, [0, 1, 2, 5, 6]]
            at = end
    for place in bodies.values():
        nowhere = ~np.isfinite(place).all(-1) | (place[..., 3:] <= 0.0).any(-1)
        place[nowhere] = np.nan
    return bodies


def _importance(body: NDArray[np.float64]) -> tuple[int, float]:
    seen = np.isfinite(body).all(-1)
    moved = np.ma.masked_invalid(body[..., :3]).std(axis=0).filled(0.0)
    return int(seen.any(-1).sum()), float(moved.sum())
