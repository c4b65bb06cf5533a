"""What comes beside the image, matched to it by stamp: depth images, and boxes of a detector.

The messages are looked at as they are, by the names of their fields: those of rclpy and those
read from a recording alike, so that the node and the command line choose the same.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pose_action_ros.core.errors import ImageError
from pose_action_ros.core.predictions import PersonBox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    from numpy.typing import NDArray

    from pose_action_ros.inference.settings import PeopleSettings

__all__ = ['DEPTH_MAX_AGE_S', 'DepthImages', 'Detections', 'StampedItems', 'boxes_from_detections']

DEPTH_MAX_AGE_S = 0.05
"""How far the stamp of a depth image may be off that of its image, unless somebody says else."""

ItemT = TypeVar('ItemT')

_SECOND_NS = 1_000_000_000


class StampedItems(Generic[ItemT]):
    """The last items of a topic, looked up by stamp; may be written and read by two threads."""

    def __init__(self, length: int) -> None:
        self._items: deque[tuple[int, ItemT]] = deque(maxlen=length)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._items)

    def put(self, stamp_ns: int, item: ItemT) -> None:
        """Keep an item, in place of the oldest."""
        self._items.append((stamp_ns, item))

    def nearest(self, stamp_ns: int, max_age_ns: int) -> ItemT | None:
        """Return the item nearest in time, None where none is near enough."""
        near = min(tuple(self._items), key=lambda pair: abs(pair[0] - stamp_ns), default=None)
        if near is None or abs(near[0] - stamp_ns) > max_age_ns:
            return None
        return near[1]


class DepthImages:
    """Depth images of a topic.

    Args:
        decode: A message to (H, W) metres; raises ImageError.
        max_age_s: Called for how far stamps may differ, seconds.
        length: How many of the last images are kept.

    Attributes:
        problem: Why the last image asked for had no depth; empty where it had.
    """

    def __init__(
        self,
        decode: Callable[[Any], NDArray[np.float32]],
        max_age_s: Callable[[], float],
        length: int = 8,
    ) -> None:
        self.problem = ''
        self._decode = decode
        self._max_age_s = max_age_s
        self._items: StampedItems[Any] = StampedItems(length)

    def put(self, stamp_ns: int, message: Any) -> None:
        """Take in a message, undecoded."""
        self._items.put(stamp_ns, message)

    def at(self, stamp_ns: int, image_size: tuple[int, int]) -> NDArray[np.float32] | None:
        """Return the depth of an image.

        Args:
            stamp_ns: Stamp of the image.
            image_size: Its width and height; depth of another size is not registered to it.

        Returns:
            (H, W) metres, NaN invalid; None where there is none that can be used.
        """
        max_age_s = self._max_age_s()
        message = self._items.nearest(stamp_ns, round(max_age_s * _SECOND_NS))
        if message is None:
            self.problem = f'no depth image within {max_age_s:g} s of the image'
            return None
        try:
            depth_m = self._decode(message)
        except ImageError as error:
            self.problem = f'depth image left out: {error}'
            return None
        if depth_m.shape[::-1] != image_size:
            height, width = depth_m.shape
            self.problem = (
                f'depth image left out: it is {width} x {height}, the image '
                f'{image_size[0]} x {image_size[1]}; register it to the image'
            )
            return None
        self.problem = ''
        return depth_m


class Detections:
    """Boxes of a detector (`vision_msgs/Detection2DArray`).

    Args:
        settings: Called for the settings of the moment.
        length: How many of the last messages are kept.

    Attributes:
        problem: Why nobody was found, where that looks like a mistake; else empty.
    """

    def __init__(self, settings: Callable[[], PeopleSettings], length: int = 8) -> None:
        self.problem = ''
        self._settings = settings
        self._items: StampedItems[Any] = StampedItems(length)

    def put(self, stamp_ns: int, message: Any) -> None:
        """Take in a message."""
        self._items.put(stamp_ns, message)

    def boxes_at(self, stamp_ns: int) -> list[PersonBox]:
        """Return where people are in the image of a stamp: nowhere without detections."""
        settings = self._settings()
        message = self._items.nearest(stamp_ns, round(settings.max_age_s * _SECOND_NS))
        if message is None:
            missing = 'no detections have come yet, so nobody is seen'
            self.problem = '' if len(self._items) else missing
            return []
        ids = {r.hypothesis.class_id for d in message.detections for r in d.results}
        self.problem = ''
        if ids and settings.class_id not in ('', *ids):
            self.problem = (
                f'no detection is a {settings.class_id!r} (people.class_id); found '
                f'{", ".join(sorted(map(repr, ids)))}'
            )
        return boxes_from_detections(message, settings.class_id, settings.min_score)


def boxes_from_detections(detections: Any, class_id: str, min_score: float) -> list[PersonBox]:
    """Return the squares around the people of a Detection2DArray, the most certain first.

    Args:
        detections: The message; one without hypotheses is of a detector of people alone.
        class_id: The detector's name for people; empty: all are.
        min_score: Detections below are left out.
    """
    found: list[tuple[float, PersonBox]] = []
    for detection in detections.detections:
        score = _score(detection.results, class_id)
        box = detection.bbox
        size = float(max(box.size_x, box.size_y))
        if score is not None and score >= min_score and size > 0.0:
            center = box.center.position
            found.append((score, PersonBox(float(center.x), float(center.y), size)))
    found.sort(key=lambda pair: pair[0], reverse=True)
    return [box for _, box in found]


def _score(results: Iterable[Any], class_id: str) -> float | None:
    """The score of being a person; None where it is none."""
    hypotheses = [result.hypothesis for result in results]
    scores = [h.score for h in hypotheses if class_id in ('', h.class_id)]
    return max(scores, default=None if hypotheses else 1.0)
