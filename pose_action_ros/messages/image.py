"""Images: `sensor_msgs/Image` and `CompressedImage` to RGB arrays, and back."""

from __future__ import annotations

import array
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry import decode_compressed, decode_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.messages.maker import MessageMaker

__all__ = ['image_to_msg', 'is_compressed', 'pixel_fields', 'rgb_from_msg']


def is_compressed(msg: Any) -> bool:
    """Tell a CompressedImage from an Image.

    Raises:
        ImageError: The message is neither.
    """
    if hasattr(msg, 'encoding'):
        return False
    if hasattr(msg, 'format'):
        return True
    raise ImageError(f'a {type(msg).__name__} is not an image; expected Image or CompressedImage')


def rgb_from_msg(msg: Any, *, infrared: bool = False) -> NDArray[np.uint8]:
    """Decode a colour or grey image to (H, W, 3) uint8 RGB.

    Args:
        msg: An Image or a CompressedImage.
        infrared: The image is infrared, as `decode_image` has it.

    Raises:
        ImageError: The message is damaged, empty, or no colour image.
    """
    if is_compressed(msg):
        return decode_compressed(msg.data, msg.format, infrared=infrared)
    return decode_image(msg.data, **pixel_fields(msg), infrared=infrared)


def pixel_fields(msg: Any) -> dict[str, Any]:
    """Return the layout of an Image, as the decoders of `geometry` expect it."""
    return {
        'width': msg.width,
        'height': msg.height,
        'step': msg.step,
        'encoding': msg.encoding,
        'is_bigendian': bool(msg.is_bigendian),
    }


def image_to_msg(make: MessageMaker, image: NDArray[np.uint8], header: Any, encoding: str) -> Any:
    """Return the Image of an array; one copy.

    Args:
        make: Makes the message.
        image: (H, W, 3) uint8, in the channel order of `encoding`.
        header: Stamp and frame of the message.
        encoding: `rgb8` or `bgr8`.
    """
    height, width = image.shape[:2]
    data = array.array('B')
    data.frombytes(np.ascontiguousarray(image).data)
    return make(
        'sensor_msgs/Image',
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        step=3 * width,
        data=data,
    )
