"""Whether a window shows a person, and whether the person is certain enough for a new track.

Owns: `seen_box`, `begins_track`, and `RejectedPlaces`, which remembers places without a person.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pose_action_ros.geometry import box_around
from pose_action_ros.geometry.crop import MIN_BOX_PX
from pose_action_ros.inference.meeting import is_same_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.inference.person import Reading
    from pose_action_ros.inference.settings import TrackSettings

__all__ = ['RejectedPlaces', 'begins_track', 'seen_box']

_MAX_SIZE = 2.0  # of a window, over the larger side of the image
_LARGE = 0.6  # the same, for which the given confidence suffices to begin a track
_SMALLER = 0.75  # by how much the log odds rise when the window shrinks by a factor of e
_CERTAIN = 0.95  # always suffices


def seen_box(
    reading: Reading,
    settings: TrackSettings,
    image_size: tuple[int, int] | None,
    min_confidence: float = 0.0,
) -> PersonBox | None:
    """Return the window around the pose; None if nobody is there.

    Args:
        reading: The network's output for a window.
        settings: Smallest confidences, and the size of the window.
        image_size: Width and height, pixels; None if unknown.
        min_confidence: Smallest probability of a person, if larger than that of the settings.
    """
    if reading.person_confidence < max(settings.min_confidence, min_confidence):
        return None
    certain = reading.arrays.visibility >= settings.min_joint_confidence
    box = box_around(reading.joints_image[:, :2], certain, enlarge=settings.enlarge)
    return box if box is not None and _is_plausible(box, image_size) else None


def begins_track(
    reading: Reading,
    settings: TrackSettings,
    image_size: tuple[int, int] | None,
    min_confidence: float,
) -> PersonBox | None:
    """Return the window around a pose that is certain enough to begin a track; else None.

    Small objects resemble people more often than large ones, so a small pose needs more
    confidence.

    Args:
        reading: The network's output for a window.
        settings: As for `seen_box`.
        image_size: As for `seen_box`.
        min_confidence: Smallest probability of a person who fills most of the image.
    """
    box = seen_box(reading, settings, image_size)
    if box is None or image_size is None:
        return box
    least = _least_confidence(box.size / max(image_size), min_confidence)
    return box if reading.person_confidence >= least else None


def _least_confidence(size: float, min_confidence: float) -> float:
    """Smallest confidence for a window of that size, relative to the image's larger side."""
    if not 0.0 < min_confidence < _CERTAIN:
        return min_confidence
    odds = min_confidence / (1.0 - min_confidence)
    odds *= math.pow(max(1.0, _LARGE / size), _SMALLER)
    return min(odds / (1.0 + odds), _CERTAIN)


def _is_plausible(box: PersonBox, image_size: tuple[int, int] | None) -> bool:
    """Networks see people in any crop; a pose whose middle is outside the image does not count."""
    if image_size is None:
        return True
    width, height = image_size
    rim = MIN_BOX_PX  # a tiny image has no others
    inside = -rim <= box.center_x <= width + rim and -rim <= box.center_y <= height + rim
    return inside and box.size <= _MAX_SIZE * max(width, height, rim)


class RejectedPlaces:
    """Windows of candidates that showed nobody, for a while."""

    def __init__(self) -> None:
        self._places: list[tuple[int, PersonBox]] = []

    def reset(self) -> None:
        """Forget them all."""
        self._places = []

    def add(self, boxes: Iterable[PersonBox], stamp_ns: int) -> None:
        """Remember windows from this stamp on."""
        self._places += [(stamp_ns, box) for box in boxes]

    def others(
        self, boxes: Sequence[PersonBox], stamp_ns: int, *, keep_s: float, enlarge: float
    ) -> list[PersonBox]:
        """Return the windows that are in no rejected place.

        Args:
            boxes: Windows.
            stamp_ns: Stamp of the image; places after it are forgotten.
            keep_s: How long a place is remembered, seconds.
            enlarge: Side of a window over the size of the body in it.
        """
        self._places = [
            (then, box) for then, box in self._places if 0 <= stamp_ns - then < keep_s * 1e9
        ]
        return [
            box
            for box in boxes
            if not any(is_same_place(box, place, enlarge) for _, place in self._places)
        ]
