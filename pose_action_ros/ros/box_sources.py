"""Where people are, when somebody else says so: a region of interest, or a detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor_msgs.msg import RegionOfInterest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.messages.detections import Detections, box_from_region, usable_boxes
from pose_action_ros.ros.message_types import find_vision_msgs

if TYPE_CHECKING:
    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.inference.settings import PeopleSettings

__all__ = ['DetectionSource', 'RegionSource', 'open_box_source']


class RegionSource:
    """One person, in the region that arrived last; a region has no stamp.

    Attributes:
        topic: Where it arrives.
        message_type: As what.
        items: None: nothing can be matched.
        problem: Why the region can't be looked at; else empty.
    """

    topic = 'roi'
    message_type: type = RegionOfInterest
    items = None

    def __init__(self) -> None:
        self.problem = ''
        self._box: PersonBox | None = None

    def put(self, stamp_ns: int, message: RegionOfInterest, arrival_ns: int) -> None:
        """Take in a message; an empty region means the whole image."""
        self._box = box_from_region(message)

    def boxes_at(
        self, stamp_ns: int, image_size: tuple[int, int], settings: PeopleSettings
    ) -> list[PersonBox] | None:
        """Return where to look in an image; None: anywhere."""
        box = self._box
        if box is None:
            return None
        good, self.problem = usable_boxes([box], image_size)
        return good


class DetectionSource(Detections):
    """Many people, in the boxes of a detector.

    Attributes:
        topic: Where detections arrive.
        message_type: As what.

    Raises:
        ConfigError: vision_msgs is not installed.
    """

    topic = 'people'

    def __init__(self) -> None:
        super().__init__()
        vision_msgs = find_vision_msgs()
        if vision_msgs is None:
            raise ConfigError(
                'person_source is detections, but vision_msgs does not import; install it '
                '(ros-$ROS_DISTRO-vision-msgs), or set person_source to track or roi'
            )
        self.message_type: type = vision_msgs.Detection2DArray


def open_box_source(kind: str) -> RegionSource | DetectionSource | None:
    """Return the source of a `person_source`; None where people are found and followed.

    Raises:
        ConfigError: vision_msgs is needed and not installed.
    """
    if kind == 'roi':
        return RegionSource()
    return DetectionSource() if kind == 'detections' else None
