"""The topic with boxes of people: a region of interest, or detections."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sensor_msgs.msg import RegionOfInterest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.messages.detections import Detections, Region
from pose_action_ros.ros.message_types import find_vision_msgs

if TYPE_CHECKING:
    from pose_action_ros.messages.matched_inputs import BoxSource

__all__ = ['BoxTopic', 'open_box_topic']


class BoxTopic(NamedTuple):
    """A topic, the type of its messages, and their reader."""

    name: str
    message_type: type
    source: BoxSource


def open_box_topic(person_source: str) -> BoxTopic | None:
    """Return the topic of a `person_source`; None if the node finds people itself.

    Raises:
        ConfigError: vision_msgs is needed and not installed.
    """
    if person_source == 'roi':
        return BoxTopic('roi', RegionOfInterest, Region())
    if person_source != 'detections':
        return None
    vision_msgs = find_vision_msgs()
    if vision_msgs is None:
        raise ConfigError(
            'person_source is detections, but vision_msgs does not import; install it '
            '(ros-$ROS_DISTRO-vision-msgs), or set person_source to find, track or roi'
        )
    return BoxTopic('detections', vision_msgs.Detection2DArray, Detections())
