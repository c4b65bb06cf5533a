"""The background of the actor: walls, clutter, ground, or a photograph; and the cast shadow.

Owns: `Backdrop`, drawn once per camera with OpenCV on the CPU. Walls are gradients, noise and
random shapes; the ground is a texture seen in perspective, so it agrees with the actor's feet.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import cv2
import numpy as np

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry.media import read_picture
from pose_action_ros.simulation.body import cross

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.geometry.camera import Camera

    Image = NDArray[np.uint8]

__all__ = ['cast_shadow', 'draw_backdrop']

_GROUND_M = 14.0
_TEXTURE_PX = 256


def draw_backdrop(
    rng: np.random.Generator,
    camera: Camera,
    to_camera: NDArray[np.float64],
    photographs: Sequence[Path] = (),
) -> Image:
    """Draw the camera's image without the actor.

    Args:
        rng: Decides everything.
        camera: Intrinsics of the image.
        to_camera: (3, 4) world (z up, ground at z = 0) to camera.
        photographs: Pictures to use instead of drawn walls, if there are any.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    size = (camera.width, camera.height)
    if photographs and rng.random() < 0.8:
        with suppress(ImageError):
            return _filling(read_picture(photographs[rng.integers(len(photographs))]), size)
    image = _wall(rng, size)
    if rng.random() < 0.88:
        _lay_ground(rng, image, camera, to_camera)
    gain = np.float32(rng.uniform(0.55, 1.1))
    return cv2.convertScaleAbs(image, alpha=float(gain), beta=float(rng.uniform(-10, 20)))


def cast_shadow(
    picture: Image,
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    radii: NDArray[np.float64],
    *,
    light: NDArray[np.float64],
    to_pixel: NDArray[np.float64],
    strength: float,
) -> Image:
    """Project capsules along the light onto the ground.

    Args:
        picture: (H, W, 3) uint8 of the ground; it stays as it is.
        starts: (S, 3) world metres.
        ends: (S, 3).
        radii: (S, 2) at start and end.
        light: (3,) unit vector towards the light, world.
        to_pixel: (3, 4) world to homogeneous pixels of the picture.
        strength: Darkness of the shadow, 0 to 1.

    Returns:
        (H, W, 3) uint8, the picture with the shadow.
    """
    pixels = _projected(starts, ends, radii, light, to_pixel)
    height, width = picture.shape[:2]
    reach = max(3, width // 100 * 2 + 1)
    low, high = (-np.inf, -np.inf), (-np.inf, -np.inf)
    if len(pixels):
        low, high = pixels.min((0, 1)) - reach - 2, pixels.max((0, 1)) + reach + 3
    (x0, y0), (x1, y1) = (np.clip(v, 0, (width, height)).astype(int) for v in (low, high))
    if x0 >= x1 or y0 >= y1:
        return picture
    mask = np.zeros((height, width), np.uint8)
    fixed = np.rint(np.clip(pixels, -2000, 4000) * 16).astype(np.int32)
    for outline in fixed:
        cv2.fillConvexPoly(mask, cv2.convexHull(outline), 255, shift=4)
    mask = cv2.blur(mask[y0:y1, x0:x1], (reach, reach))
    factors = np.float32(1.0) - np.float32(strength / 255.0) * mask
    picture = picture.copy()
    part = picture[y0:y1, x0:x1]
    cv2.multiply(part, cv2.merge([factors] * 3), dst=part, dtype=cv2.CV_8U)
    return picture


def _projected(starts, ends, radii, light, to_pixel) -> NDArray[np.float64]:
    """(N, 16, 2) pixels around the shadows of those capsules that are before the camera."""
    across = np.array(cross(light, (0.0, 0.0, 1.0)))
    across /= max(np.linalg.norm(across), 1e-6)
    along = np.array(cross(light, across))
    angle = np.linspace(0.0, 2 * np.pi, 8, endpoint=False)
    circle = np.cos(angle)[:, None] * across + np.sin(angle)[:, None] * along  # (8, 3)
    points = np.concatenate(
        [
            starts[:, None] + radii[:, :1, None] * circle,
            ends[:, None] + radii[:, 1:, None] * circle,
        ],
        axis=1,
    )  # (S, 16, 3)
    points = points - points[..., 2:] / light[2] * light
    pixels = points @ to_pixel[:, :3].T + to_pixel[:, 3]
    ahead = (pixels[..., 2] > 0.2).all(-1)
    return pixels[ahead, :, :2] / pixels[ahead, :, 2:]


def _filling(picture: Image, size: tuple[int, int]) -> Image:
    """The largest central part of a picture with the wanted shape."""
    scale = max(size[0] / picture.shape[1], size[1] / picture.shape[0])
    wide = (max(size[0], round(picture.shape[1] * scale)),
            max(size[1], round(picture.shape[0] * scale)))  # fmt: skip
    picture = cv2.resize(picture, wide, interpolation=cv2.INTER_AREA)
    x, y = (wide[0] - size[0]) // 2, (wide[1] - size[1]) // 2
    return np.ascontiguousarray(picture[y : y + size[1], x : x + size[0]])


def _noise(rng, size: tuple[int, int], cells: int, spread: float, channels: int = 3) -> Image:
    """Smooth random colours, `cells` of them across the picture."""
    rows = max(2, cells * size[1] // size[0])
    small = np.clip(rng.normal(128, spread, (rows, cells, channels)), 0, 255).astype(np.uint8)
    if rng.random() < 0.6:  # differences of brightness rather than of colour
        small[..., 1:] = small[..., :1]
    method = cv2.INTER_CUBIC if rng.random() < 0.7 else cv2.INTER_NEAREST
    return cv2.resize(small, size, interpolation=method)


def _wall(rng: np.random.Generator, size: tuple[int, int]) -> Image:
    base = rng.uniform(20, 235) + rng.normal(0, 25, 3)
    corners = np.clip(base + rng.normal(0, 30, (2, 2, 3)), 0, 255).astype(np.float32)
    image = cv2.resize(corners, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    for cells in (3, 9, 40):
        if rng.random() < 0.5:
            share = float(rng.uniform(0.1, 0.5))
            noise = _noise(rng, size, cells, rng.uniform(15, 70))
            image = cv2.addWeighted(image, 1.0 - share, noise, share, 0.0)
    for _ in range(int(rng.integers(0, 14))):
        _clutter(rng, image, size)
    if rng.random() < 0.5:
        image = cv2.blur(image, (int(rng.integers(2, 9)),) * 2)
    return image


def _clutter(rng: np.random.Generator, image: Image, size: tuple[int, int]) -> None:
    """One random shape: furniture, a picture, a bar, or an object as long and round as a limb."""
    colour = tuple(float(c) for c in np.clip(rng.uniform(0, 255) + rng.normal(0, 40, 3), 0, 255))
    x, y = (int(v) for v in rng.uniform(0, 1, 2) * size)
    w, h = (int(v) for v in rng.uniform(0.02, 0.35, 2) ** 1.3 * size[0])
    kind = rng.integers(4)
    if kind == 0:
        cv2.rectangle(image, (x, y), (x + w, y + h), colour, -1)
    elif kind == 1:
        turn = float(rng.uniform(0, 180))
        cv2.ellipse(image, (x, y), (w // 2 + 1, h // 2 + 1), turn, 0, 360, colour, -1, cv2.LINE_AA)
    elif kind == 2:
        corners = (rng.uniform(-1, 1, (5, 2)) * (w, h) + (x, y)).astype(np.int32)
        cv2.fillPoly(image, [corners], colour, cv2.LINE_AA)
    else:
        to = (x + int(rng.normal(0, 0.2) * size[0]), y + int(rng.normal(0, 0.3) * size[1]))
        cv2.line(image, (x, y), to, colour, int(rng.integers(1, 24)), cv2.LINE_AA)


def _lay_ground(rng, image: Image, camera: Camera, to_camera: NDArray[np.float64]) -> None:
    """Draw the ground below the horizon, up to a wall at a random distance."""
    texture = _ground_texture(rng)
    K = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1.0]])
    scale = _GROUND_M / _TEXTURE_PX
    centered = np.array([[scale, 0, -_GROUND_M / 2], [0, scale, -_GROUND_M / 2], [0, 0, 1.0]])
    far_m = rng.uniform(2.0, 7.0) + np.hypot(*_foot_of(to_camera))
    mask = _below(camera, to_camera, far_m)
    rows = np.flatnonzero(mask[:, [0, -1]].any(1))
    if not len(rows):
        return
    top = rows[0]
    K[1, 2] -= top
    ground = K @ to_camera[:, [0, 1, 3]] @ centered
    size = (camera.width, camera.height - top)
    warped = cv2.warpPerspective(texture, ground, size, borderMode=cv2.BORDER_WRAP)
    cv2.copyTo(warped, mask[top:], image[top:])


def _ground_texture(rng: np.random.Generator) -> Image:
    base = np.clip(rng.uniform(25, 225) + rng.normal(0, 20, 3), 0, 255)
    colours = [base, base]
    period = np.array((1, 1))
    if rng.random() < 0.45:  # tiles or boards
        colours[1] = np.clip(base + rng.normal(0, 30, 3), 0, 255)
        period = rng.integers(6, 26, 2)
    odd = np.arange(_TEXTURE_PX) // period[:, None] % 2  # (2, N) of rows and columns
    lines = np.array([colours, colours[::-1]]).astype(np.uint8)[:, odd[1]]
    texture = lines.take(odd[0], axis=0)
    if rng.random() < 0.6:
        noise = _noise(rng, (_TEXTURE_PX, _TEXTURE_PX), int(rng.integers(4, 60)), 50)
        texture = cv2.addWeighted(texture, 0.8, noise, 0.2, 0.0)
    return texture


def _foot_of(to_camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,) x, y of the camera in the world."""
    return (-to_camera[:, :3].T @ to_camera[:, 3])[:2]


def _below(camera: Camera, to_camera: NDArray[np.float64], far_m: float) -> Image:
    """(H, W) mask of the ground nearer than `far_m` along the view."""
    height = float((-to_camera[:, :3].T @ to_camera[:, 3])[2])
    down = -to_camera[:, 2]  # world down in camera axes
    forward = np.array([0.0, 0.0, 1.0]) - down * down[2]
    forward /= np.linalg.norm(forward)
    right = np.array(cross(down, forward))
    left_end, right_end = (
        forward * far_m + down * height + right * side * 2.0 * far_m for side in (-1.0, 1.0)
    )
    ends = np.stack([left_end, right_end])
    ends[:, 2] = np.maximum(ends[:, 2], 0.3)
    pixels = ends[:, :2] / ends[:, 2:] * (camera.fx, camera.fy) + (camera.cx, camera.cy)
    (x0, y0), (x1, y1) = pixels
    slope = (y1 - y0) / (x1 - x0 if abs(x1 - x0) > 1e-6 else 1e-6)
    left, end = y0 - slope * x0, y0 + slope * (camera.width - x0)
    outline = np.array(
        [[0, left], [camera.width, end], [camera.width, 4 * camera.height],
         [0, 4 * camera.height]]
    )  # fmt: skip
    mask = np.zeros((camera.height, camera.width), np.uint8)
    cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 1)
    return mask
