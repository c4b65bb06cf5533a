"""Crops of the simulated actor, from a scene and windows to pixels.

Owns: `CropShots`, the data of unfinished crops, and `take_crops`, which makes them. Taking is
cheap work of many small steps for CPU cores. Finishing (`develop`) is a few large steps, the same
for one crop as for a batch, on any device. The actor is rendered straight into the crop, through a
camera whose pixels are those that `geometry.extract_crop` would sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from pose_action_ros.geometry.camera import Camera
from pose_action_ros.geometry.crop import CROP_PX, CropTransform, extract_crop
from pose_action_ros.simulation.batched import Batched
from pose_action_ros.simulation.optics import (
    Sensor,
    blur_taps,
    develop,
    noise_corner,
    noise_table,
)
from pose_action_ros.simulation.shots import Shots

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from pose_action_ros.simulation.scene import Scene, Truth

    Array = NDArray[np.float64]

__all__ = ['CropShots', 'crop_window', 'take_crops']

_SOFTNESS_PX = 0.45  # blur of a lens and of a Bayer pattern
_TABLE_PX = 3 * CROP_PX // 2
_TOGETHER = {'cpu': 2}  # crops at once: more do not stay in a core's cache
_TOGETHER_ELSEWHERE = 64


@dataclass(frozen=True, eq=False)
class CropShots(Batched):
    """B crops, taken and not developed.

    Attributes:
        shots: Views of the camera, (256, 256) pixels.
        sensor: The effects of lens and sensor.
    """

    shots: Shots
    sensor: Sensor

    def develop(self) -> Tensor:
        """Return (B, 3, 256, 256) uint8 RGB, on the device of the shots."""
        backdrops = self.shots.backdrops
        table = _noise(str(backdrops.device))
        step = _TOGETHER.get(backdrops.device.type, _TOGETHER_ELSEWHERE)
        parts = [self.images(slice(i, i + step)) for i in range(0, len(backdrops), step)]
        return torch.cat([develop(p.shots.expose(), p.sensor, table) for p in parts])


def take_crops(
    scene: Scene,
    truth: Truth | None,
    transforms: Sequence[CropTransform],
    rng: np.random.Generator,
    photographs: Sequence[Path] = (),
    *,
    backdrop_in_crop: bool = False,
) -> CropShots:
    """Take a crop of each of T moments.

    Args:
        scene: Actor, camera, light and place.
        truth: T moments; None: no actor.
        transforms: T windows of the camera's image.
        rng: Decides the sensor's noise.
        photographs: Pictures to use as backdrops beside the drawn ones.
        backdrop_in_crop: Draw the backdrop straight into the crop instead of cutting it out of the
            whole image: a quarter of the work. The walls then differ. T must be 1.
    """
    windows = np.stack([crop_window(scene.camera, transform) for transform in transforms])
    if backdrop_in_crop:
        backdrops = [scene.draw_backdrop(photographs, _crop_camera(windows[0]))]
    else:
        image = scene.draw_backdrop(photographs)
        backdrops = [extract_crop(image, transform) for transform in transforms]
    size = (scene.camera.width, scene.camera.height)
    table = _noise('cpu')
    taps = [blur_taps(_SOFTNESS_PX * max(1.0, CROP_PX / t.size_px)) for t in transforms]
    corner = [noise_corner(rng, table, CROP_PX, CROP_PX) for _ in transforms]
    inside = [np.packbits(_inside(transform, size), -1) for transform in transforms]
    sensor = Sensor(
        taps=torch.from_numpy(np.array(taps, np.float32)),
        noise=torch.full((len(taps),), scene.noise_sigma),
        corner=torch.from_numpy(np.array(corner)),
        inside=torch.from_numpy(np.stack(inside)),
    )
    return CropShots(scene.shots(truth, windows, backdrops), sensor)


def crop_window(camera: Camera, transform: CropTransform) -> Array:
    """Return (2, 3), the map from column, row, 1 of a crop's pixel to x / z, y / z of its ray.

    Args:
        camera: Of the source image, without distortion.
        transform: From `geometry.crop_transform`; the ray is that of the point of the source
            image which `geometry.extract_crop` samples for the pixel.
    """
    half = 0.5 / CROP_PX
    to_crop = np.array([[1 / CROP_PX, 0, half], [0, 1 / CROP_PX, half], [0, 0, 1.0]])
    pixels = transform.inverse @ to_crop
    pixels[:2, 2] -= 0.5 + np.array([camera.cx, camera.cy])
    return pixels[:2] / np.array([[camera.fx], [camera.fy]])


def _crop_camera(window: Array) -> tuple[Camera, Array]:
    """The camera whose image is a crop: a longer lens, and (3, 3) its roll."""
    to_pixel = np.linalg.inv(np.vstack([window, (0.0, 0.0, 1.0)]))
    focal_px = float(np.hypot(to_pixel[0, 0], to_pixel[1, 0]))
    roll = np.eye(3)
    roll[:2, :2] = to_pixel[:2, :2] / focal_px
    cx, cy = to_pixel[:2, 2]
    return Camera(focal_px, focal_px, float(cx), float(cy), CROP_PX, CROP_PX), roll


def _inside(transform: CropTransform, size: tuple[int, int]) -> NDArray[np.uint8]:
    """(256, 256) 1 for the pixels of a crop that lie in the source image, else 0."""
    width, height = size
    corners = transform.to_image([(0, 0), (1, 0), (1, 1), (0, 1)])
    if (corners >= 0).all() and (corners <= (width, height)).all():
        return np.ones((CROP_PX, CROP_PX), np.uint8)
    outline = CROP_PX * transform.to_crop([(0, 0), (width, 0), (width, height), (0, height)]) - 0.5
    mask = np.zeros((CROP_PX, CROP_PX), np.uint8)
    cv2.fillConvexPoly(mask, np.rint(outline * 16).astype(np.int32), 1, shift=4)
    return mask


@lru_cache(maxsize=8)
def _noise(device: str) -> Tensor:
    """A table of sensor noise from which all crops are cut."""
    rng = np.random.default_rng(0x4E4F495345)
    return noise_table(rng, _TABLE_PX, _TABLE_PX).to(device)
