"""What comes beside the image, matched to it by stamp: depth images, and boxes of a detector.

The messages are looked at as they are, by the names of their fields: those of rclpy and those
read from a recording alike, so that the node and the command line choose the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pose_action_ros.core.errors import ImageError
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.geometry import NO_CALIBRATION, Calibration
from pose_action_ros.inference.given_boxes import usable_boxes
from pose_action_ros.inference.matching import StampedItems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pose_action_ros.inference.settings import PeopleSettings

__all__ = [
    'DEPTH_MAX_AGE_S',
    'DepthImages',
    'Detections',
    'PeopleSource',
    'SideInputs',
    'boxes_from_detections',
]

DEPTH_MAX_AGE_S = 0.05
"""How far the stamp of a depth image may be off that of its image, unless somebody says else."""

_NEVER = 3  # messages in a row that serve no image: a detector may well see nobody for a while


class DepthImages:
    """Depth images of a topic.

    Args:
        decode: A message to (H, W) metres; raises ImageError.
        length: How many of the last images are kept.

    Attributes:
        items: The messages, undecoded.
        problem: Why the last image asked for had no depth; empty where it had.
    """

    def __init__(self, decode: Callable[[Any], NDArray[np.float32]], length: int = 8) -> None:
        self.problem = ''
        self.items: StampedItems[Any] = StampedItems(length)
        self._decode = decode

    def at(
        self, stamp_ns: int, image_size: tuple[int, int], max_age_s: float
    ) -> NDArray[np.float32] | None:
        """Return the depth of an image.

        Args:
            stamp_ns: Stamp of the image.
            image_size: Its width and height; depth of another size is not registered to it.
            max_age_s: How far the stamps may differ.

        Returns:
            (H, W) metres, NaN invalid; None where there is none that can be used.
        """
        message = self.items.nearest(stamp_ns, max_age_s)
        if message is None:
            self.problem = (
                f'no depth image within {max_age_s:g} s of the image; '
                f'{self.items.missed_by(stamp_ns)}'
            )
            return None
        try:
            depth_m = self._decode(message)
        except ImageError as error:
            self.problem = f'depth image skipped: {error}'
            return None
        if depth_m.shape[::-1] != image_size:
            height, width = depth_m.shape
            self.problem = (
                f'depth image skipped: it is {width} x {height}, the image '
                f'{image_size[0]} x {image_size[1]}; register it to the image'
            )
            return None
        self.problem = ''
        return depth_m


class PeopleSource(Protocol):
    """Somebody who says where people are.

    Attributes:
        items: Their messages, None where these have no stamps.
        problem: Why nobody was found, where that looks like a mistake; else empty.
    """

    items: StampedItems[Any] | None
    problem: str

    def put(self, stamp_ns: int, message: Any, arrival_ns: int) -> None:
        """Take in a message that came at a time."""

    def boxes_at(
        self, stamp_ns: int, image_size: tuple[int, int], settings: PeopleSettings
    ) -> Sequence[PersonBox] | None:
        """Return where people are in an image; None: anywhere."""


class Detections:
    """Boxes of a detector (`vision_msgs/Detection2DArray`).

    Args:
        length: How many of the last messages are kept.

    Attributes:
        items: The messages.
        problem: Why nobody was found, where that looks like a mistake; else empty.
    """

    items: StampedItems[Any] | None

    def __init__(self, length: int = 8) -> None:
        self.problem = ''
        self._items: StampedItems[Any] = StampedItems(length)
        self.items = self._items

    def put(self, stamp_ns: int, message: Any, arrival_ns: int) -> None:
        """Take in a message that came at a time."""
        self._items.put(stamp_ns, message, arrival_ns)

    def boxes_at(
        self, stamp_ns: int, image_size: tuple[int, int], settings: PeopleSettings
    ) -> list[PersonBox]:
        """Return where people are in an image: nowhere without detections.

        Args:
            stamp_ns: Stamp of the image.
            image_size: Its width and height, pixels.
            settings: Which detections are people, and how far stamps may differ.
        """
        message = self._items.nearest(stamp_ns, settings.max_age_s)
        if message is None:
            self.problem = self._why_none(stamp_ns, settings)
            return []
        ids = {r.hypothesis.class_id for d in message.detections for r in d.results}
        boxes = boxes_from_detections(message, settings.class_id, settings.min_score)
        good, self.problem = usable_boxes(boxes, image_size)
        if ids and settings.class_id not in ('', *ids):
            self.problem = (
                f'no detection is a {settings.class_id!r} (people.class_id); found '
                f'{", ".join(sorted(map(repr, ids)))}'
            )
        return good

    def _why_none(self, stamp_ns: int, settings: PeopleSettings) -> str:
        """A detector that is silent for a while sees nobody; messages that never serve do."""
        if not len(self._items):
            return 'no detections have come yet, so nobody is seen'
        if self._items.unserved < _NEVER:
            return ''
        return (
            f'no detections within {settings.max_age_s:g} s of the image, so nobody is seen; '
            f'{self._items.missed_by(stamp_ns)}'
        )


@dataclass
class SideInputs:
    """What comes beside the image; the callbacks write, who looks at images reads.

    Attributes:
        calibration: What the last CameraInfo said.
        depth: The last depth images; None where depth is not used.
        people: Says where people are; None: find one person.
    """

    calibration: Calibration = NO_CALIBRATION
    depth: DepthImages | None = None
    people: PeopleSource | None = None

    def note_image(self, stamp_ns: int, arrival_ns: int) -> None:
        """Note that an image has come."""
        for items in self._matched():
            items.note_image(stamp_ns, arrival_ns)

    def awaited(self, stamp_ns: int, wait_s: float) -> bool:
        """Tell whether something that belongs to an image may yet come in time."""
        return any(items.awaited(stamp_ns, wait_s) for items in self._matched())

    def problems(self) -> dict[str, str]:
        """Return what is wrong with an input, by its topic; empty where nothing is."""
        return {
            'depth': self.depth.problem if self.depth else '',
            'people': self.people.problem if self.people else '',
        }

    def _matched(self) -> list[StampedItems[Any]]:
        topics = (self.depth.items if self.depth else None, getattr(self.people, 'items', None))
        return [items for items in topics if items is not None]


def boxes_from_detections(detections: Any, class_id: str, min_score: float) -> list[PersonBox]:
    """Return the squares around the people of a Detection2DArray, the most certain first.

    Args:
        detections: The message; one without hypotheses is of a detector of people alone.
        class_id: The detector's name for people; empty: all are.
        min_score: Detections below are skipped.

    Returns:
        Boxes as they were given, whatever their numbers (`usable_boxes`); empty ones are none.
    """
    found: list[tuple[float, PersonBox]] = []
    for detection in detections.detections:
        score = _score(detection.results, class_id)
        box = detection.bbox
        if score is not None and score >= min_score and (box.size_x or box.size_y):
            center = box.center.position
            size = _side(float(box.size_x), float(box.size_y))
            found.append((score, PersonBox(float(center.x), float(center.y), size)))
    found.sort(key=lambda pair: pair[0], reverse=True)
    return [box for _, box in found]


def _side(width: float, height: float) -> float:
    """The larger side; NaN where either is no length."""
    return max(width, height) if width >= 0.0 and height >= 0.0 else math.nan


def _score(results: Iterable[Any], class_id: str) -> float | None:
    """The score of being a person; None where it is none."""
    hypotheses = [result.hypothesis for result in results]
    scores = [h.score for h in hypotheses if class_id in ('', h.class_id)]
    return max(scores, default=None if hypotheses else 1.0)
