"""Decodes JPEG, PNG and other image files in memory to their stored pixels.

Owns: the check that a file is complete. OpenCV fills the missing part of a truncated JPEG with
grey, without an error. Drivers of motion JPEG send their whole buffer, so padding of any length
and content follows the end marker. The check therefore follows the markers from the start.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from pose_action_ros.core.errors import ImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

__all__ = ['MAX_PIXELS', 'content_of', 'read_image_file']

MAX_PIXELS = 1 << 27
"""Larger pictures (134 megapixels) are refused before memory is allocated."""

_JPEG_START, _PNG_START = b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n'
_PNG_END = b'IEND\xaeB`\x82'
_JPEG_MARKER = re.compile(rb'\xff[^\x00\xff\xd0-\xd7]')  # none of these stands in coded pixels
_END_OF_IMAGE, _NO_CONTENT = 0xD9, (0x01, 0xD8)
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15
_ANY = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
_AS_STORED = _ANY | cv2.IMREAD_IGNORE_ORIENTATION


def content_of(data: Buffer) -> NDArray[np.uint8]:
    """Return bytes as an array over the same memory.

    Raises:
        ImageError: They are not contiguous bytes.
    """
    try:
        view = memoryview(data).cast('B')
    except TypeError as error:
        raise ImageError(
            f'image data must be contiguous bytes, as msg.data is; found {type(data).__name__}'
        ) from error
    return np.frombuffer(view, np.uint8)


def read_image_file(
    data: Buffer,
    format: str = '',  # noqa: A002
    *,
    upright: bool = False,
) -> NDArray[Any]:
    """Decode a file.

    Args:
        data: The file; padding behind a JPEG or PNG does no harm.
        format: `CompressedImage.format`, for messages.
        upright: Apply the EXIF orientation; otherwise the pixels stay as they are stored.

    Returns:
        (H, W) grey or (H, W, 3) in OpenCV's order (blue first), uint8 or uint16.

    Raises:
        ImageError: The file is empty, damaged, cut short or too large, or no image.
    """
    content = content_of(data)
    if not content.size:
        raise ImageError(f'an empty compressed image ({format!r}); expected a JPEG or PNG')
    _check(content)
    try:
        image = cv2.imdecode(content, _ANY if upright else _AS_STORED)
    except cv2.error as error:
        raise ImageError(f'OpenCV refuses the compressed image ({format!r}): {error}') from error
    if image is None:
        raise ImageError(
            f'{content.size} bytes ({format!r}) are damaged or not an image of OpenCV; '
            f'expected JPEG or PNG, found a file that begins with {content[:8].tobytes().hex(" ")}'
        )
    if image.dtype not in (np.uint8, np.uint16) or (image.ndim == 3 and image.shape[2] != 3):
        raise ImageError(
            f'found an image file ({format!r}) of shape {image.shape} and type {image.dtype}; '
            'expected one or three channels of 8 or 16 bits'
        )
    return np.asarray(image)


def _check(content: NDArray[np.uint8]) -> None:
    """Refuse a JPEG or PNG that is cut short or too large."""
    head = content[:24].tobytes()
    if head.startswith(_JPEG_START):
        name, (whole, size) = 'JPEG', _follow_jpeg(content.data)
    elif head.startswith(_PNG_START):
        size = (int.from_bytes(head[16:20], 'big'), int.from_bytes(head[20:24], 'big'))
        name, whole = 'PNG', _PNG_END in content.tobytes()
    else:
        return
    if not whole:
        raise ImageError(f'a {name} of {content.size} bytes that is cut short: no end marker')
    if size[0] * size[1] > MAX_PIXELS:
        raise ImageError(
            f'a {name} of {size[0]} x {size[1]}; expected {MAX_PIXELS} pixels at most'
        )


def _follow_jpeg(content: memoryview) -> tuple[bool, tuple[int, int]]:
    """Whether there is an end marker, and width and height (the largest, if there are several)."""
    at, width, height = 2, 0, 0
    while found := _JPEG_MARKER.search(content, at):
        marker, at = found[0][1], found.end()
        if marker == _END_OF_IMAGE:
            return True, (width, height)
        if marker in _NO_CONTENT:
            continue
        if marker in _SIZES:
            height = max(height, int.from_bytes(content[at + 3 : at + 5], 'big'))
            width = max(width, int.from_bytes(content[at + 5 : at + 7], 'big'))
        at += max(2, int.from_bytes(content[at : at + 2], 'big'))
    return False, (width, height)
