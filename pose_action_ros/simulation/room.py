"""A living room for films: walls, floor, window, door and furniture, ray-cast once per camera.

Owns: `draw_room`. The room is the inside of a box; furniture is made of boxes that stand on the
floor or hang on a wall. The middle, where the actor moves, is empty, so nothing hides the actor.
World frame: metres, z up, the actor near the origin, the camera on the positive x axis, the far
wall on the negative one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from pose_action_ros.simulation.furniture import Boxes, furnish

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from numpy.typing import NDArray

    from pose_action_ros.geometry.camera import Camera

    Array = NDArray[np.float64]

__all__ = ['draw_room']

_FINER = 2  # rays per pixel along each side
_LAMP = 0.05  # spread of the light's direction, for soft edges of shadows
_BRIGHTNESS, _LONGEST = 0.5, 1.6  # target of the exposure, and its limit
_BEND = 0.7  # brightness from which highlights are compressed
_CEILING = 0.75  # light reflected by floor and walls
_BOARD_M = (0.14, 1.6)
_SKIRTING_M = 0.09
_CORNER_M = 0.30  # reach of the darkness of a corner


@dataclass(frozen=True)
class _Paint:
    """Colours of a room, RGB from 0 to 1."""

    wall: Array
    side: Array
    floor: Array
    rug: Array


def draw_room(
    rng: np.random.Generator, camera: Camera, to_camera: Array, light: Mapping[str, Any]
) -> NDArray[np.uint8]:
    """Draw a room as a camera sees it.

    Args:
        rng: Decides size, colours and furniture.
        camera: Intrinsics of the image.
        to_camera: (3, 4) world to camera.
        light: `direction` (world, towards the light), `colour`, `ambient` and `shadow` of the
            scene, so that actor and room have the same light.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    eye = -to_camera[:, :3].T @ to_camera[:, 3]
    low = np.array([-rng.uniform(2.2, 3.2), -rng.uniform(2.3, 3.2), 0.0])
    high = np.array([eye[0] + 1.5, rng.uniform(2.3, 3.2), rng.uniform(2.45, 2.8)])
    paint = _paint(rng)
    boxes = furnish(rng, low, high)
    rays = _rays(camera, to_camera)
    picture = np.empty_like(rays)
    for part in np.array_split(np.arange(rays.shape[1]), 8):  # bounds the memory
        picture[:, part] = _look(rng, eye, rays[:, part], (low, high), boxes, paint, light)
    shape = (camera.height * _FINER, camera.width * _FINER, 3)
    fine = np.ascontiguousarray(picture.T).reshape(shape)
    fine = _exposed(fine)
    coarse = cv2.resize(fine, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    return np.rint(255.0 * np.clip(coarse, 0.0, 1.0)).astype(np.uint8)


def _exposed(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Brighten a dark room, and bend highlights so that they keep their colours."""
    image = image * np.float32(np.clip(_BRIGHTNESS / np.median(image), 1.0, _LONGEST))
    bent = _BEND + (1.0 - _BEND) * np.tanh((image - _BEND) / (1.0 - _BEND))
    return np.where(image < _BEND, image, bent).astype(np.float32)


def _rays(camera: Camera, to_camera: Array) -> Array:
    """(3, R) directions in the world, row by row of the finer grid."""
    x, y = (
        (np.arange(size * _FINER) + 0.5) / _FINER - 0.5 for size in (camera.width, camera.height)
    )
    grid = np.meshgrid((x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy)
    flat = np.stack([grid[0].ravel(), grid[1].ravel(), np.ones(grid[0].size)])
    rays = (to_camera[:, :3].T @ flat).astype(np.float32)
    rays[np.abs(rays) < 1e-6] = 1e-6
    return rays


def _look(rng, eye, rays, room, boxes: Boxes, paint: _Paint, light) -> Array:
    """(3, R) colours of the first surfaces on rays."""
    low, high = room
    each = [(np.where(rays[k] > 0, high[k], low[k]) - eye[k]) / rays[k] for k in range(3)]
    depth = np.minimum(np.minimum(each[0], each[1]), each[2])
    axis = np.where(depth == each[0], 0, np.where(depth == each[1], 1, 2))
    near, box, face = boxes.first(eye, rays)
    hit = near < depth
    depth, axis = np.where(hit, near, depth), np.where(hit, face, axis)
    point = (eye[:, None] + depth * rays).astype(np.float32)
    normal = -np.sign(rays) * (np.arange(3)[:, None] == axis)
    colour = _shell(point, axis, paint)
    glow = np.zeros(len(hit), bool)
    colour[:, hit], glow[hit] = boxes.look(box[hit], point[:, hit], axis[hit])
    lit = _lit(rng, point, normal, boxes, light)
    shade = light['ambient'][:, None] * _openness(point, normal, room, boxes)
    return np.where(glow, 0.8 * colour, colour * (shade + lit * light['colour'][:, None]))


def _lit(rng, point, normal, boxes: Boxes, light) -> Array:
    """(R,) share of the direct light at a point: the actor's half Lambert, and shadows."""
    towards = light['direction'][:, None]
    slope = (normal * towards).sum(0)
    rays = towards + rng.normal(0.0, _LAMP, point.shape)
    covered = boxes.covers(point + 2e-3 * normal, rays.astype(np.float32))
    shadow = light['shadow'] * np.where(slope < 0, 0.5, covered)
    facing = np.where(normal[2] < -0.5, _CEILING, np.clip(slope * 0.6 + 0.4, 0.0, None))
    return facing * (1.0 - shadow)


def _openness(point, normal, room, boxes: Boxes) -> Array:
    """(R,) 1 in open space, less in corners of the room and near furniture."""
    low, high = room
    share = 1.0 - 0.4 * np.exp(-boxes.distance(point, normal) / 0.15)
    for k in range(3):
        for gap, sign in ((point[k] - low[k], 1.0), (high[k] - point[k], -1.0)):
            dark = 0.3 * np.exp(-np.maximum(gap, 0.0) / _CORNER_M)
            share = share * np.where(normal[k] * sign > 0.5, 1.0, 1.0 - dark)
    return share


def _shell(point, axis, paint: _Paint) -> Array:
    """(3, R) colours of the room's six sides."""
    colour = np.where(axis == 1, paint.side[:, None], paint.wall[:, None])
    z = point[2]
    skirting = (axis < 2) & (z < _SKIRTING_M)
    colour = np.where(skirting, np.where(z > _SKIRTING_M - 0.012, 0.70, 0.88), colour)
    level = axis == 2
    colour = np.where(level & (z > 1.0), 0.93, colour)
    down = level & (z < 1.0)
    colour[:, down] = _floor(point[0, down], point[1, down], paint)
    return colour


def _floor(x: Array, y: Array, paint: _Paint) -> Array:
    """(3, R): boards along x, and a rug in the middle."""
    row = np.floor(y / _BOARD_M[0])
    along = x / _BOARD_M[1] + 0.37 * row
    board = np.floor(along)
    tone = np.modf(np.abs(np.sin(row * 12.9898 + board * 78.233) * 43758.5453))[0]
    grain = 0.03 * np.sin(55.0 * y + 3.0 * np.sin(2.0 * x + 5.0 * tone) + 40.0 * tone)
    gap = (np.abs(y / _BOARD_M[0] - row - 0.5) > 0.485) | (np.abs(along - board - 0.5) > 0.498)
    floor = paint.floor[:, None] * np.where(gap, 0.6, 0.86 + 0.22 * tone + grain)
    edge = np.maximum(np.abs(x + 0.1) / 1.5, np.abs(y) / 1.25)
    weave = 1.0 + 0.03 * np.sin(260.0 * x) * np.sin(260.0 * y)
    rug = paint.rug[:, None] * np.where((edge > 0.86) & (edge < 0.93), 1.5, 1.0) * weave
    return np.where(edge < 1.0, rug, floor)


_WALLS = ((0.86, 0.83, 0.76), (0.74, 0.80, 0.78), (0.80, 0.79, 0.84), (0.85, 0.78, 0.70))
_FLOORS = ((0.62, 0.46, 0.31), (0.72, 0.58, 0.42), (0.45, 0.33, 0.24), (0.60, 0.55, 0.50))
_RUGS = ((0.45, 0.20, 0.18), (0.22, 0.30, 0.42), (0.40, 0.42, 0.36), (0.58, 0.50, 0.38))


def _paint(rng: np.random.Generator) -> _Paint:
    wall, floor, rug = (
        np.array(colours[rng.integers(len(colours))]) for colours in (_WALLS, _FLOORS, _RUGS)
    )
    wall = wall * rng.uniform(0.95, 1.05)
    return _Paint(wall, 0.93 * wall, floor, rug)
