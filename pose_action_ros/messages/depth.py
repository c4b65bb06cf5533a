"""Depth images: `sensor_msgs/Image` or `compressedDepth` to metres, matched to images by stamp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry import decode_compressed_depth, decode_depth
from pose_action_ros.messages.image import is_compressed, pixel_fields
from pose_action_ros.messages.stamp_matching import StampedItems

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ['DepthImages', 'depth_from_msg']

_KEEP_S = 0.5
"""Largest age of an image when it is processed; at 90 Hz that is 45 depth images."""

_FARTHEST_M = 300.0
"""The range of every depth camera; larger numbers are millimetres labelled as metres."""

_SAMPLED = 4  # distance of the rows and columns from which the range is measured


def depth_from_msg(msg: Any) -> NDArray[np.float32]:
    """Decode a depth image to (H, W) metres, NaN if invalid.

    Args:
        msg: An Image (16UC1 mm or 32FC1 m), or a CompressedImage of `compressedDepth`.

    Raises:
        ImageError: The message is damaged, empty, or no depth image.
    """
    if is_compressed(msg):
        return decode_compressed_depth(msg.data, msg.format)
    return decode_depth(msg.data, **pixel_fields(msg))


class DepthImages:
    """Depth images of a topic.

    Args:
        length: Smallest number of stored images.

    Attributes:
        items: The messages, not decoded.
        problem: The reason if the last requested image had no depth; otherwise empty.
    """

    def __init__(self, length: int = 8) -> None:
        self.problem = ''
        self.items: StampedItems[Any] = StampedItems(length, _KEEP_S)

    def at(
        self, stamp_ns: int, image_size: tuple[int, int], max_age_s: float
    ) -> NDArray[np.float32] | None:
        """Return the depth of an image.

        Args:
            stamp_ns: Stamp of the image.
            image_size: Its width and height; depth of another size is not registered to it.
            max_age_s: Largest difference of the stamps.

        Returns:
            (H, W) metres, NaN invalid; None if there is none that can be used.
        """
        message = self.items.nearest(stamp_ns, max_age_s)
        if message is None:
            self.problem = (
                f'no depth image within {max_age_s:g} s of the image; '
                f'{self.items.missed_by(stamp_ns)}'
            )
            return None
        try:
            depth_m = depth_from_msg(message)
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
        self.problem = _implausible(depth_m)
        return None if self.problem else depth_m


def _implausible(depth_m: NDArray[np.float32]) -> str:
    """Return why no pixel can serve; empty if some can."""
    sample = depth_m[::_SAMPLED, ::_SAMPLED]
    known = sample[np.isfinite(sample)]
    if not known.size and not np.isfinite(depth_m).any():
        return 'depth image skipped: it has no measurement; is the depth camera covered?'
    if known.size and float(np.median(known)) > _FARTHEST_M:
        return (
            f'depth image skipped: half of it is farther than {np.median(known):.0f} m; are these '
            'millimetres? 32FC1 is in metres, 16UC1 in millimetres'
        )
    return ''
