"""Ray-casts smooth bodies: round cones and ellipsoids, batched in torch, on any device.

Owns: `Solids` (the bodies) and `cast` (colour and depth of every pixel). A solid is a round cone,
the hull of two spheres on one axis. It has its own space, and a linear map stretches it into the
scene; without length it is an ellipsoid. Every solid is tested only within its projected bounding
rectangle. The rectangles of all solids of all images form one flat list of rows, so a batch needs
the same few dozen tensor operations as one image, and a CPU does no unnecessary work. Along a row
the quadratics of the intersection are polynomials of the column. Their coefficients are computed
in double precision, because the discriminants of thin limbs far away lose digits, and evaluated in
single precision. Camera space: x right, y down, z forward; a ray is (x, y, 1), so its parameter is
the depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pose_action_ros.simulation.batched import Batched

if TYPE_CHECKING:
    from collections.abc import Sequence as Many

    from torch import Tensor

__all__ = ['Lights', 'Picture', 'Solids', 'cast', 'first_hits', 'nothing']

_NEAR_M = 0.05
_UNSEEN_M = (0.0, 0.0, -100.0)
_FAR = float('inf')


@dataclass(frozen=True, eq=False)
class Solids(Batched):
    """P round cones in each of B images, float32.

    In its own space the axis of a solid runs along z from the origin to `length`. The radius goes
    from `radius_start` to `radius_end`; their difference is smaller than the length.

    Attributes:
        to_local: (B, P, 3, 3) camera directions to directions of the solid's space.
        start_m: (B, P, 3) start of the axis in camera space.
        length: (B, P) in units of the solid's space, as the radii.
        radius_start: (B, P).
        radius_end: (B, P).
        paint: (B, P, 13) three RGB colours (base, beyond `cut`, pattern) from 0 to 1, then `cut`
            (share of the axis), waves of the pattern per unit along z and along x, and its
            threshold in -1 to 1 (1: no pattern).
    """

    to_local: Tensor
    start_m: Tensor
    length: Tensor
    radius_start: Tensor
    radius_end: Tensor
    paint: Tensor

    @classmethod
    def join(cls, parts: Many[Solids]) -> Solids:
        """Put images of several scenes into one batch.

        Scenes with fewer solids get copies behind the camera, which no ray hits.
        """
        most = max(part.length.shape[1] for part in parts)
        return super().join([part._filled_up(most) for part in parts])

    @classmethod
    def together(cls, parts: Many[Solids]) -> Solids:
        """Put the solids of several bodies, at least one, into the same B images."""
        return cls(
            *(
                torch.cat(column, 1)
                for column in zip(*(vars(p).values() for p in parts), strict=True)
            )
        )

    def _filled_up(self, most: int) -> Solids:
        spare = most - self.length.shape[1]
        filled = self._each(
            lambda value: torch.cat([value, value[:, :1].expand(-1, spare, *value.shape[2:])], 1)
        )
        filled.start_m[:, most - spare :] = torch.tensor(_UNSEEN_M)
        return filled


@dataclass(frozen=True, eq=False)
class Lights(Batched):
    """One distant light for each image.

    Attributes:
        direction: (B, 3) unit vectors towards the light, camera space.
        colour: (B, 3) of the light.
        ambient: (B, 3) light from everywhere.
        gloss: (B,) strength of the highlight.
    """

    direction: Tensor
    colour: Tensor
    ambient: Tensor
    gloss: Tensor


@dataclass(frozen=True, eq=False)
class Picture:
    """The solid that a ray hits.

    Attributes:
        pixels: (N,) int64 flat indices into B x H x W, the pixels that show a solid, each once.
        colours: (N, 3) float32, 0 to 1.
        depth_m: (N,) float32.
        solids: (N,) int64 index of the solid, 0 to P - 1.
    """

    pixels: Tensor
    colours: Tensor
    depth_m: Tensor
    solids: Tensor


def cast(solids: Solids, windows: Tensor, lights: Lights, *, height: int, width: int) -> Picture:
    """Find and shade the first surface behind every pixel.

    Args:
        solids: Bodies.
        windows: (B, 2, 3) column, row, 1 of a pixel to x / z, y / z of its ray.
        lights: Of each image.
        height: Rows of each image.
        width: Columns of each image.
    """
    rows = _rows(solids, windows, height, width)
    row = torch.repeat_interleave(rows.count)
    starts = torch.cumsum(rows.count, 0) - rows.count
    column = torch.arange(len(row), device=row.device) - starts.index_select(0, row)
    terms = _row_table(solids, windows, rows).index_select(1, row)
    depth = _nearest(terms, column.float())
    hit = torch.nonzero(depth < _FAR).squeeze(1)
    row, column, depth = row[hit], column[hit], depth[hit]
    column = column + rows.column[row]
    pixel = (rows.image * height + rows.y)[row] * width + column
    first = _first_of_each(pixel, depth, len(windows) * height * width)
    row, column, depth, pixel = row[first], column[first], depth[first], pixel[first]
    image, solid, y = rows.image[row], rows.solid[row], rows.y[row]
    window = windows.reshape(-1, 6).T.index_select(1, image)
    rays = torch.stack([window[i] * column + window[i + 1] * y + window[i + 2] for i in (0, 3)])
    return Picture(pixel, _shade(solids, lights, (image, solid), rays, depth), depth, solid)


def first_hits(solids: Solids, rays: Tensor) -> tuple[Tensor, Tensor]:
    """Intersect a few rays with all solids.

    Args:
        solids: Bodies.
        rays: (B, R, 2) x / z and y / z.

    Returns:
        (B, R) float64 depth of the first surface (infinite for none) and (B, R) int64 its solid.
    """
    ray = torch.cat([rays, torch.ones_like(rays[..., :1])], -1).double()
    base = torch.einsum('bpij,brj->brpi', solids.to_local.double(), ray)
    origin = _origins(solids)[:, None].expand_as(base)
    sizes = torch.stack(
        [
            v[:, None].expand(base.shape[:-1]).double()
            for v in (solids.length, solids.radius_start, solids.radius_end)
        ]
    )
    terms = _terms(origin, base, torch.zeros_like(base), sizes)
    return _nearest(terms, torch.zeros_like(sizes[0])).min(-1)


def nothing(count: int) -> Solids:
    """Return solids of `count` empty images: one solid behind the camera."""
    start = torch.tensor(_UNSEEN_M).expand(count, 1, 3)
    point, paint = torch.zeros(count, 1), torch.zeros(count, 1, 13)
    return Solids(torch.eye(3).expand(count, 1, 3, 3), start, point, point, point, paint)


@dataclass(frozen=True, eq=False)
class _Rows:
    """R rows of pixels: image, solid, y, first column and number of columns of each; int64."""

    image: Tensor
    solid: Tensor
    y: Tensor
    column: Tensor
    count: Tensor


def _rows(solids: Solids, windows: Tensor, height: int, width: int) -> _Rows:
    """Split the bounding rectangles into rows."""
    low, high = _rectangles(solids, windows)
    x0, y0 = low[..., 0].clamp(0, width), low[..., 1].clamp(0, height)
    x1, y1 = high[..., 0].clamp(0, width), high[..., 1].clamp(0, height)
    wide, tall = (x1 - x0).flatten().long(), (y1 - y0).flatten().long()
    tall = tall * (wide > 0)
    owner = torch.repeat_interleave(tall)
    starts = torch.cumsum(tall, 0) - tall
    y = torch.arange(len(owner), device=owner.device) - (starts - y0.flatten().long())[owner]
    P = low.shape[1]
    return _Rows(owner // P, owner % P, y, x0.flatten().long()[owner], wide[owner])


def _rectangles(solids: Solids, windows: Tensor) -> tuple[Tensor, Tensor]:
    """(B, P, 2) first and last + 1 pixel that a solid can touch."""
    from_local = torch.linalg.inv(solids.to_local)
    ends = torch.stack(
        [solids.start_m, solids.start_m + from_local[..., 2] * solids.length[..., None]], 2
    )
    radii = torch.stack([solids.radius_start, solids.radius_end], 2)[..., None]
    reach = from_local.norm(dim=-1)[:, :, None] * radii  # (B, P, 2, 3) half sizes, camera axes
    sides = torch.stack([ends - reach, ends + reach], 3)  # (B, P, 2, 2, 3)
    near = sides[..., 0, 2].clamp(min=_NEAR_M)[..., None]
    far = sides[..., 1, 2].clamp(min=2 * _NEAR_M)[..., None]
    low = torch.minimum(sides[..., 0, :2] / near, sides[..., 0, :2] / far).amin(2)
    high = torch.maximum(sides[..., 1, :2] / near, sides[..., 1, :2] / far).amax(2)
    behind = (sides[..., 1, 2] < _NEAR_M).all(2)[..., None]
    low, high = low.masked_fill(behind, 1e6), high.masked_fill(behind, 1e6)
    corners = torch.stack(
        [low, high, torch.stack([low[..., 0], high[..., 1]], -1),
         torch.stack([high[..., 0], low[..., 1]], -1)], 2,
    )  # fmt: skip
    to_pixel = torch.linalg.inv(windows[:, :, :2])
    pixels = torch.einsum('bij,bpcj->bpci', to_pixel, corners - windows[:, None, None, :, 2])
    return pixels.amin(2).floor(), pixels.amax(2).ceil() + 1


def _origins(solids: Solids) -> Tensor:
    """(B, P, 3) float64, the camera in the spaces of the solids."""
    return -torch.einsum('bpij,bpj->bpi', solids.to_local.double(), solids.start_m.double())


def _terms(origin: Tensor, base: Tensor, step: Tensor, sizes: Tensor) -> Tensor:
    """(25, ...): the terms for `_nearest` of rays from `origin` along `base + x * step`.

    The side of a round cone is part of an infinite cone, which a ray meets where
    a t^2 + 2 b t + c = 0; the caps are spheres of radius r at height z:
    d t^2 + 2 (e - z u) t + (o - z (2 h - z) - r^2) = 0, u and h being the axial parts.
    """
    length, radius_start, radius_end = sizes
    sine = (radius_start - radius_end) / length.clamp(min=1e-6) * (length > 0)
    cosine2 = 1.0 - sine.square()
    apex = radius_start - sine * origin[..., 2]
    o2, b2, s2 = (v[..., :2] for v in (origin, base, step))
    oz, bz, sz = origin[..., 2], base[..., 2], step[..., 2]
    a = [
        cosine2 * b2.square().sum(-1) - (sine * bz).square(),
        2 * (cosine2 * (b2 * s2).sum(-1) - sine.square() * bz * sz),
        cosine2 * s2.square().sum(-1) - (sine * sz).square(),
    ]
    b = [cosine2 * (o2 * v2).sum(-1) + sine * vz * apex for v2, vz in ((b2, bz), (s2, sz))]
    c = cosine2 * o2.square().sum(-1) - apex.square()
    d = [base.square().sum(-1), 2 * (base * step).sum(-1), step.square().sum(-1)]
    e = [(origin * base).sum(-1), (origin * step).sum(-1)]
    caps = []
    for z, radius in ((torch.zeros_like(length), radius_start), (length, radius_end)):
        first, second = e[0] - z * bz, e[1] - z * sz
        rest = origin.square().sum(-1) + z * (z - 2.0 * oz) - radius.square()
        caps += _discriminant((first, second), d, rest)
    foot = (oz - radius_start * sine) / cosine2
    rise = [bz / cosine2, sz / cosine2]
    return torch.stack(
        [*a, *b, *_discriminant(b, a, c), *d, *e, *caps, foot, *rise, length, bz, sz]
    )


def _discriminant(b: Many[Tensor], a: Many[Tensor], c: Tensor) -> list[Tensor]:
    """Coefficients in x of b^2 - a c, where b is linear and a quadratic in x."""
    return [
        b[0].square() - a[0] * c,
        2 * b[0] * b[1] - a[1] * c,
        b[1].square() - a[2] * c,
    ]


def _nearest(terms: Tensor, x: Tensor) -> Tensor:
    """Depth of the first surface: the side if the ray meets it between the ends, otherwise a cap.

    Args:
        terms: (25, N) from `_terms`.
        x: (N,) positions along the row.
    """
    t = terms
    a, root, d, start, end = (t[i] + x * (t[i + 1] + x * t[i + 2]) for i in (0, 5, 8, 13, 16))
    b, e, rise, dz = (t[i] + x * t[i + 1] for i in (3, 11, 20, 23))
    foot, length = t[19], t[22]
    steep = a <= 1e-9
    side = (-b - root.clamp(min=0).sqrt()) / torch.where(steep, 1.0, a)
    foot = foot + side * rise
    at_start = torch.where(steep, dz > 0, foot < 0)
    on_side = (foot >= 0) & (foot <= length) & ~steep
    cap_root = torch.where(at_start, start, end)
    cap_e = torch.where(at_start, e, e - length * dz)
    cap = (-cap_e - cap_root.clamp(min=0).sqrt()) / d
    depth = torch.where(on_side, side, cap)
    missed = ((root < 0) & ~steep) | (~on_side & (cap_root < 0)) | (depth < _NEAR_M)
    return depth.masked_fill(missed, _FAR)


def _row_table(solids: Solids, windows: Tensor, rows: _Rows) -> Tensor:
    """(25, R) float32 `_terms` of each row, x counted from its first column."""
    owner = rows.image * solids.length.shape[1] + rows.solid
    window = windows.double().reshape(-1, 6).T.index_select(1, rows.image)
    m = solids.to_local.double().reshape(-1, 9).T.index_select(1, owner)
    x, y = (window[i] * rows.column + window[i + 1] * rows.y + window[i + 2] for i in (0, 3))
    base = torch.stack([m[i] * x + m[i + 1] * y + m[i + 2] for i in (0, 3, 6)], 1)
    step = torch.stack([m[i] * window[0] + m[i + 1] * window[3] for i in (0, 3, 6)], 1)
    origin = _origins(solids).reshape(-1, 3).index_select(0, owner)
    sizes = _columns([solids.length, solids.radius_start, solids.radius_end], owner).double()
    return _terms(origin, base, step, sizes).float()


def _shade(
    solids: Solids, lights: Lights, owners: tuple[Tensor, Tensor], rays: Tensor, depth: Tensor
) -> Tensor:
    """(N, 3) colours: paint, half Lambert, ambient light, a highlight; rays are (2, N)."""
    image, solid = owners
    owner = image * solids.length.shape[1] + solid
    m = solids.to_local.reshape(-1, 9).T.index_select(1, owner)  # (9, N) rows of the maps
    sx, sy, sz, length, first, last = _columns(
        [*solids.start_m.unbind(-1), solids.length, solids.radius_start, solids.radius_end], owner
    )
    x, y = rays[0] * depth - sx, rays[1] * depth - sy
    z = depth - sz
    px, py, pz = (m[i] * x + m[i + 1] * y + m[i + 2] * z for i in (0, 3, 6))
    sine = (first - last) / length.clamp(min=1e-6) * (length > 0)
    foot = (pz - first * sine) / (1.0 - sine.square())
    nz = pz - torch.minimum(foot.clamp(min=0), length)
    normal = torch.stack([m[i] * px + m[i + 3] * py + m[i + 6] * nz for i in (0, 1, 2)])
    normal = normal / normal.square().sum(0).sqrt().clamp(min=1e-9)
    towards = lights.direction.T.index_select(1, image)
    lambert = ((normal * towards).sum(0) * 0.6 + 0.4).clamp(min=0)
    view = torch.cat([rays, torch.ones_like(rays[:1])])
    halfway = towards - view / view.square().sum(0).sqrt()
    halfway = halfway / halfway.square().sum(0).sqrt().clamp(min=1e-9)
    shine = (normal * halfway).sum(0).clamp(min=0) ** 24 * lights.gloss[image]
    light = lights.ambient.T.index_select(1, image)
    light = light + lambert * lights.colour.T.index_select(1, image)
    base = _paint(solids.paint.reshape(-1, 13).T.index_select(1, owner), px, pz, length)
    return (base * light + shine).clamp(0, 1).T


def _first_of_each(pixel: Tensor, depth: Tensor, count: int) -> Tensor:
    """(N,) bool: whether a hit is the nearest of its pixel, and the last among equals."""
    nearest = torch.full((count,), _FAR, device=depth.device)
    nearest.scatter_reduce_(0, pixel, depth, 'amin')
    first = torch.nonzero(depth <= nearest[pixel]).squeeze(1)
    if len(first) == int((nearest < _FAR).sum()):
        return first
    last = torch.zeros(count, dtype=torch.int64, device=depth.device)
    last.scatter_reduce_(0, pixel[first], first, 'amax')
    return first[first == last[pixel[first]]]


def _columns(values: list[Tensor], index: Tensor) -> Tensor:
    """(K, N) from K tables (B, P) and N flat indices."""
    return torch.stack([value.reshape(-1) for value in values]).index_select(1, index)


def _paint(paint: Tensor, x: Tensor, z: Tensor, length: Tensor) -> Tensor:
    """(3, N) colour of points in the space of their solid, from (13, N) paint."""
    wave = torch.sin(paint[10] * z + paint[11] * x)
    colour = torch.where(wave > paint[12], paint[6:9], paint[:3])
    return torch.where(z > paint[9] * length, paint[3:6], colour)
