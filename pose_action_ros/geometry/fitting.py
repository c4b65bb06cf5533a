"""A whole image on a canvas of another size: scaled to fit and centred on black."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from pose_action_ros.core.predictions import PersonBox

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ['FittedImage', 'fit_image']


@dataclass(frozen=True, eq=False)
class FittedImage:
    """An image on a canvas.

    Attributes:
        pixels: (H, W, 3) uint8, the canvas.
        scale: Canvas pixels per image pixel, along x and y; nearly the same.
        corner_px: x, y of the image's top left corner on the canvas.
    """

    pixels: NDArray[np.uint8]
    scale: tuple[float, float]
    corner_px: tuple[int, int]

    def box_in_image(self, center_x: float, center_y: float, size: float) -> PersonBox:
        """Return a square of the canvas as one of the image, both in edge coordinates."""
        (sx, sy), (left, top) = self.scale, self.corner_px
        return PersonBox((center_x - left) / sx, (center_y - top) / sy, size / (sx * sy) ** 0.5)


def fit_image(image: NDArray[np.uint8], width: int, height: int) -> FittedImage:
    """Fit an image onto a canvas.

    Args:
        image: (H, W, 3) uint8.
        width: Of the canvas.
        height: Of the canvas.
    """
    rows, columns = image.shape[:2]
    scale = min(width / columns, height / rows)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[top : top + size[1], left : left + size[0]] = cv2.resize(
        image, size, interpolation=method
    )
    return FittedImage(canvas, (size[0] / columns, size[1] / rows), (left, top))
