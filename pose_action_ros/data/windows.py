"""The tidy window of each data set, as the authors' release cuts it (branch cvpr18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.geometry.crop import box_around, whole_image_box

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

__all__ = ['corner_box', 'h36m_window', 'joints_window', 'mpii_window', 'union_box']

_MPII_HEIGHT_PX = 200.0  # `scale` is the person's height over this
_MPII_ENLARGE = 1.25
_MPII_DOWN_PX = 12.0
_H36M_SIDE_M = 2.25
_MM_PER_M = 1000.0
_JOINTS_ENLARGE = 1.5


def mpii_window(position_px: ArrayLike, scale: float) -> PersonBox:
    """Return the window of an MPII person.

    Args:
        position_px: (2,) the annotation's `objpos`.
        scale: The annotation's `scale`.
    """
    x, y = np.asarray(position_px, np.float64)
    enlarged = _MPII_ENLARGE * scale
    return PersonBox(float(x), float(y + _MPII_DOWN_PX * enlarged), _MPII_HEIGHT_PX * enlarged)


def h36m_window(
    root_px: ArrayLike, root_depth_m: float, focal_px: ArrayLike, image_size: tuple[int, int]
) -> PersonBox:
    """Return the window of a Human3.6M person from the true root of the first frame.

    The release multiplies the focal length by the side of the image in pixels and divides by the
    depth in millimetres: with images of 1000 pixels that is 2.25 m.

    Args:
        root_px: (2,) image of the root.
        root_depth_m: Its depth.
        focal_px: (2,) focal lengths.
        image_size: Width and height in pixels.
    """
    x, y = np.asarray(root_px, np.float64)
    sides = np.asarray(image_size) * np.asarray(focal_px) / (_MM_PER_M * root_depth_m)
    return PersonBox(float(x), float(y + 1.0), float(_H36M_SIDE_M * sides.max()))


def joints_window(joints_image_px: NDArray[np.float64], image_size: tuple[int, int]) -> PersonBox:
    """Return the window of a clip: around the joints of its first, middle and last frame.

    Args:
        joints_image_px: (T, J, 2), NaN if not annotated.
        image_size: Width and height in pixels, for clips without any joint.

    Returns:
        The smallest square that holds the three frames' boxes, each 1.5 times as large as its
        joints. (The release keeps the union as an oblong and distorts it to a square crop.)
    """
    count = len(joints_image_px)
    chosen = {0, min(int(count / 2 + 0.5), count - 1), count - 1}
    boxes = (box_around(joints_image_px[t], enlarge=_JOINTS_ENLARGE) for t in sorted(chosen))
    found = [box for box in boxes if box is not None]
    return union_box(found) if found else whole_image_box(*image_size)


def union_box(boxes: Iterable[PersonBox]) -> PersonBox:
    """Return the smallest square around square boxes, centred on the middle of their extent."""
    corners = np.array([[b.center_x, b.center_y, b.size / 2.0] for b in boxes])
    low = (corners[:, :2] - corners[:, 2:]).min(axis=0)
    high = (corners[:, :2] + corners[:, 2:]).max(axis=0)
    return corner_box((*low, *high))


def corner_box(corners: ArrayLike) -> PersonBox:
    """Return the square with the centre and the longer side of x1, y1, x2, y2."""
    x1, y1, x2, y2 = (float(value) for value in np.asarray(corners, np.float64))
    return PersonBox((x1 + x2) / 2.0, (y1 + y2) / 2.0, max(x2 - x1, y2 - y1))
