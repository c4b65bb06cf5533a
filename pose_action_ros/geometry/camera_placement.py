"""The placement of a camera: from its optical frame to a world on the ground below it.

The world has its origin on the ground below the camera, x ahead along the ground, z up (REP 103).
A placement is (3, 4): rotation and translation of points of the camera's optical frame, metres.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ['level_placement', 'placement_on_ground', 'quaternion']

Array = NDArray[np.float64]


def level_placement(height_m: float) -> Array:
    """Return the placement of a camera that looks level, at that height."""
    axes = np.array([(0.0, 0.0, 1.0), (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)])
    return np.column_stack([axes, (0.0, 0.0, height_m)])


def placement_on_ground(to_camera: Array) -> Array:
    """Return the placement of a camera that is placed in another world with z up.

    Args:
        to_camera: (3, 4) from that world to the camera's optical frame; its ground is z = 0.
    """
    to_world = to_camera[:, :3].T
    position, ahead = -to_world @ to_camera[:, 3], to_world[:, 2]
    length = np.hypot(ahead[0], ahead[1])
    cos, sin = ahead[:2] / length if length > 0.0 else (1.0, 0.0)
    turn = np.array([(cos, sin, 0.0), (-sin, cos, 0.0), (0.0, 0.0, 1.0)])
    return np.column_stack([turn @ to_world, (0.0, 0.0, position[2])])


def quaternion(rotation: Array) -> Array:
    """Return (4,) x, y, z, w of a (3, 3) rotation, w >= 0."""
    # Each row of this symmetric matrix is the quaternion times one of its own elements; the
    # longest row is the exact one.
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation.tolist()
    rows = np.array(
        [
            (1 + xx - yy - zz, xy + yx, xz + zx, zy - yz),
            (xy + yx, 1 - xx + yy - zz, yz + zy, xz - zx),
            (xz + zx, yz + zy, 1 - xx - yy + zz, yx - xy),
            (zy - yz, xz - zx, yx - xy, 1 + xx + yy + zz),
        ]
    )
    found: Array = rows[int(rows.diagonal().argmax())]
    return found / np.linalg.norm(found) * (1.0 if found[3] >= 0.0 else -1.0)
