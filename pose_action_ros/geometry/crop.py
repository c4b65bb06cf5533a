"""From a person's box to the network's square crop and back: one affine map.

The image and the points follow the same 3 x 3 matrix; it is the authors' convention (branch
cvpr18, `deephar/utils/transform.py`): `x = (u - left) / size`, with no half pixel, while the
resampling is aligned as Pillow's is, edge of the window on edge of the crop. The page
docs/adr/0001-crop-resampling.md explains the consequences below a pixel and the choice of the
resampling.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from pose_action_ros.core.errors import ConfigError, ImageError
from pose_action_ros.core.predictions import PersonBox

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    'CROP_PX',
    'MIN_BOX_PX',
    'CropTransform',
    'box_around',
    'crop_transform',
    'extract_crop',
    'normalise',
    'whole_image_box',
]

CROP_PX = 256
"""Side of the network's input in pixels."""

MIN_BOX_PX = 32.0
"""Smallest window that `box_around` returns, as in the authors' Penn Action and NTU readers."""


@dataclass(frozen=True, eq=False)
class CropTransform:
    """The map from source pixels to crop coordinates.

    Attributes:
        matrix: (3, 3) float64 affine; source pixels in, crop coordinates out, where (0, 0) is
            the top left and (1, 1) the bottom right corner of the crop.
    """

    matrix: NDArray[np.float64]

    @cached_property
    def inverse(self) -> NDArray[np.float64]:
        """(3, 3) float64, crop coordinates to source pixels."""
        return np.asarray(np.linalg.inv(self.matrix), np.float64)

    @property
    def size_px(self) -> float:
        """Side of the window in source pixels (the geometric mean, should it be oblong)."""
        return float(abs(np.linalg.det(self.matrix[:2, :2])) ** -0.5)

    def to_crop(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map source pixels to crop coordinates.

        Args:
            points: (..., D), D >= 2: x, y in source pixels; further columns (z) pass unchanged.

        Returns:
            (..., D) float64, x and y from 0 to 1 inside the crop. NaN stays NaN.
        """
        return _apply(self.matrix, points)

    def to_image(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map crop coordinates to source pixels.

        Args:
            points: (..., D), D >= 2: x, y from 0 to 1; further columns (z) pass unchanged.

        Returns:
            (..., D) float64, x and y in source pixels. NaN stays NaN.
        """
        return _apply(self.inverse, points)


def crop_transform(box: PersonBox, *, angle_deg: float = 0.0, flip: bool = False) -> CropTransform:
    """Return the map of a box to the crop.

    Args:
        box: Window in source pixels; it may reach outside the image.
        angle_deg: Turns the picture counter-clockwise about the centre of the box.
        flip: Mirrors the crop left to right, after the rotation.

    Raises:
        ConfigError: The box is not finite or has no size.
    """
    if not (np.isfinite([box.center_x, box.center_y, box.size]).all() and box.size > 0.0):
        raise ConfigError(f'{box} cannot be cropped; expected finite numbers and a size > 0')
    cos, sin = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    linear = np.array([[cos, sin], [-sin, cos]]) / box.size
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = 0.5 - linear @ (box.center_x, box.center_y)
    if flip:
        matrix[0] = (0.0, 0.0, 1.0) - matrix[0]
    return CropTransform(matrix)


def extract_crop(
    image: NDArray[np.uint8], transform: CropTransform, crop_px: int = CROP_PX
) -> NDArray[np.uint8]:
    """Cut the window out of an image.

    If the window is larger than the crop, the image is low-pass filtered first (a triangle as wide
    as Pillow's), so that no detail turns into noise. Outside the image the crop is 0.

    Args:
        image: (H, W, 3) or (H, W) uint8.
        transform: From `crop_transform`.
        crop_px: Side of the crop.

    Returns:
        (crop_px, crop_px, 3) or (crop_px, crop_px) uint8, a new array.

    Raises:
        ImageError: The image has another shape or type, or no pixels.
    """
    if image.ndim not in (2, 3) or image.dtype != np.uint8 or image.size == 0:
        raise ImageError(
            f'found an image of shape {image.shape} and type {image.dtype}; expected (H, W, 3) or '
            '(H, W) uint8 with at least one pixel: decode it with geometry.decode_image first'
        )
    ratio = transform.size_px / crop_px
    shrink = max(1, int(ratio / 2.0))
    window = _source_window(transform, image.shape[:2], margin_px=int(2.0 * ratio) + 2)
    if window is None:
        return np.zeros((crop_px, crop_px, *image.shape[2:]), np.uint8)
    x0, y0, x1, y1 = window
    source = _shrunk(image[y0:y1, x0:x1], shrink)
    # Variance of the whole chain = that of a triangle of half-width `ratio` (Pillow's BILINEAR).
    remaining = np.sqrt(max(ratio**2 - (shrink**2 - 1) / 2.0, 0.0)) / shrink
    if remaining > 1.0:
        taps = _triangle(float(remaining))
        blurred = cv2.sepFilter2D(source, -1, taps, taps, borderType=cv2.BORDER_CONSTANT)
        source = np.asarray(blurred, np.uint8)
    warp = _pixel_warp(transform.matrix, crop_px, offset=(x0, y0), shrink=shrink)
    crop = cv2.warpAffine(
        source, warp, (crop_px, crop_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    return np.asarray(crop, np.uint8)


def normalise(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn RGB bytes into the network's input, `2 * (value / 255 - 0.5)`.

    Args:
        crop: (..., H, W, 3) uint8.

    Returns:
        (..., 3, H, W) float32 in [-1, 1], contiguous.
    """
    planes = np.moveaxis(crop, -1, -3)
    out = np.empty(planes.shape, np.float32)
    np.divide(planes, np.float32(255.0), out=out, dtype=np.float32)
    out -= np.float32(0.5)
    out *= np.float32(2.0)
    return out


def whole_image_box(width: int, height: int) -> PersonBox:
    """Return the smallest square that holds the whole image, centred on it; sizes in pixels."""
    return PersonBox(width / 2.0, height / 2.0, float(max(width, height)))


def box_around(
    joints_image_px: ArrayLike, valid: ArrayLike | None = None, enlarge: float = 1.5
) -> PersonBox | None:
    """Return the square box around joints.

    Args:
        joints_image_px: (..., D), D >= 2, source pixels; NaN joints are ignored.
        valid: (...) bool, the joints to count; all by default.
        enlarge: Side of the box over the larger side of the joints' own bounding box; 1.5 is the
            authors' value for NTU.

    Returns:
        The box, at least `MIN_BOX_PX` wide, or None if no joint is valid.
    """
    points = np.asarray(joints_image_px, np.float64)[..., :2].reshape(-1, 2)
    keep = np.isfinite(points).all(axis=1)
    if valid is not None:
        keep &= np.asarray(valid, bool).reshape(-1)
    if not keep.any():
        return None
    low, high = points[keep].min(axis=0), points[keep].max(axis=0)
    center = (low + high) / 2.0
    size = max(float((high - low).max()) * enlarge, MIN_BOX_PX)
    return PersonBox(float(center[0]), float(center[1]), size)


def _apply(matrix: NDArray[np.float64], points: ArrayLike) -> NDArray[np.float64]:
    out = np.array(points, np.float64)
    out[..., :2] = out[..., :2] @ matrix[:2, :2].T + matrix[:2, 2]
    return out


def _source_window(
    transform: CropTransform, shape: tuple[int, ...], margin_px: int
) -> tuple[int, int, int, int] | None:
    """x0, y0, x1, y1 of the part of the image that the crop can see; None if there is none."""
    corners = transform.to_image([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
    limit = np.array(shape[::-1], np.float64)
    low = np.clip(np.floor(corners.min(axis=0)) - margin_px, 0.0, limit).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + margin_px, 0.0, limit).astype(int)
    if (high <= low).any():
        return None
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _shrunk(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Average blocks of factor x factor pixels; the last ones are filled up with 0."""
    if factor == 1:
        return image
    bottom, right = -image.shape[0] % factor, -image.shape[1] % factor
    if bottom or right:
        padded = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=0)
        image = np.asarray(padded, np.uint8)
    size = (image.shape[1] // factor, image.shape[0] // factor)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _triangle(half_width: float) -> NDArray[np.float32]:
    """Taps that, followed by bilinear sampling, make a triangle of that half-width (>= 1).

    Exact for whole numbers, and between them a mixture with the right variance, half_width**2 / 6.
    """
    whole = int(half_width)
    share = (half_width**2 - whole**2) / (2 * whole + 1)
    offsets = np.abs(np.arange(-whole, whole + 1))
    narrow = np.maximum(whole - offsets, 0) / whole**2
    wide = (whole + 1 - offsets) / (whole + 1) ** 2
    return np.asarray((1.0 - share) * narrow + share * wide, np.float32)


def _pixel_warp(
    matrix: NDArray[np.float64], crop_px: int, *, offset: tuple[int, int], shrink: int
) -> NDArray[np.float64]:
    """(2, 3) map of OpenCV pixel indices (pixel centres) of the shrunk window to the crop's."""
    linear = matrix[:2, :2] * crop_px
    edge = linear @ np.asarray(offset, np.float64) + matrix[:2, 2] * crop_px
    # Index i of the shrunk window has its centre at edge coordinate (i + 0.5) * shrink.
    translation = edge + linear @ np.full(2, 0.5 * shrink) - 0.5
    return np.column_stack([linear * shrink, translation])
