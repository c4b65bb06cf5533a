"""Where people are, when somebody else says so: a region of interest, or a detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensor_msgs.msg import RegionOfInterest

from pose_action_ros.inference.side_inputs import Detections
from pose_action_ros.ros.conversions import box_from_msg, stamp_from_msg
from pose_action_ros.ros.vision import require_vision_msgs

if TYPE_CHECKING:
    from collections.abc import Callable

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.inference.settings import PeopleSettings

__all__ = ['DetectionSource', 'RegionSource', 'open_person_source']


class RegionSource:
    """One person, in the region that arrived last; a region has no stamp.

    Attributes:
        topic: Where it arrives.
        message_type: As what.
        problem: None that it knows of.
    """

    topic = 'roi'
    message_type: type = RegionOfInterest
    problem = ''

    def __init__(self) -> None:
        self._box: PersonBox | None = None

    def put(self, msg: RegionOfInterest) -> None:
        """Take in a message; an empty region means the whole image."""
        self._box = box_from_msg(msg)

    def boxes_at(self, stamp_ns: int) -> list[PersonBox] | None:
        """Return where to look in the image of a stamp; None: anywhere."""
        return None if self._box is None else [self._box]


class DetectionSource:
    """Many people, in the boxes of a detector.

    Args:
        settings: Called for the settings of the moment.

    Attributes:
        topic: Where detections arrive.
        message_type: As what.

    Raises:
        ConfigError: vision_msgs is not installed.
    """

    topic = 'people'

    def __init__(self, settings: Callable[[], PeopleSettings]) -> None:
        self.message_type: type = require_vision_msgs().Detection2DArray
        self._detections = Detections(settings)

    @property
    def problem(self) -> str:
        """Why nobody was found, where that looks like a mistake; else empty."""
        return self._detections.problem

    def put(self, msg: Any) -> None:
        """Take in a message."""
        self._detections.put(stamp_from_msg(msg.header.stamp), msg)

    def boxes_at(self, stamp_ns: int) -> list[PersonBox]:
        """Return where people are in the image of a stamp: nowhere without detections."""
        return self._detections.boxes_at(stamp_ns)


def open_person_source(
    kind: str, settings: Callable[[], PeopleSettings]
) -> RegionSource | DetectionSource | None:
    """Return the source of a `person_source`; None where people are found and followed.

    Raises:
        ConfigError: vision_msgs is needed and not installed.
    """
    if kind == 'roi':
        return RegionSource()
    return DetectionSource(settings) if kind == 'detections' else None
