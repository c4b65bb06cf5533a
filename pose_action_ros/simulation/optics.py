"""The camera that films the actor: where it stands, what its pixels see, and its noise.

World: z up, the camera on the positive x axis; camera frame: optical, as in `geometry.Camera`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.geometry.camera import Camera

    Array = NDArray[np.float64]

__all__ = ['add_noise', 'look_at_actor', 'noise_table', 'whole_window']


def look_at_actor(rng: np.random.Generator, distance_m: float, stature: float) -> Array:
    """Return (3, 4) world to camera of a camera on the x axis that looks at the actor's middle.

    Args:
        rng: Decides height (0.8 to 2 m), aim and roll.
        distance_m: Of the camera from the world's z axis.
        stature: Height of the actor in metres.
    """
    position = np.array([distance_m, 0.0, rng.uniform(0.8, 2.0)])
    target = np.array([0.0, 0.0, 0.54 * stature]) + rng.normal(0, 0.03, 3)
    ahead = (target - position) / np.linalg.norm(target - position)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(ahead, right), ahead])
    roll = np.deg2rad(np.clip(rng.normal(0, 1.5), -4, 4))
    cos, sin = np.cos(roll), np.sin(roll)
    axes = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]]) @ axes
    return np.column_stack([axes, -axes @ position])


def whole_window(camera: Camera) -> Array:
    """Return (2, 3): pixel of the camera's whole image to x / z, y / z."""
    return np.array(
        [[1 / camera.fx, 0, -camera.cx / camera.fx], [0, 1 / camera.fy, -camera.cy / camera.fy]]
    )


def noise_table(rng: np.random.Generator, height: int, width: int) -> NDArray[np.int16]:
    """Return (H, W, 3) normal noise, one sigma being 64."""
    table = rng.standard_normal((height, width, 3), dtype=np.float32)
    return np.rint(64.0 * table).astype(np.int16)


def add_noise(
    image: NDArray[np.uint8],
    table: NDArray[np.int16],
    sigma: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Return an image with sensor noise of `sigma` grey levels, cut from a table at random."""
    height, width = image.shape[:2]
    y = int(rng.integers(table.shape[0] - height + 1))
    x = int(rng.integers(table.shape[1] - width + 1))
    cut = np.ascontiguousarray(table[y : y + height, x : x + width])
    return cv2.addWeighted(image, 1.0, cut, sigma / 64.0, 0.0, dtype=cv2.CV_8U)
