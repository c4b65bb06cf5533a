"""Windows of people and `sensor_msgs/RegionOfInterest`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.predictions import PersonBox

if TYPE_CHECKING:
    from pose_action_ros.messages.maker import MessageMaker

__all__ = ['box_from_msg', 'box_to_msg']


def box_to_msg(make: MessageMaker, box: PersonBox, image_size: tuple[int, int]) -> Any:
    """Return the part of a box that lies inside an image, in whole pixels.

    Args:
        make: Makes the message.
        box: Square in source pixels.
        image_size: Width and height, pixels.
    """
    half = box.size / 2
    (left, right), (top, bottom) = (
        np.clip([center - half, center + half], 0, length).round().astype(int).tolist()
        for center, length in zip((box.center_x, box.center_y), image_size, strict=True)
    )
    return make(
        'sensor_msgs/RegionOfInterest',
        x_offset=left,
        y_offset=top,
        width=right - left,
        height=bottom - top,
    )


def box_from_msg(roi: Any) -> PersonBox | None:
    """Return the square around a region; None for an empty region, which means the whole image."""
    if not roi.width or not roi.height:
        return None
    return PersonBox(
        center_x=roi.x_offset + roi.width / 2,
        center_y=roi.y_offset + roi.height / 2,
        size=float(max(roi.width, roi.height)),
    )
