"""The furniture of a simulated room: boxes, their places and their colours.

Owns: `Boxes` (rays against them, their colours) and `furnish`. Units: metres, world frame. Points
and rays are (3, R), one row per axis, which numpy reads fastest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ['Boxes', 'furnish']

_PLAIN, _WOOD, _SKY, _PICTURE, _CLOTH = range(5)
_WALNUT, _OAK = (0.36, 0.24, 0.16), (0.66, 0.52, 0.36)
_WHITE, _GREY, _LEAF = (0.90, 0.90, 0.88), (0.42, 0.43, 0.45), (0.22, 0.42, 0.20)


@dataclass(frozen=True, eq=False)
class Boxes:
    """N boxes along the axes of the world.

    Attributes:
        low: (N, 3) corners.
        high: (N, 3).
        colour: (N, 3) RGB from 0 to 1.
        surface: (N,) kind of the surface.
        piece: (N,) number of the piece of furniture that the box belongs to.
    """

    low: Array
    high: Array
    colour: Array
    surface: NDArray[np.int64]
    piece: NDArray[np.int64]

    def first(self, eye: Array, rays: Array) -> tuple[Array, Array, Array]:
        """Return (R,) distance to the first box (infinite: none), its number, the face's axis."""
        count = rays.shape[1]
        nearest = np.full(count, np.inf, np.float32)
        number, axis = np.zeros(count, np.int64), np.zeros(count, np.int64)
        inverse = 1.0 / rays
        for piece in self._pieces():
            enter, leave, _ = _passage(*self._bounds(piece), eye, inverse)
            some = np.flatnonzero((enter < leave) & (leave > 0))
            for index in piece:
                enter, leave, face = _passage(
                    self.low[index], self.high[index], eye, inverse[:, some]
                )
                closer = (enter < leave) & (enter > 0) & (enter < nearest[some])
                rows = some[closer]
                nearest[rows] = enter[closer]
                number[rows], axis[rows] = index, face[closer]
        return nearest, number, axis

    def covers(self, points: Array, rays: Array) -> NDArray[np.bool_]:
        """Return (R,) bool: whether a box lies on the ray beyond its point."""
        covered = np.zeros(points.shape[1], bool)
        inverse = 1.0 / np.where(np.abs(rays) < 1e-6, 1e-6, rays)
        for piece in self._pieces():
            enter, leave, _ = _passage(*self._bounds(piece), points, inverse)
            some = np.flatnonzero((enter < leave) & (leave > 0))
            for index in piece:
                ends = self.low[index], self.high[index]
                enter, leave, _ = _passage(*ends, points[:, some], inverse[:, some])
                covered[some] |= (enter < leave) & (leave > 0)
        return covered

    def distance(self, points: Array, normals: Array) -> Array:
        """Return (R,) distance to the nearest piece that rises above the point's own surface."""
        nearest = np.full(points.shape[1], np.inf, np.float32)
        for piece in self._pieces():
            low, high = (v[:, None] for v in self._bounds(piece))
            outside = np.maximum(np.maximum(low - points, points - high), 0.0)
            gap = np.sqrt(outside[0] ** 2 + outside[1] ** 2 + outside[2] ** 2)
            above = [
                np.maximum((low[k] - points[k]) * normals[k], (high[k] - points[k]) * normals[k])
                for k in range(3)
            ]
            rises = np.maximum(np.maximum(above[0], above[1]), above[2]) > 0.01
            nearest = np.where((gap < nearest) & rises, gap, nearest)
        return nearest

    def look(
        self, number: NDArray[np.int64], points: Array, axis: NDArray[np.int64]
    ) -> tuple[Array, NDArray[np.bool_]]:
        """Return (3, R) colours at points of boxes, and (R,) bool: whether they emit light."""
        low, high = self.low[number].T, self.high[number].T
        place = (points - low) / np.maximum(high - low, 1e-6)
        colour, surface = self.colour[number].T, self.surface[number]
        wide, tall = np.where(axis == 0, place[1], place[0]), place[2]
        x, y, z = points
        grain = 1.0 + 0.06 * np.sin(90.0 * z + 9.0 * np.sin(5.0 * (x + y + z)))
        cloth = 1.0 + 0.04 * np.sin(400.0 * y) * np.sin(400.0 * z)
        colour = colour * np.select([surface == _WOOD, surface == _CLOTH], [grain, cloth], 1.0)
        sky = surface == _SKY
        colour[:, sky] = _view(wide[sky], tall[sky])
        painted = surface == _PICTURE
        blocks = np.outer((2.1, 3.3, 1.7), np.floor(4 * wide[painted]))
        blocks = np.abs(np.sin(blocks + np.floor(3 * tall[painted])))
        colour[:, painted] = 0.5 * colour[:, painted] + 0.18 + 0.25 * blocks
        return colour, sky

    def _pieces(self) -> list[NDArray[np.int64]]:
        """Numbers of the boxes of each piece of furniture."""
        return [np.flatnonzero(self.piece == piece) for piece in np.unique(self.piece)]

    def _bounds(self, piece: NDArray[np.int64]) -> tuple[Array, Array]:
        return self.low[piece].min(0), self.high[piece].max(0)


def _passage(
    low: Array, high: Array, points: Array, inverse: Array
) -> tuple[Array, Array, NDArray[np.int64]]:
    """(R,) distances at which rays (1 / direction) enter and leave a box, and the entered face."""
    first = [(low[k] - points[k]) * inverse[k] for k in range(3)]
    second = [(high[k] - points[k]) * inverse[k] for k in range(3)]
    near = [np.minimum(a, b) for a, b in zip(first, second, strict=True)]
    far = [np.maximum(a, b) for a, b in zip(first, second, strict=True)]
    enter = np.maximum(np.maximum(near[0], near[1]), near[2])
    leave = np.minimum(np.minimum(far[0], far[1]), far[2])
    return enter, leave, np.where(enter == near[0], 0, np.where(enter == near[1], 1, 2))


def _view(wide: Array, tall: Array) -> Array:
    """(3, R) the view through a window: hills below a sky; places from 0 to 1."""
    sky = np.array([[0.72], [0.84], [0.97]]) + (1 - tall) * np.array([[0.2], [0.12], [0.03]])
    land = np.array([[0.45], [0.56], [0.38]]) * (0.85 + 0.15 * np.sin(9.0 * wide))
    hill = tall < 0.28 + 0.06 * np.sin(6.0 * wide) + 0.03 * np.sin(17.0 * wide)
    return np.where(hill, land, sky)


class _Shop:
    """Collects boxes, piece by piece."""

    def __init__(self) -> None:
        self._rows: list[tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], int, int]]
        self._rows = []
        self._piece = 0

    def next_piece(self) -> None:
        """Begin a new piece of furniture."""
        self._piece += 1

    def put(self, x, y, z, colour, surface: int = _PLAIN) -> None:
        """Add a box from (low, high) of each axis."""
        low, high = zip(x, y, z, strict=True)
        self._rows.append((low, high, tuple(colour), surface, self._piece))

    def boxes(self) -> Boxes:
        """Return all boxes."""
        low, high, colour, surface, piece = (np.array(c) for c in zip(*self._rows, strict=True))
        low, high, colour = (v.astype(np.float32) for v in (low, high, colour))
        return Boxes(low, high, colour, surface, piece)


def furnish(rng: np.random.Generator, low: Array, high: Array) -> Boxes:
    """Furnish a room along its far wall and its sides.

    Args:
        rng: Decides the furniture, its places and colours.
        low: (3,) corner of the room; the far wall is at `low[0]`.
        high: (3,) the other corner.
    """
    shop = _Shop()
    pieces = [_shelf, _sofa, _door, _sideboard]
    order = [pieces[i] for i in rng.permutation(len(pieces))[:3]]
    width = (high[1] - low[1]) / 3.0
    for index, piece in enumerate(order):
        shop.next_piece()
        piece(shop, rng, float(low[0]), float(low[1] + (index + 0.5) * width), float(width))
    side = float(rng.choice([low[1], high[1]]))
    shop.next_piece()
    _window(shop, side, float(low[0]))
    shop.next_piece()
    _plant(shop, rng, float(low[0]), float(low[1] + high[1] - side))
    return shop.boxes()


def _shelf(shop: _Shop, rng, wall: float, y: float, room: float) -> None:
    half, depth, top = min(0.45, 0.45 * room), 0.30, float(rng.uniform(1.6, 2.0))
    wood = _OAK if rng.random() < 0.5 else _WALNUT
    for side in (-1, 1):
        a, b = sorted((y + side * half, y + side * (half - 0.03)))
        shop.put((wall, wall + depth), (a, b), (0, top), wood, _WOOD)
    shop.put((wall, wall + 0.02), (y - half, y + half), (0, top), wood, _WOOD)
    for z in np.linspace(0.05, top, 5):
        shop.put((wall, wall + depth), (y - half, y + half), (z - 0.03, z), wood, _WOOD)
    for z in np.linspace(0.05, top, 5)[:-1]:
        at, end = y - half + 0.04, y + half - float(rng.uniform(0.05, 0.4))
        while at < end:  # books
            thick, tall = float(rng.uniform(0.05, 0.11)), float(rng.uniform(0.20, 0.30))
            colour = rng.uniform(0.15, 0.75) + rng.normal(0, 0.12, 3)
            shop.put((wall + 0.03, wall + 0.24), (at, at + 0.95 * thick), (z, z + tall),
                     np.clip(colour, 0.05, 0.9))  # fmt: skip
            at += thick


def _sofa(shop: _Shop, rng, wall: float, y: float, room: float) -> None:
    half = min(0.85, 0.48 * room)
    cloth = np.clip(rng.uniform(0.25, 0.6) + rng.normal(0, 0.08, 3), 0.1, 0.8)
    back, front = wall + 0.08, wall + 0.85
    shop.put((back, front), (y - half, y + half), (0.12, 0.30), 0.9 * cloth, _CLOTH)
    shop.put((back, back + 0.22), (y - half, y + half), (0.12, 0.82), cloth, _CLOTH)
    for side in (-1, 1):
        a, b = sorted((y + side * half, y + side * (half - 0.16)))
        shop.put((back, front), (a, b), (0.12, 0.60), cloth, _CLOTH)
        a, b = sorted((y + side * 0.01, y + side * (half - 0.17)))
        shop.put((back + 0.2, front + 0.02), (a, b), (0.30, 0.44), 1.05 * cloth, _CLOTH)
    for x in (back + 0.05, front - 0.1):
        for side in (-1, 1):
            foot = y + side * (half - 0.1)
            shop.put((x, x + 0.05), (foot - 0.03, foot + 0.03), (0, 0.12), _WALNUT)
    _picture(shop, rng, wall, y)


def _picture(shop: _Shop, rng, wall: float, y: float) -> None:
    shop.next_piece()
    half, tall, z = float(rng.uniform(0.25, 0.45)), float(rng.uniform(0.4, 0.6)), 1.35
    frame = _WALNUT if rng.random() < 0.5 else _WHITE
    shop.put((wall, wall + 0.03), (y - half - 0.03, y + half + 0.03), (z - 0.03, z + tall + 0.03),
             frame)  # fmt: skip
    colour = rng.uniform(0.3, 0.9, 3)
    shop.put((wall, wall + 0.032), (y - half, y + half), (z, z + tall), colour, _PICTURE)


def _door(shop: _Shop, rng, wall: float, y: float, room: float) -> None:
    del room
    colour = _WHITE if rng.random() < 0.6 else _OAK
    for side in (-1, 1):
        a, b = sorted((y + side * 0.44, y + side * 0.52))
        shop.put((wall, wall + 0.04), (a, b), (0, 2.08), _WHITE)
    shop.put((wall, wall + 0.04), (y - 0.52, y + 0.52), (2.0, 2.08), _WHITE)
    shop.put((wall, wall + 0.02), (y - 0.44, y + 0.44), (0, 2.0), colour, _WOOD)
    for low, high in ((0.15, 0.85), (1.05, 1.85)):
        for a, b in ((y - 0.34, y - 0.05), (y + 0.05, y + 0.34)):
            shop.put((wall, wall + 0.028), (a, b), (low, high), 0.94 * np.array(colour), _WOOD)
    shop.put((wall, wall + 0.08), (y + 0.35, y + 0.39), (0.98, 1.03), _GREY)


def _sideboard(shop: _Shop, rng, wall: float, y: float, room: float) -> None:
    half, front = min(0.75, 0.46 * room), wall + 0.42
    shop.put((wall, front), (y - half, y + half), (0.12, 0.72), _OAK, _WOOD)
    for a, b in zip(np.linspace(-1, 1, 4)[:-1], np.linspace(-1, 1, 4)[1:], strict=True):
        shop.put((front, front + 0.015), (y + half * a + 0.02, y + half * b - 0.02), (0.16, 0.68),
                 0.93 * np.array(_OAK), _WOOD)  # fmt: skip
    for x in (wall + 0.05, front - 0.1):
        for side in (-1, 1):
            foot = y + side * (half - 0.06)
            shop.put((x, x + 0.04), (foot - 0.02, foot + 0.02), (0, 0.12), _WALNUT)
    shop.next_piece()
    lamp = y + float(rng.uniform(-0.5, 0.5)) * half
    shop.put((wall + 0.18, wall + 0.22), (lamp - 0.02, lamp + 0.02), (0.72, 1.05), _GREY)
    shop.put((wall + 0.06, wall + 0.34), (lamp - 0.14, lamp + 0.14), (1.02, 1.26),
             (0.96, 0.88, 0.70))  # fmt: skip
    _picture(shop, rng, wall, y)


def _window(shop: _Shop, side: float, wall: float) -> None:
    """A window in a side wall, the source of the daylight."""
    inward = -np.sign(side)
    start, end = wall + 0.7, wall + 2.3

    def layer(thick: float) -> tuple[float, float]:
        a, b = sorted((side, side + inward * thick))
        return float(a), float(b)

    shop.put((start - 0.07, end + 0.07), layer(0.03), (0.83, 2.17), _WHITE)
    middle = (start + end) / 2.0
    for a, b in ((start, middle - 0.03), (middle + 0.03, end)):
        shop.put((a, b), layer(0.032), (0.90, 2.10), _WHITE, _SKY)
    shop.put((start - 0.12, end + 0.12), layer(0.18), (0.78, 0.83), _WHITE)


def _plant(shop: _Shop, rng, wall: float, side: float) -> None:
    """A pot with long leaves in a corner."""
    x, y = wall + 0.35, side - np.sign(side) * 0.35
    shop.put((x - 0.14, x + 0.14), (y - 0.14, y + 0.14), (0, 0.34), (0.62, 0.36, 0.26))
    for _ in range(26):
        dx, dy = rng.normal(0, 0.13, 2)
        z, tall = float(rng.uniform(0.30, 0.95)), float(rng.uniform(0.18, 0.42))
        tone = np.array(_LEAF) * float(rng.uniform(0.7, 1.4))
        shop.put((x + dx - 0.02, x + dx + 0.02), (y + dy - 0.025, y + dy + 0.025), (z, z + tall),
                 tone)  # fmt: skip
