"""Comparison of windows and poses: whether two show one person, and which track they fit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.inference.person import Reading
    from pose_action_ros.inference.settings import TrackSettings

__all__ = [
    'assign',
    'is_behind',
    'is_one_pose',
    'is_part_of',
    'is_same_place',
    'misfit',
    'overlap',
    'shared_area',
]

_BEHIND = 0.12  # least overlap at which an unseen person counts as hidden behind another
_MIN_OVERLAP = 0.1  # of one person's boxes in consecutive images
_ONE_POSE = 0.16  # mean distance of the joints of two poses of one person, over the body's size
_ONE_PLACE = 0.22  # distance of the middles of two windows of one person, over the body's size
_UNLIKE = 1.8  # ratio of the sizes of windows of different people in one place
_FEWEST_JOINTS = 3
_PART = 0.75  # size of a pose over that of another of which it may show a part
_INSIDE = 0.8  # share of its joints that lie among those of the other
_RIM = 0.1  # over the other's size, by which its body reaches beyond its joints


def overlap(a: PersonBox, b: PersonBox) -> float:
    """Return the intersection over the union of two squares."""
    reach = (a.size + b.size) / 2.0
    width = min(reach - abs(a.center_x - b.center_x), a.size, b.size)
    height = min(reach - abs(a.center_y - b.center_y), a.size, b.size)
    if width <= 0.0 or height <= 0.0:
        return 0.0
    inner = width * height
    return inner / (a.size**2 + b.size**2 - inner)


def assign(
    boxes: Sequence[PersonBox], places: Mapping[int, Sequence[PersonBox]]
) -> dict[int, int]:
    """Match boxes with the tracks that they overlap most; a track gets one box at most.

    Args:
        boxes: One for each person in the image.
        places: Boxes of each track; the one that overlaps most counts.

    Returns:
        Track by index of the box; a box without a track is absent.
    """
    overlaps = {
        (index, track_id): max(overlap(box, place) for place in places_of)
        for index, box in enumerate(boxes)
        for track_id, places_of in places.items()
    }
    ids: dict[int, int] = {}
    for index, track_id in sorted(overlaps, key=overlaps.__getitem__, reverse=True):
        free = index not in ids and track_id not in ids.values()
        if free and overlaps[index, track_id] > _MIN_OVERLAP:
            ids[index] = track_id
    return ids


def is_same_place(a: PersonBox, b: PersonBox, enlarge: float) -> bool:
    """Tell whether two windows are of one person: near each other and of similar size.

    Args:
        a: A window.
        b: Another one.
        enlarge: Side of a window over the size of the body in it.
    """
    large, small = max(a.size, b.size), min(a.size, b.size)
    return _distance(a, b) < _ONE_PLACE * large / enlarge and large < _UNLIKE * small


def is_behind(box: PersonBox, others: Sequence[PersonBox]) -> bool:
    """Tell whether a person who was not seen in a window is hidden by one of the others."""
    return any(overlap(box, other) > _BEHIND for other in others)


def is_one_pose(a: Reading, b: Reading, size: float, settings: TrackSettings) -> bool:
    """Tell whether two windows show the same person: most joints are in the same places.

    Args:
        a: The reading of one window.
        b: The reading of the other one.
        size: Side of the window around the larger of both poses.
        settings: Which joints count, and how much larger than the body a window is.
    """
    least = settings.min_joint_confidence
    certain = (a.arrays.visibility >= least) & (b.arrays.visibility >= least)
    if certain.sum() < _FEWEST_JOINTS:
        return False
    apart = np.linalg.norm(a.joints_image[certain, :2] - b.joints_image[certain, :2], axis=-1)
    return float(apart.mean()) < _ONE_POSE * size / settings.enlarge


def is_part_of(part: Reading, whole: Reading, settings: TrackSettings) -> bool:
    """Tell whether a pose belongs to a part of a person: it is smaller and among their joints.

    The network finds a whole person in any crop, even in a crop of a person's legs.

    Args:
        part: The reading of one window.
        whole: The reading of another one.
        settings: Which joints count.
    """
    inner, outer = (_certain_joints(reading, settings) for reading in (part, whole))
    if min(len(inner), len(outer)) < _FEWEST_JOINTS:
        return False
    low, high = outer.min(0), outer.max(0)
    size = float((high - low).max())
    if float(np.ptp(inner, axis=0).max()) > _PART * size:
        return False
    inside = (inner > low - _RIM * size) & (inner < high + _RIM * size)
    return float(inside.all(-1).mean()) >= _INSIDE


def shared_area(a: Reading, b: Reading, settings: TrackSettings) -> float:
    """Return the common part of the rectangles around two poses, over the smaller one.

    Args:
        a: The reading of one window.
        b: The reading of another one.
        settings: Which joints count.
    """
    (low_a, high_a), (low_b, high_b) = (
        (joints.min(0), joints.max(0)) if len(joints) else (np.zeros(2), np.zeros(2))
        for joints in (_certain_joints(reading, settings) for reading in (a, b))
    )
    sides = np.minimum(high_a, high_b) - np.maximum(low_a, low_b)
    smaller = min((high_a - low_a).prod(), (high_b - low_b).prod())
    return float(np.maximum(sides, 0.0).prod() / smaller) if smaller > 0.0 else 0.0


def misfit(found: PersonBox, expected: PersonBox) -> float:
    """Return the distance of a pose from its person's expected place, in window sides."""
    unlike = abs(math.log(found.size / expected.size))
    return _distance(found, expected) / expected.size + 0.5 * unlike


def _certain_joints(reading: Reading, settings: TrackSettings) -> NDArray[np.floating]:
    certain = reading.arrays.visibility >= settings.min_joint_confidence
    return reading.joints_image[certain, :2]


def _distance(a: PersonBox, b: PersonBox) -> float:
    return math.hypot(a.center_x - b.center_x, a.center_y - b.center_y)
