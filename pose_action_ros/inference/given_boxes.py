"""Boxes that others give: which of them can show a person of the image at hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_action_ros.core.predictions import PersonBox

__all__ = ['usable_boxes']

_MIN_SIZE_PX = 1.0
_MAX_SIZE = 4.0  # of a box, over the larger side of the image


def usable_boxes(
    boxes: Sequence[PersonBox], image_size: tuple[int, int]
) -> tuple[list[PersonBox], str]:
    """Return the boxes that can be looked at, and what is wrong with the others.

    Args:
        boxes: Squares in pixels of the image, with any numbers.
        image_size: Width and height of the image, pixels.

    Returns:
        The finite boxes that reach into the image and are neither far larger than it nor
        smaller than a pixel, in their order; and a text, empty where all are.
    """
    good = [box for box in boxes if _is_usable(box, *image_size)]
    if len(good) == len(boxes):
        return good, ''
    width, height = image_size
    return good, (
        'a box was skipped: expected finite numbers, a size from 1 pixel to '
        f'{_MAX_SIZE:g} times the image, and some part of it ({width} x {height})'
    )


def _is_usable(box: PersonBox, width: int, height: int) -> bool:
    if not all(map(math.isfinite, (box.center_x, box.center_y, box.size))):
        return False
    half = box.size / 2.0
    across = -half < box.center_x < width + half and -half < box.center_y < height + half
    return across and _MIN_SIZE_PX <= box.size <= _MAX_SIZE * max(width, height)
