"""The camera that films the actor: its position, the rays of its pixels, its blur and its noise.

World: z up, the camera on the positive x axis; camera frame: optical, as in `geometry.Camera`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from pose_action_ros.simulation.batched import Batched, one_thread
from pose_action_ros.simulation.body import cross

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from pose_action_ros.geometry.camera import Camera

    Array = NDArray[np.float64]

__all__ = [
    'Sensor',
    'add_noise',
    'blur_taps',
    'develop',
    'look_at_actor',
    'noise_corner',
    'noise_table',
    'whole_window',
]

_UNIT = 64.0  # one sigma in a table of noise


@dataclass(frozen=True, eq=False)
class Sensor(Batched):
    """Effects of lens and sensor on each of B pictures.

    Attributes:
        taps: (B, 3) float32, from `blur_taps`.
        noise: (B,) float32 grey levels, one sigma.
        corner: (B, 2) int64 row and column of the noise table at the picture's first pixel.
        inside: (B, H, W / 8) uint8, a bit for each pixel from `numpy.packbits`: 0 makes it black.
    """

    taps: Tensor
    noise: Tensor
    corner: Tensor
    inside: Tensor


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
    right = np.array(cross(ahead, (0.0, 0.0, 1.0)))
    right /= np.linalg.norm(right)
    axes = np.stack([right, cross(ahead, right), ahead])
    roll = np.deg2rad(np.clip(rng.normal(0, 1.5), -4, 4))
    cos, sin = np.cos(roll), np.sin(roll)
    axes = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]]) @ axes
    return np.column_stack([axes, -axes @ position])


def whole_window(camera: Camera) -> Array:
    """Return (2, 3): pixel of the camera's whole image to x / z, y / z."""
    return np.array(
        [[1 / camera.fx, 0, -camera.cx / camera.fx], [0, 1 / camera.fy, -camera.cy / camera.fy]]
    )


def noise_table(rng: np.random.Generator, height: int, width: int) -> Tensor:
    """Return (H, W, 3) int16 normal noise, one sigma being 64."""
    table = rng.standard_normal((height, width, 3), dtype=np.float32)
    return torch.from_numpy(np.rint(_UNIT * table).astype(np.int16))


def noise_corner(
    rng: np.random.Generator, table: Tensor, height: int, width: int
) -> tuple[int, int]:
    """Return a random row and column in a table with room for a picture."""
    row = int(rng.integers(table.shape[0] - height + 1))
    return row, int(rng.integers(table.shape[1] - width + 1))


def blur_taps(sigma_px: float) -> list[float]:
    """Return weights of a pixel and of its neighbours at 1 and at 2 pixels, in units of 1/256.

    They are those of OpenCV's Gaussian of 3 pixels (5 pixels from a sigma of 0.8 on). They are
    whole numbers. Each includes the rounding error of those before it, so their sum is 256.
    """
    kernel = 256.0 * cv2.getGaussianKernel(3 if sigma_px < 0.8 else 5, sigma_px)[:, 0]
    taps, rest = [], 0.0
    for weight in kernel[: len(kernel) // 2]:
        taps.insert(0, float(np.rint(weight + rest)))
        rest += weight - taps[0]
    return [256.0 - 2.0 * sum(taps), *taps, *[0.0] * (2 - len(taps))]


@torch.inference_mode()
@one_thread()
def develop(pictures: Tensor, sensor: Sensor, table: Tensor) -> Tensor:
    """Blur pictures, add noise, and blacken pixels outside the source image.

    Args:
        pictures: (B, H, W, 3) uint8 RGB.
        sensor: Of each picture, on the same device.
        table: From `noise_table`, on the same device.

    Returns:
        (B, 3, H, W) uint8 RGB.
    """
    noisy = add_noise(_blurred(pictures, sensor.taps), table, sensor.corner, sensor.noise)
    bits = torch.arange(7, -1, -1, device=pictures.device, dtype=torch.uint8)
    inside = (sensor.inside[..., None] >> bits & 1).flatten(-2)  # (B, H, W)
    return noisy.permute(0, 3, 1, 2).contiguous().mul_(inside[:, None])


def add_noise(pictures: Tensor, table: Tensor, corner: Tensor, noise: Tensor) -> Tensor:
    """Add sensor noise.

    Args:
        pictures: (B, H, W, 3) of whole numbers from 0 to 255.
        table: From `noise_table`.
        corner: As in `Sensor`.
        noise: As in `Sensor`.

    Returns:
        (B, H, W, 3) uint8.
    """
    height, width = pictures.shape[1:3]
    cuts = [table[y : y + height, x : x + width] for y, x in corner.tolist()]
    grain = torch.stack(cuts).float()  # (B, H, W, 3)
    grain *= (noise / _UNIT)[:, None, None, None]
    return grain.add_(pictures).round_().clamp_(0, 255).to(torch.uint8)


def _blurred(pictures: Tensor, taps: Tensor) -> Tensor:
    """(B, H, W, 3) float32 of whole numbers; mirrored at the border, as OpenCV does by default.

    All sums stay below 2^24, so single precision is exact, whatever their order.
    """
    center, near, far = taps.T[:, :, None, None, None]
    wide_blur = bool(far.any())
    image = pictures.float()
    for axis in (2, 1):
        size = image.shape[axis]
        before, after = (image.narrow(axis, start, 2).flip(axis) for start in (1, size - 3))
        wide = torch.cat([before, image, after], axis)
        a, b, c, d, e = (wide.narrow(axis, start, size) for start in range(5))
        image = c * center
        image.addcmul_(b, near).addcmul_(d, near)
        if wide_blur:
            image.addcmul_(a, far).addcmul_(e, far)
    return image.add_(2**15).mul_(2**-16).floor_()
