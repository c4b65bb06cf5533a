"""Ray-casts smooth bodies: round cones and ellipsoids, batched in torch, on any device.

Owns: `Solids` (what is cast) and `cast` (colour and depth of every pixel). A solid is a round
cone - the hull of two spheres on one axis - in a space of its own, stretched into the scene by a
linear map; without length it is an ellipsoid. Every solid is tested only within its projected
bounding rectangle: the rectangles of all solids of all images are laid out as one flat list of
rows, so a batch needs the same few dozen tensor operations as one image, and a CPU does no more
work than there are pixels. Along a row the quadratics of the intersection are polynomials of the
column, which is why rows come first.

Camera space: x right, y down, z forward; a ray is (x, y, 1), so its parameter is the depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ['Lights', 'Picture', 'Solids', 'cast', 'first_hits']

_NEAR_M = 0.05
_FAR = float('inf')


@dataclass(frozen=True, eq=False)
class Solids:
    """P round cones in each of B images, float32.

    In its own space the axis of a solid runs along z from the origin to `length`; the radius
    goes from `radius_start` to `radius_end`, the difference being smaller than the length.

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

    def images(self, part: slice) -> Solids:
        """Return some of the B images."""
        return Solids(*(value[part] for value in vars(self).values()))


@dataclass(frozen=True, eq=False)
class Lights:
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

    def images(self, part: slice) -> Lights:
        """Return some of the B images."""
        return Lights(*(value[part] for value in vars(self).values()))


@dataclass(frozen=True, eq=False)
class Picture:
    """What was hit.

    Attributes:
        pixels: (N,) int64 flat indices into B x H x W, the pixels that show a solid.
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
    counts = rows.count
    row = torch.repeat_interleave(counts)
    starts = torch.cumsum(counts, 0) - counts
    column = torch.arange(len(row), device=row.device) - (starts - rows.column).index_select(
        0, row
    )
    depth = _depths(_row_table(solids, windows, rows), row, column)
    hit = torch.nonzero(depth < _FAR).squeeze(1)
    row, column, depth = row[hit], column[hit], depth[hit]
    pixel = (rows.image * height + rows.y)[row] * width + column
    nearest = torch.full((len(windows) * height * width,), _FAR, device=depth.device)
    nearest.scatter_reduce_(0, pixel, depth, 'amin')
    first = torch.nonzero(depth <= nearest[pixel]).squeeze(1)
    row, column, depth, pixel = row[first], column[first], depth[first], pixel[first]
    image, solid, y = rows.image[row], rows.solid[row], rows.y[row]
    window = windows.reshape(-1, 6).T.index_select(1, image)
    rays = torch.stack([window[i] * column + window[i + 1] * y + window[i + 2] for i in (0, 3)])
    return Picture(pixel, _shade(solids, lights, image, solid, rays, depth), depth, solid)


def first_hits(solids: Solids, rays: Tensor) -> tuple[Tensor, Tensor]:
    """Test a few rays against all solids.

    Args:
        solids: Bodies.
        rays: (B, R, 2) x / z and y / z.

    Returns:
        (B, R) float32 depth of the first surface (infinite for none) and (B, R) int64 its solid.
    """
    ray = torch.cat([rays, torch.ones_like(rays[..., :1])], -1)
    direction = torch.einsum('bpij,brj->brpi', solids.to_local, ray)
    origin = _origins(solids)[:, None].expand_as(direction)
    shape = direction.shape[:-1]
    sizes = [
        v[:, None].expand(shape) for v in (solids.length, solids.radius_start, solids.radius_end)
    ]
    a, b, c = _side_quadratic(origin, direction, *sizes)
    depth = _nearest(
        a, b, c, origin[..., 2], direction[..., 2], direction.square().sum(-1),
        (origin * direction).sum(-1), origin.square().sum(-1), *sizes,
    )  # fmt: skip
    return depth.min(-1)


@dataclass(frozen=True, eq=False)
class _Rows:
    """R rows of pixels: image, solid, y, first column and number of columns of each; int64."""

    image: Tensor
    solid: Tensor
    y: Tensor
    column: Tensor
    count: Tensor


def _rows(solids: Solids, windows: Tensor, height: int, width: int) -> _Rows:
    """Lay the bounding rectangles out as rows."""
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
    """(B, P, 3) the camera in the spaces of the solids."""
    return -torch.einsum('bpij,bpj->bpi', solids.to_local, solids.start_m)


def _side_quadratic(origin, direction, length, radius_start, radius_end):
    """a, b, c of a t^2 + 2 b t + c = 0, where a ray meets the infinite cone."""
    sine = (radius_start - radius_end) / length.clamp(min=1e-6) * (length > 0)
    cosine2 = 1.0 - sine.square()
    apex = radius_start - sine * origin[..., 2]
    a = cosine2 * direction[..., :2].square().sum(-1) - (sine * direction[..., 2]).square()
    b = cosine2 * (origin[..., :2] * direction[..., :2]).sum(-1) + sine * direction[..., 2] * apex
    return a, b, cosine2 * origin[..., :2].square().sum(-1) - apex.square()


def _nearest(a, b, c, oz, dz, dd, od, oo, length, radius_start, radius_end) -> Tensor:
    """Depth of the first surface: the side where the ray meets it between the ends, else a cap."""
    sine = (radius_start - radius_end) / length.clamp(min=1e-6) * (length > 0)
    root = b.square() - a * c
    steep = a <= 1e-9
    side = (-b - root.clamp(min=0).sqrt()) / torch.where(steep, 1.0, a)
    foot = (oz + side * dz - radius_start * sine) / (1.0 - sine.square())
    at_start = torch.where(steep, dz > 0, foot < 0)
    on_side = (foot >= 0) & (foot <= length) & ~steep
    z = torch.where(at_start, 0.0, length)
    radius = torch.where(at_start, radius_start, radius_end)
    cap_b = od - z * dz
    cap_root = cap_b.square() - dd * (oo + z * (z - 2.0 * oz) - radius.square())
    cap = (-cap_b - cap_root.clamp(min=0).sqrt()) / dd
    depth = torch.where(on_side, side, cap)
    missed = ((root < 0) & ~steep) | (~on_side & (cap_root < 0)) | (depth < _NEAR_M)
    return depth.masked_fill(missed, _FAR)


def _row_table(solids: Solids, windows: Tensor, rows: _Rows) -> Tensor:
    """(18, R): what `_depths` needs along each row, polynomials of the column."""
    owner = rows.image * solids.length.shape[1] + rows.solid
    window = windows.reshape(-1, 6).T.index_select(1, rows.image)
    m = solids.to_local.reshape(-1, 9).T.index_select(1, owner)
    x, y = window[1] * rows.y + window[2], window[4] * rows.y + window[5]
    base = torch.stack([m[i] * x + m[i + 1] * y + m[i + 2] for i in (0, 3, 6)], 1)
    step = torch.stack([m[i] * window[0] + m[i + 1] * window[3] for i in (0, 3, 6)], 1)
    origin = _origins(solids).reshape(-1, 3).index_select(0, owner)
    sizes = list(_columns([solids.length, solids.radius_start, solids.radius_end], owner))
    a0, b0, c = _side_quadratic(origin, base, *sizes)
    a2, b2, _ = _side_quadratic(origin, step, *sizes)
    a1 = _side_quadratic(origin, base + step, *sizes)[0] - a0 - a2
    return torch.stack(
        [a0, a1, a2, b0, b2, c, origin[:, 2], base[:, 2], step[:, 2],
         base.square().sum(1), 2 * (base * step).sum(1), step.square().sum(1),
         (origin * base).sum(1), (origin * step).sum(1), origin.square().sum(1), *sizes]
    )  # fmt: skip


def _depths(table: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """(N,) depth of each pixel of each row, infinite where the solid is missed."""
    x = column.to(table.dtype)
    a0, a1, a2, b0, b1, c, oz, z0, z1, d0, d1, d2, e0, e1, oo, *sizes = table.index_select(1, row)
    return _nearest(
        a0 + x * (a1 + x * a2), b0 + x * b1, c, oz, z0 + x * z1, d0 + x * (d1 + x * d2),
        e0 + x * e1, oo, *sizes,
    )  # fmt: skip


def _shade(solids: Solids, lights: Lights, image, solid, rays, depth) -> Tensor:
    """(N, 3) colours: paint, half Lambert, ambient light and a highlight."""
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


def _columns(values: list[Tensor], index: Tensor) -> Tensor:
    """(K, N) from K tables (B, P) and N flat indices."""
    return torch.stack([value.reshape(-1) for value in values]).index_select(1, index)


def _paint(paint: Tensor, x: Tensor, z: Tensor, length: Tensor) -> Tensor:
    """(3, N) colour of points in the space of their solid, from (13, N) paint."""
    wave = torch.sin(paint[10] * z + paint[11] * x)
    colour = torch.where(wave > paint[12], paint[6:9], paint[:3])
    return torch.where(z > paint[9] * length, paint[3:6], colour)
