"""Where people are, when somebody else says so: a region of interest, or a detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensor_msgs.msg import RegionOfInterest

from pose_action_ros.ros.conversions import box_from_msg
from pose_action_ros.ros.vision import boxes_from_detections, require_vision_msgs
from pose_action_ros.ros.worker import StampedMessages

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.impl.rcutils_logger import RcutilsLogger

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.ros.settings import PeopleSettings

__all__ = ['DetectionSource', 'RegionSource', 'open_person_source']


class RegionSource:
    """One person, in the region that arrived last; a region has no stamp.

    Attributes:
        topic: Where it arrives.
        message_type: As what.
    """

    topic = 'roi'
    message_type: type = RegionOfInterest

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
        logger: Told when nothing that is detected counts as a person.

    Attributes:
        topic: Where detections arrive.
        message_type: As what.

    Raises:
        ConfigError: vision_msgs is not installed.
    """

    topic = 'people'

    def __init__(self, settings: Callable[[], PeopleSettings], logger: RcutilsLogger) -> None:
        self.message_type: type = require_vision_msgs().Detection2DArray
        self._settings = settings
        self._logger = logger
        self._messages: StampedMessages[Any] = StampedMessages()

    def put(self, msg: Any) -> None:
        """Take in a message."""
        self._messages.put(msg)

    def boxes_at(self, stamp_ns: int) -> list[PersonBox]:
        """Return where people are in the image of a stamp: nowhere without detections."""
        settings = self._settings()
        detections = self._messages.nearest(stamp_ns, round(settings.max_age_s * 1e9))
        if detections is None:
            return []
        boxes = boxes_from_detections(detections, settings.class_id, settings.min_score)
        ids = {r.hypothesis.class_id for d in detections.detections for r in d.results}
        if ids and settings.class_id not in ('', *ids):
            self._logger.warning(
                f'no detection is a {settings.class_id!r} (people.class_id); found '
                f'{", ".join(sorted(map(repr, ids)))}',
                throttle_duration_sec=10.0,
            )
        return boxes


def open_person_source(
    kind: str, settings: Callable[[], PeopleSettings], logger: RcutilsLogger
) -> RegionSource | DetectionSource | None:
    """Return the source of a `person_source`; None where people are found and followed.

    Raises:
        ConfigError: vision_msgs is needed and not installed.
    """
    if kind == 'roi':
        return RegionSource()
    return DetectionSource(settings, logger) if kind == 'detections' else None
