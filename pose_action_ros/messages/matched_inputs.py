"""Calibration, depth and boxes of people, matched to the images by stamp.

The node and the command line share this code, so both match alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pose_action_ros.inference.settings import DetectionSettings
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
    """Rules for matching depth images and detections to an image."""

    depth_max_age_s: float = field(
        default=0.05,
        metadata={
            'help': 'Largest difference between the stamps of an image and its depth image, '
            'seconds.',
            'min': 0.0,
            'max': 10.0,
        },
    )
    sync_wait_s: float = field(
        default=0.04,
        metadata={
            'help': 'How long an image waits for its depth image and its detections, seconds.',
            'min': 0.0,
            'max': 1.0,
        },
    )
    detections: DetectionSettings = field(default_factory=DetectionSettings)


class BoxSource(Protocol):
    """A source of boxes of people.

    Attributes:
        problem: Reason why nobody was found, if it looks like a mistake; otherwise empty.
    """

    problem: str

    @property
    def items(self) -> StampedItems[Any] | None:
        """Return the messages, or None if they have no stamps."""

    def put(self, stamp_ns: int, message: Any, arrival_ns: int) -> None:
        """Store a message and the time of its arrival."""

    def boxes_at(
        self, stamp_ns: int, image_size: tuple[int, int], settings: DetectionSettings
    ) -> Sequence[PersonBox] | None:
        """Return the boxes of people in an image; None: search everywhere."""


@dataclass
class MatchedInputs:
    """The inputs beside the image. Callbacks write them, and the worker reads them.

    Attributes:
        calibration: The last CameraInfo.
        depth: The last depth images; None if depth is not used.
        boxes: Source of boxes; None: find one person.
    """

    calibration: Calibration = NO_CALIBRATION
    depth: DepthImages | None = None
    boxes: BoxSource | None = None

    def boxes_and_depth(
        self, stamp_ns: int, image_size: tuple[int, int], settings: MatchSettings
    ) -> tuple[Sequence[PersonBox] | None, NDArray[np.float32] | None]:
        """Return the boxes and the depth of an image.

        Args:
            stamp_ns: Stamp of the image.
            image_size: Its width and height, pixels.
            settings: Largest differences of stamps, and the selection of people.

        Returns:
            Boxes of people, None to search everywhere; (H, W) depth in metres, None if unknown.
        """
        boxes = depth_m = None
        if self.boxes is not None:
            boxes = self.boxes.boxes_at(stamp_ns, image_size, settings.detections)
        if self.depth is not None:
            depth_m = self.depth.at(stamp_ns, image_size, settings.depth_max_age_s)
        return boxes, depth_m

    def note_image(self, stamp_ns: int, arrival_ns: int) -> None:
        """Note the arrival of an image."""
        for items in self._matched():
            items.note_image(stamp_ns, arrival_ns)

    def awaited(self, stamp_ns: int, wait_s: float) -> bool:
        """Return whether an input of this image may still arrive in time."""
        return any(items.awaited(stamp_ns, wait_s) for items in self._matched())

    def problems(self) -> dict[str, str]:
        """Return the fault of each input, by its topic; empty if there is none."""
        return {
            'depth': self.depth.problem if self.depth else '',
            'boxes': self.boxes.problem if self.boxes else '',
        }

    def _matched(self) -> list[StampedItems[Any]]:
        topics = (topic.items for topic in (self.depth, self.boxes) if topic is not None)
        return [items for items in topics if items is not None]
