"""Turns any image of ROS into RGB bytes or depth in metres, without cv_bridge.

Owns: the encodings of `sensor_msgs/image_encodings.hpp` and their meanings. The results are those
of cv_bridge. Encodings that cv_bridge refuses are decoded if their meaning is clear (`8UC3` is bgr
in most drivers). The one exception are dark images of 16 bits: cameras use 10 or 12 of them, which
cv_bridge shows as black. Bytes are touched once: `rgb8` is a view, everything else is one
conversion.

Trap: ROS names a Bayer pattern by its first row and then the second, `bayer_rggb8`; OpenCV's
COLOR_Bayer* names the *second* row's second and third pixel, so that ROS rggb is OpenCV BG.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry.image_file import content_of, read_image_file

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

__all__ = [
    'COLOR_ENCODINGS',
    'DEPTH_ENCODINGS',
    'INFRARED_ENCODINGS',
    'bytes_per_pixel',
    'decode_compressed',
    'decode_depth',
    'decode_image',
]

_MILLIMETRE = np.float32(1e-3)
_SATURATED = 65535  # means "no value" for many cameras; as a distance it would be 65.5 m
_TO_8_BIT = 255.0 / 65535.0  # as cv_bridge scales, not a shift by 8
_DARK = 4096  # of 65535: whose brightest pixels stay below uses 12 bits or fewer
_WHITE_PERCENT = 99.5  # of the pixels are at most as bright as the new white
_FINEST_WHITE = 255.0  # fewer than 8 bits are not stretched further: only noise would show
_SAMPLED = 4  # distance of the rows and columns from which brightness is measured
_COLOUR = re.compile(r'(rgb|bgr)a?(8|16)')  # image_transport's isColor, without YUV


class _Encoding(NamedTuple):
    """The memory layout of an encoding, and OpenCV's code for its conversion to RGB."""

    channels: int
    bits: int
    code: int | None  # None: is RGB already
    even_width: bool = False
    even_height: bool = False
    rows: float = 1.0  # rows of bytes per row of pixels


def _each_depth(name: str, channels: int, code: int | None) -> dict[str, _Encoding]:
    return {f'{name}{bits}': _Encoding(channels, bits, code) for bits in (8, 16)}


_ENCODINGS: dict[str, _Encoding] = {
    **_each_depth('rgb', 3, None),
    **_each_depth('bgr', 3, cv2.COLOR_BGR2RGB),
    **_each_depth('rgba', 4, cv2.COLOR_RGBA2RGB),
    **_each_depth('bgra', 4, cv2.COLOR_BGRA2RGB),
    **_each_depth('mono', 1, cv2.COLOR_GRAY2RGB),
    **_each_depth('bayer_rggb', 1, cv2.COLOR_BayerBG2RGB),
    **_each_depth('bayer_bggr', 1, cv2.COLOR_BayerRG2RGB),
    **_each_depth('bayer_gbrg', 1, cv2.COLOR_BayerGR2RGB),
    **_each_depth('bayer_grbg', 1, cv2.COLOR_BayerGB2RGB),
    '8UC1': _Encoding(1, 8, cv2.COLOR_GRAY2RGB),
    '8UC3': _Encoding(3, 8, cv2.COLOR_BGR2RGB),
    '8UC4': _Encoding(4, 8, cv2.COLOR_BGRA2RGB),
    'uyvy': _Encoding(2, 8, cv2.COLOR_YUV2RGB_UYVY, even_width=True),
    'yuv422': _Encoding(2, 8, cv2.COLOR_YUV2RGB_UYVY, even_width=True),
    'yuyv': _Encoding(2, 8, cv2.COLOR_YUV2RGB_YUY2, even_width=True),
    'yuv422_yuy2': _Encoding(2, 8, cv2.COLOR_YUV2RGB_YUY2, even_width=True),
    'nv12': _Encoding(1, 8, cv2.COLOR_YUV2RGB_NV12, True, True, rows=1.5),
    'nv21': _Encoding(1, 8, cv2.COLOR_YUV2RGB_NV21, True, True, rows=1.5),
    'nv24': _Encoding(1, 8, cv2.COLOR_YUV2RGB_YUY2, rows=3.0),
}

COLOR_ENCODINGS = tuple(_ENCODINGS)
"""Encodings that `decode_image` takes."""

DEPTH_ENCODINGS = ('16UC1', 'mono16', '32FC1')
"""Encodings that `decode_depth` takes."""

INFRARED_ENCODINGS = ('16UC1',)
"""Encodings that `decode_image` also accepts for infrared images."""


def bytes_per_pixel(encoding: str) -> int | None:
    """Return the bytes that one pixel takes in a row; None for an encoding without colour."""
    layout = _ENCODINGS.get(encoding)
    return None if layout is None else layout.channels * layout.bits // 8


def decode_image(
    data: Buffer,
    *,
    width: int,
    height: int,
    step: int,
    encoding: str,
    is_bigendian: bool = False,
    infrared: bool = False,
) -> NDArray[np.uint8]:
    """Turn the fields of a `sensor_msgs/Image` into RGB.

    Args:
        data: The bytes: anything with the buffer interface, as `msg.data` is.
        width: Columns in pixels.
        height: Rows in pixels.
        step: Bytes from one row to the next, padding included.
        encoding: One of `COLOR_ENCODINGS`. `8UC1`, `8UC3` and `8UC4` are taken as mono8, bgr8
            and bgra8. 16 bits become 8 by scaling with 255 / 65535; images that use 12 bits or
            fewer are stretched to their own brightest pixels.
        is_bigendian: Order of the bytes of 16-bit values.
        infrared: The image is infrared: `16UC1` is taken as mono16, and 16 bits are always
            stretched.

    Returns:
        (height, width, 3) uint8 RGB. For `rgb8` a view of `data` (read-only where `data` is),
        otherwise a new array.

    Raises:
        ImageError: The encoding is unknown or has no colour, or the sizes contradict each other.
    """
    if infrared and encoding in INFRARED_ENCODINGS:
        encoding = 'mono16'
    layout = _ENCODINGS.get(encoding)
    if layout is None:
        raise ImageError(_unknown_encoding(encoding))
    for even, name, value in (
        (layout.even_width, 'width', width),
        (layout.even_height, 'height', height),
    ):
        if even and value % 2:
            raise ImageError(f'{encoding} stores colour per two pixels, so {name} {value} is odd')
    rows = int(height * layout.rows)
    pixels = _view(data, width, rows, step, layout.channels, _unsigned(layout.bits, is_bigendian))
    if encoding == 'nv24':
        pixels = _nv24_as_yuy2(data, width, height, step)
    if layout.bits == 16:
        pixels = _native(pixels)
    if layout.code is None:
        return _to_8_bit(pixels, infrared)
    if 'bayer' in encoding:
        return _from_bayer(pixels, encoding, infrared)
    rgb = np.asarray(cv2.cvtColor(_to_8_bit(pixels, infrared), layout.code), np.uint8)
    return np.ascontiguousarray(rgb[:, ::2]) if encoding == 'nv24' else rgb


def decode_compressed(
    data: Buffer,
    format: str = '',  # noqa: A002
    *,
    infrared: bool = False,
    upright: bool = False,
) -> NDArray[np.uint8]:
    """Turn the fields of a `sensor_msgs/CompressedImage` into RGB.

    Args:
        data: A JPEG, PNG or other file that OpenCV reads, as bytes.
        format: `CompressedImage.format`, read as image_transport reads it: `ENCODING; jpeg
            compressed bgr8`. A colour encoding without `compressed bgr` says that the file holds
            red and blue the wrong way round; a Bayer encoding, that it holds the raw pattern.
            Anything else (`jpeg`) is a file like any other.
        infrared: As `decode_image`.
        upright: Apply the EXIF orientation. Not for messages: `camera_info` does not know it.

    Returns:
        (H, W, 3) uint8 RGB, a new array.

    Raises:
        ImageError: The bytes are empty, damaged or cut short, or are depth.
    """
    encoding, separator, file_type = (part.strip() for part in format.partition(';'))
    if 'compressedDepth' in format:
        raise ImageError(f'{format!r} is depth, not colour; give it to the depth topic')
    if encoding in ('16UC1', '32FC1') and not (infrared and encoding in INFRARED_ENCODINGS):
        raise ImageError(_unknown_encoding(encoding))
    pixels = read_image_file(data, format, upright=upright)
    if pixels.ndim == 2:
        if encoding.startswith('bayer_') and encoding in _ENCODINGS:
            return _from_bayer(pixels, encoding, infrared)
        return np.asarray(cv2.cvtColor(_to_8_bit(pixels, infrared), cv2.COLOR_GRAY2RGB), np.uint8)
    image = _to_8_bit(pixels, infrared)
    if separator and _COLOUR.fullmatch(encoding) and 'compressed bgr' not in file_type:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image), np.uint8)


def decode_depth(
    data: Buffer,
    *,
    width: int,
    height: int,
    step: int,
    encoding: str,
    is_bigendian: bool = False,
) -> NDArray[np.float32]:
    """Turn the fields of a depth `sensor_msgs/Image` (REP 118) into metres.

    Args:
        data: The bytes: anything with the buffer interface.
        width: Columns in pixels.
        height: Rows in pixels.
        step: Bytes from one row to the next.
        encoding: `16UC1` or `mono16` in millimetres, `32FC1` in metres.
        is_bigendian: Order of the bytes of each value.

    Returns:
        (height, width) float32, z in metres; NaN if the sensor has no measurement (0,
        negative, infinite or NaN; 65535 in millimetres).

    Raises:
        ImageError: The encoding is no depth, or the sizes contradict each other.
    """
    if encoding not in DEPTH_ENCODINGS:
        raise ImageError(
            f'{encoding!r} is not a depth encoding; expected one of {", ".join(DEPTH_ENCODINGS)}'
        )
    order = '>' if is_bigendian else '<'
    dtype = np.dtype(f'{order}f4' if encoding == '32FC1' else f'{order}u2')
    raw = _view(data, width, height, step, 1, dtype)
    depth = raw.astype(np.float32)
    if encoding != '32FC1':
        depth *= _MILLIMETRE
        depth[raw == _SATURATED] = np.nan
    depth[~((depth > 0.0) & np.isfinite(depth))] = np.nan
    return depth


def _unsigned(bits: int, is_bigendian: bool) -> np.dtype[Any]:
    return np.dtype(np.uint8 if bits == 8 else ('>u2' if is_bigendian else '<u2'))


def _view(
    data: Buffer, width: int, height: int, step: int, channels: int, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Rows of pixels over the buffer, without a copy: (H, W) or (H, W, channels)."""
    if width < 1 or height < 1:
        raise ImageError(f'found an image of {width} x {height} pixels; expected at least 1 x 1')
    row_bytes = width * channels * dtype.itemsize
    if step < row_bytes:
        raise ImageError(
            f'step {step} is too small: {width} pixels of {channels} x {dtype.itemsize} bytes '
            f'need {row_bytes}; correct width, step or encoding in the driver'
        )
    content = content_of(data)
    if content.size not in (step * height, step * (height - 1) + row_bytes):
        raise ImageError(
            f'found {content.size} bytes; {height} rows of step {step} need {step * height}: '
            'correct height, step or encoding in the driver'
        )
    pixel = channels * dtype.itemsize
    if channels == 1:
        return np.ndarray((height, width), dtype, content.data, 0, (step, pixel))
    strides = (step, pixel, dtype.itemsize)
    return np.ndarray((height, width, channels), dtype, content.data, 0, strides)


def _native(pixels: NDArray[Any]) -> NDArray[Any]:
    """Host byte order and alignment, as OpenCV needs them; without a copy if possible."""
    if pixels.dtype.isnative and pixels.flags.aligned:
        return pixels
    return pixels.astype(pixels.dtype.newbyteorder('='))


def _from_bayer(pixels: NDArray[Any], encoding: str, infrared: bool) -> NDArray[np.uint8]:
    """Interpolate at full depth, then scale: cv_bridge's order."""
    if min(pixels.shape) < 3:
        height, width = pixels.shape
        raise ImageError(f'{encoding} needs 3 x 3 pixels or more; found {width} x {height}')
    code = _ENCODINGS[encoding].code
    return _to_8_bit(np.asarray(cv2.cvtColor(pixels, code or 0)), infrared)


def _to_8_bit(pixels: NDArray[Any], infrared: bool) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, np.uint8)
    scale = _TO_8_BIT
    white = float(np.percentile(pixels[::_SAMPLED, ::_SAMPLED], _WHITE_PERCENT))
    if infrared or white < _DARK:
        scale = 255.0 / max(white, _FINEST_WHITE)
    return np.asarray(cv2.convertScaleAbs(pixels, alpha=scale), np.uint8)


def _nv24_as_yuy2(data: Buffer, width: int, height: int, step: int) -> NDArray[np.uint8]:
    """Repeat each pixel, Y U Y V, because OpenCV has no NV24 conversion: (H, 2 W, 2)."""
    content = content_of(data)
    if content.size != 3 * height * step:
        raise ImageError(f'found {content.size} bytes; nv24 needs {3 * height * step}')
    content = content.reshape(3, height, step)
    luma = content[0, :, :width]
    # The chroma plane has rows of 2 * step bytes: U, V for every pixel.
    chroma = content[1:].reshape(height, 2 * step)[:, : 2 * width].reshape(height, width, 2)
    packed = np.stack([luma, chroma[..., 0], luma, chroma[..., 1]], axis=-1)
    return packed.reshape(height, 2 * width, 2)


def _unknown_encoding(encoding: str) -> str:
    if encoding in ('16UC1', '32FC1'):
        return (
            f'{encoding} is depth or unscaled data, not a colour image; give it to the depth '
            'topic, or, if 16UC1 is infrared, set image_infrared (pose-action bag: --infrared)'
        )
    return (
        f'{encoding!r} is not an image encoding that can be shown as colour; expected one of '
        f'{", ".join(COLOR_ENCODINGS)}'
    )
