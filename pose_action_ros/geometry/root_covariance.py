"""The uncertainty of a root joint's position: a covariance from the sources of its error.

An error of the distance moves the root along its line of sight, and an error of its pixel moves
it across. Nothing else moves it. So the ellipsoid is long along the line of sight and short
across it. The errors are not independent from image to image: an assumed height is wrong by the
same factor for as long as a person is followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pose_action_ros.geometry.camera import Camera

__all__ = ['root_covariance']

_STEP_PX = 0.5  # over which the slope of a ray is measured, so that a lens is in it


def root_covariance(
    camera: Camera,
    root_px: ArrayLike,
    depth_m: float,
    depth_sigma_m: float,
    sigma_px: float,
) -> NDArray[np.float64]:
    """Return the covariance of a root joint's place.

    Args:
        camera: Intrinsics of the image.
        root_px: (2,) the root in the image.
        depth_m: Its distance along the optical axis.
        depth_sigma_m: One sigma of that distance.
        sigma_px: One sigma of the root in one axis of the image.

    Returns:
        (3, 3) float64 square metres, optical frame; NaN where the lens model has no ray.
    """
    steps_px = _STEP_PX * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    rays = camera.rays(np.asarray(root_px, np.float64) + steps_px)
    sight = np.append(rays[0], 1.0)
    slopes = np.zeros((3, 2))  # of the place at 1 m, per pixel along columns and rows
    slopes[:2] = (rays[1::2] - rays[2::2]).T / (2.0 * _STEP_PX)
    along: NDArray[np.float64] = depth_sigma_m**2 * np.outer(sight, sight)
    return along + (depth_m * sigma_px) ** 2 * slopes @ slopes.T
