"""Picture and video files: the names of files are given to OpenCV here alone.

Owns: `read_picture`, `write_picture`, `open_video`, and `name_of_film` for the film writer.
OpenCV crashes at a name that is not UTF-8, and takes the part of a name before a colon for a
protocol. At some damaged pictures it raises, and for others it returns nothing. It fills the
missing part of a picture with grey, and does not report a failed write.
Here each of these is an `ImageError`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import cv2
import numpy as np

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry.image import decode_compressed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ['name_of_film', 'open_video', 'read_picture', 'write_picture']


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture as (H, W, 3) uint8 RGB, upright: its EXIF orientation is applied.

    Raises:
        ImageError: There is no such file, or it is damaged, cut short or no picture.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f'there is no picture {path}') from error
    except OSError as error:
        raise ImageError(f'{path} cannot be read: {error.strerror}') from error
    try:
        return decode_compressed(data, path.suffix, upright=True)
    except ImageError as error:
        raise ImageError(f'{path} cannot be read: {error}') from error


def write_picture(path: Path, image_rgb: NDArray[np.uint8], options: Sequence[int] = ()) -> None:
    """Write a picture in the format of the name's ending.

    Args:
        path: The file.
        image_rgb: (H, W, 3) uint8.
        options: Pairs of OpenCV's `IMWRITE_...` and a value.

    Raises:
        ImageError: The ending is unknown, or the file cannot be written.
    """
    try:
        _, data = cv2.imencode(
            path.suffix, cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR), list(options)
        )
    except cv2.error as error:
        raise ImageError(
            f'cannot write {path}: OpenCV writes no {path.suffix or "file without an ending"}; '
            'use .png, .jpg or .webp'
        ) from error
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise ImageError(f'cannot write {path}: {error.strerror}') from error


def open_video(path: Path) -> cv2.VideoCapture:
    """Open a video; it may have no image that decodes.

    Raises:
        ImageError: There is no such file, it may not be read, or its name is not UTF-8.
    """
    if not path.is_file():
        raise ImageError(f'there is no video {path}')
    if not os.access(path, os.R_OK):
        raise ImageError(f'{path} cannot be read: permission denied')
    return cv2.VideoCapture(name_of_film(path))


def name_of_film(path: Path) -> str:
    """Return a name that OpenCV and PyAV take for a file: absolute, so a colon is no protocol.

    Raises:
        ImageError: It is not UTF-8.
    """
    name = str(path.absolute())
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise ImageError(f'the name of {path} is not UTF-8; rename the file or folder') from error
    return name
