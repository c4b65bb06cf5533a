"""What comes beside the images, matched to them by stamp: calibration, depth, boxes of people.

The node and the command line share it, so both choose the same for the same image.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pose_action_ros.inference.settings import PeopleSettings
from pose_action_ros.messages.camera import NO_CALIBRATION, Calibration

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.messages.depth import DepthImages
    from pose_action_ros.messages.stamp_matching import StampedItems

__all__ = ['BoxSource', 'MatchSettings', 'MatchedInputs']


@dataclass(frozen=True)
class MatchSettings:
    """What serves an image, of what comes beside it."""

    depth_max_age_s: float = field(
        default=0.05,
        metadata={
            'help': 'A depth image serves an image whose stamp differs by at most this, seconds.',
            'min': 0.0,
            'max': 10.0,
        },
    )
    sync_wait_s: float = field(
        default=0.04,
        metadata={
            'help': 'An image waits this long for depth and detections that belong to it, '
            'seconds.',
            'min': 0.0,
            'max': 1.0,
        },
    )
    people: PeopleSettings = field(default_factory=PeopleSettings)


class BoxSource(Protocol):
    """Somebody who says where people are.

    Attributes:
        problem: Why nobody was found, where that looks like a mistake; else empty.
    """

    problem: str

    @property
    def items(self) -> StampedItems[Any] | None:
        """Their messages, None where these have no stamps."""

    def put(self, stamp_ns: int, message: Any, arrival_ns: int) -> None:
        """Take in a message that came at a time."""

    def boxes_at(
        self, stamp_ns: int, image_size: tuple[int, int], settings: PeopleSettings
    ) -> Sequence[PersonBox] | None:
        """Return where people are in an image; None: anywhere."""


@dataclass
class MatchedInputs:
    """What comes beside the image; the callbacks write, who looks at images reads.

    Attributes:
        calibration: What the last CameraInfo said.
        depth: The last depth images; None where depth is not used.
        people: Says where people are; None: find one person.
    """

    calibration: Calibration = NO_CALIBRATION
    depth: DepthImages | None = None
    people: BoxSource | None = None

    def boxes_and_depth(
        self, stamp_ns: int, image_size: tuple[int, int], settings: MatchSettings
    ) -> tuple[Sequence[PersonBox] | None, NDArray[np.float32] | None]:
        """Return what belongs to an image.

        Args:
            stamp_ns: Stamp of the image.
            image_size: Its width and height, pixels.
            settings: How far stamps may differ, and which detections are people.

        Returns:
            Where people are, None for anywhere; (H, W) depth in metres, None where unknown.
        """
        boxes = depth_m = None
        if self.people is not None:
            boxes = self.people.boxes_at(stamp_ns, image_size, settings.people)
        if self.depth is not None:
            depth_m = self.depth.at(stamp_ns, image_size, settings.depth_max_age_s)
        return boxes, depth_m

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
        topics = (topic.items for topic in (self.depth, self.people) if topic is not None)
        return [items for items in topics if items is not None]
