"""Boxes of people: `vision_msgs/Detection2DArray` by stamp, or `sensor_msgs/RegionOfInterest`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pose_action_ros.core.predictions import MAX_BOX_SIZE, PersonBox
from pose_action_ros.messages.stamp_matching import StampedItems

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pose_action_ros.inference.settings import DetectionSettings

__all__ = ['Detections', 'Region', 'box_from_region', 'boxes_from_detections', 'usable_boxes']

_NEVER = 3  # consecutive messages without an image; a detector may see nobody for a while


class Detections:
    """Boxes of a detector (`vision_msgs/Detection2DArray`).

    Args:
        length: Number of stored messages.

    Attributes:
        items: The messages.
        problem: Reason why nobody was found, if it looks like a mistake; otherwise empty.
    """

    def __init__(self, length: int = 8) -> None:
        self.problem = ''
        self.items: StampedItems[Any] = StampedItems(length)

    def put(self, stamp_ns: int, message: Any, arrival_ns: int) -> None:
        """Store a message with the time of its arrival."""
        self.items.put(stamp_ns, message, arrival_ns)

    def boxes_at(
        self, stamp_ns: int, image_size: tuple[int, int], settings: DetectionSettings
    ) -> list[PersonBox]:
        """Return the boxes of people in an image; there are none without detections.

        Args:
            stamp_ns: Stamp of the image.
            image_size: Its width and height, pixels.
            settings: Rules for people among the detections, and the largest stamp difference.
        """
        message = self.items.nearest(stamp_ns, settings.max_age_s)
        if message is None:
            self.problem = self._why_none(stamp_ns, settings)
            return []
        ids = {r.hypothesis.class_id for d in message.detections for r in d.results}
        boxes = boxes_from_detections(message, settings.class_id, settings.min_score)
        good, self.problem = usable_boxes(boxes, image_size)
        if ids and settings.class_id not in ('', *ids):
            self.problem = (
                f'no detection is a {settings.class_id!r} (detections.class_id); found '
                f'{", ".join(sorted(map(repr, ids)))}'
            )
        return good

    def _why_none(self, stamp_ns: int, settings: DetectionSettings) -> str:
        """The reason, if detections never match images; a silent detector just sees nobody."""
        if not len(self.items):
            return 'no detections have arrived yet, so nobody is seen'
        if self.items.unserved < _NEVER:
            return ''
        return (
            f'no detections within {settings.max_age_s:g} s of the image, so nobody is seen; '
            f'{self.items.missed_by(stamp_ns)}'
        )


class Region:
    """One person, in the region of interest that arrived last; a region has no stamp.

    Attributes:
        items: None, because a region has no stamp.
        problem: Reason if the region is unusable; otherwise empty.
    """

    items = None

    def __init__(self) -> None:
        self.problem = ''
        self._box: PersonBox | None = None

    def put(self, stamp_ns: int, message: Any, arrival_ns: int) -> None:
        """Store a message; an empty region means the whole image."""
        self._box = box_from_region(message)

    def boxes_at(
        self, stamp_ns: int, image_size: tuple[int, int], settings: DetectionSettings
    ) -> list[PersonBox] | None:
        """Return the box of the region in an image; None: the whole image."""
        if self._box is None:
            self.problem = ''
            return None
        good, self.problem = usable_boxes([self._box], image_size)
        return good


def boxes_from_detections(detections: Any, class_id: str, min_score: float) -> list[PersonBox]:
    """Return the squares around the people of a Detection2DArray, the most certain first.

    Args:
        detections: The message. A detection without hypotheses counts as a person.
        class_id: The detector's name for people; empty: every detection is a person.
        min_score: Detections below are skipped.

    Returns:
        Boxes with their numbers unchecked (see `usable_boxes`), without empty ones. A detection
        whose score is not a number gets a size of NaN.
    """
    found: list[tuple[float, PersonBox]] = []
    for detection in detections.detections:
        score = _score(detection.results, class_id)
        box = detection.bbox
        if score is None or score < min_score or not (box.size_x or box.size_y):
            continue
        center = box.center.position
        size = _side(float(box.size_x), float(box.size_y))
        if math.isnan(score):
            score, size = -math.inf, math.nan
        found.append((score, PersonBox(float(center.x), float(center.y), size)))
    found.sort(key=lambda pair: pair[0], reverse=True)
    return [box for _, box in found]


def _side(width: float, height: float) -> float:
    """The larger side; NaN if one of them is not a length."""
    return max(width, height) if width >= 0.0 and height >= 0.0 else math.nan


def _score(results: Iterable[Any], class_id: str) -> float | None:
    """Return the score for a person; None if it is not a person."""
    hypotheses = [result.hypothesis for result in results]
    scores = [float(h.score) for h in hypotheses if class_id in ('', h.class_id)]
    known = [score for score in scores if not math.isnan(score)]
    return max(known or scores, default=None if hypotheses else 1.0)


def box_from_region(roi: Any) -> PersonBox | None:
    """Return the square around a region; None for an empty region, which means the whole image."""
    if not roi.width or not roi.height:
        return None
    return PersonBox(
        center_x=roi.x_offset + roi.width / 2,
        center_y=roi.y_offset + roi.height / 2,
        size=float(max(roi.width, roi.height)),
    )


def usable_boxes(
    boxes: Sequence[PersonBox], image_size: tuple[int, int]
) -> tuple[list[PersonBox], str]:
    """Return the usable boxes, and the faults of the others.

    Args:
        boxes: Squares in pixels of the image, with any numbers.
        image_size: Width and height of the image, pixels.

    Returns:
        The finite boxes that reach into the image and are neither far larger than it nor
        smaller than a pixel, in their order; and a text, empty if all are.
    """
    good = [box for box in boxes if box.is_usable(*image_size)]
    if len(good) == len(boxes):
        return good, ''
    width, height = image_size
    return good, (
        'a box was skipped: expected finite numbers, a size from 1 pixel to '
        f'{MAX_BOX_SIZE:g} times the image, and some part of it ({width} x {height})'
    )
