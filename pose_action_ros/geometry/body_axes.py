"""The axes of a body by REP 155: x out of the chest, y to its left, z to the head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.core.skeleton import Skeleton

__all__ = ['body_axes']

_TRUNK = ('left_shoulder', 'right_shoulder', 'left_hip', 'right_hip')
_MIN_LENGTH_M = 0.02  # smallest length of an axis's source; a shorter one is noise


def body_axes(joints_m: NDArray[np.floating], skeleton: Skeleton) -> NDArray[np.float64] | None:
    """Return the axes of a body.

    Args:
        joints_m: (J, 3) metres in any frame, NaN if not seen.
        skeleton: Their layout.

    Returns:
        (3, 3) rotation whose columns are x, y and z in that frame; None if shoulders or hips
        are not known, or lie in one line.
    """
    if not set(_TRUNK) <= set(skeleton.joint_names):
        return None
    trunk = np.asarray(joints_m[[skeleton.index(name) for name in _TRUNK]], np.float64)
    left_shoulder, right_shoulder, left_hip, right_hip = trunk
    up = (left_shoulder + right_shoulder - left_hip - right_hip) / 2.0
    left = (left_shoulder + left_hip - right_shoulder - right_hip) / 2.0
    height = float(np.linalg.norm(up))
    if not height > _MIN_LENGTH_M:  # nor is NaN
        return None
    z = up / height
    across = left - (left @ z) * z
    width = float(np.linalg.norm(across))
    if not width > _MIN_LENGTH_M:
        return None
    y = across / width
    return np.column_stack([np.cross(y, z), y, z])
