"""Depth images in the format of image_transport's `compressedDepth`.

Format: compressed_depth_image_transport, codec.cpp. Twelve bytes (a kind and two float32), then a
PNG of 16 bits. Depth of 16 bits is in millimetres. Depth in metres is stored as `a / depth + b`,
and the two numbers are a and b.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry.image import decode_depth
from pose_action_ros.geometry.image_file import content_of, read_image_file

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

__all__ = ['decode_compressed_depth']

_PNG = 'compressedDepth png'
_HEADER = np.dtype([('kind', '<i4'), ('a', '<f4'), ('b', '<f4')])


def decode_compressed_depth(data: Buffer, format: str) -> NDArray[np.float32]:  # noqa: A002
    """Turn the fields of a `sensor_msgs/CompressedImage` of depth into metres.

    Args:
        data: The message's bytes.
        format: `CompressedImage.format`: `16UC1; compressedDepth png` or `32FC1; ...`.

    Returns:
        (H, W) float32, z in metres; NaN if the sensor has no measurement.

    Raises:
        ImageError: The bytes are damaged, or no depth, or compressed otherwise than as PNG.
    """
    encoding, _, packing = (part.strip() for part in format.partition(';'))
    if encoding not in ('16UC1', '32FC1') or packing not in ('compressedDepth', _PNG):
        raise ImageError(
            f'{format!r} is not readable as depth; expected 16UC1 or 32FC1 with {_PNG!r}: '
            'set the publisher to png, or run `ros2 run image_transport republish` to raw'
        )
    content = content_of(data)
    if content.size <= _HEADER.itemsize:
        raise ImageError(f'found {content.size} bytes of compressed depth; it is cut short')
    pixels = read_image_file(content[_HEADER.itemsize :].data, format)
    if pixels.dtype != np.uint16 or pixels.ndim != 2:
        raise ImageError(
            f'found a picture of shape {pixels.shape} and type {pixels.dtype} as {format!r}; '
            'expected one channel of 16 bits'
        )
    if encoding == '32FC1':
        _, a, b = np.frombuffer(content[: _HEADER.itemsize].tobytes(), _HEADER)[0]
        with np.errstate(all='ignore'):
            pixels = np.where(pixels, a / (pixels.astype(np.float32) - b), np.nan).astype('<f4')
    height, width = pixels.shape
    step = pixels.itemsize * width
    return decode_depth(pixels.tobytes(), width=width, height=height, step=step, encoding=encoding)
