"""The visible actor: skin, hair, clothes and shoes as solids on the parts of the body.

Owns: `Figure`, drawn once per actor, which places its solids for a moment's `BodyFrames`. Girths
over stature after C. Gordon et al., ANSUR II, 2014 (means of both sexes, rounded).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.simulation.body import PARTS, cross

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.simulation.body import BodyFrames, Proportions

    Array = NDArray[np.float64]

__all__ = ['NO_CUT', 'Figure', 'dress', 'plain', 'stool']

NO_CUT = 9.0
_INDEX = {name: i for i, name in enumerate(PA17J.joint_names)}
_AXES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_SKIN = ((0.98, 0.84, 0.74), (0.90, 0.70, 0.56), (0.76, 0.55, 0.40), (0.52, 0.35, 0.24),
         (0.34, 0.22, 0.15))  # fmt: skip
_HAIR = ((0.06, 0.05, 0.05), (0.22, 0.13, 0.08), (0.42, 0.27, 0.14), (0.80, 0.66, 0.36),
         (0.60, 0.60, 0.60), (0.50, 0.18, 0.08))  # fmt: skip


@dataclass(frozen=True, eq=False)
class Figure:
    """S solids of one actor, each fixed to a part of the body.

    Attributes:
        part: (S,) int64 index into `body.PARTS`.
        joint: (S,) int64 joint of pa17j that `start_m` is relative to.
        start_m: (S, 3) start of the axis in the part's frame.
        to_local: (S, 3, 3) directions of the part to the solid's own space.
        length: (S,) of the axis, in the solid's units.
        radius_start: (S,).
        radius_end: (S,).
        paint: (S, 13), see `renderer.Solids`.
        covers: (S, 17) bool; a joint is not hidden by the solids around it.
    """

    part: NDArray[np.int64]
    joint: NDArray[np.int64]
    start_m: Array
    to_local: Array
    length: Array
    radius_start: Array
    radius_end: Array
    paint: Array
    covers: NDArray[np.bool_]

    @cached_property
    def from_local(self) -> Array:
        """(S, 3, 3) directions of the solid's own space to those of the part."""
        return np.linalg.inv(self.to_local)

    def place(self, frames: BodyFrames) -> tuple[Array, Array]:
        """Return (T, S, 3) starts and (T, S, 3, 3) maps to the solids' spaces, body frame."""
        rotation = frames.rotations[:, self.part]
        start = frames.joints_m[:, self.joint] + (rotation @ self.start_m[..., None])[..., 0]
        return start, self.to_local @ np.swapaxes(rotation, -1, -2)

    def lowest(self, frames: BodyFrames) -> Array:
        """Return (T,) height of the lowest point of the actor, body frame."""
        start, _ = self.place(frames)
        from_local = self.from_local
        up = frames.rotations[:, self.part][..., 2, :]  # world z in the part's frame
        reach = np.linalg.norm((up[..., None, :] @ from_local)[..., 0, :], axis=-1)
        rise = (up * from_local[..., 2]).sum(-1) * self.length
        ends = start[..., 2] - self.radius_start * reach
        return np.minimum(ends, start[..., 2] + rise - self.radius_end * reach).min(-1)


def plain(colour, *, tip=None, cut: float = NO_CUT, pattern=None, waves=(0.0, 0.0), level=1.0):
    """Return one row of paint: a colour, a second one beyond `cut`, and a pattern of waves."""
    tip = colour if tip is None else tip
    pattern = colour if pattern is None else pattern
    return np.array([*colour, *tip, *pattern, cut, *waves, level if level < 1.0 else 2.0])


class _Tailor:
    """Collects solids as plain numbers, because arrays of three are slow."""

    def __init__(self) -> None:
        self._rows: list[tuple] = []
        self._covers: list[tuple[str, ...]] = []

    def add(self, part, joint, start, end, *, radii, paint, stretch=(1.0, 1.0, 1.0), covers=()):
        """A round cone from start to end (part's frame, metres from a joint).

        `stretch` is the size of the solid's unit along x (front), y (side) and the axis.
        """
        length = math.dist(start, end)
        axis = [(e - s) / length for s, e in zip(start, end, strict=True)]
        side = (0.0, 1.0, 0.0) if abs(axis[1]) < 0.9 else (0.0, 0.0, 1.0)
        front = np.array(cross(side, axis))
        front = (front / math.sqrt(front @ front)).tolist()
        axes = (front, cross(axis, front), axis)
        self._add(part, joint, start, (axes, stretch, length / stretch[2]), radii, paint, covers)

    def ball(self, part, joint, center, radii, paint, covers=()):
        """An ellipsoid with radii along the part's axes."""
        shape = (_AXES, radii, 0.0)
        self._add(part, joint, center, shape, (1.0, 1.0), paint, covers)

    def _add(self, part, joint, start, shape, radii, paint, covers) -> None:
        self._rows.append((PARTS.index(part), _INDEX[joint], start, *shape, *radii, paint))
        self._covers.append((joint, *covers))

    def finish(self) -> Figure:
        columns = (np.array(column) for column in zip(*self._rows, strict=True))
        part, joint, start, axes, stretch, *rest = columns
        covers = np.zeros((len(part), len(_INDEX)), bool)
        for row, names in zip(covers, self._covers, strict=True):
            row[[_INDEX[name] for name in names]] = True
        return Figure(part, joint, start, axes / stretch[..., None], *rest, covers)


def dress(body: Proportions, rng: np.random.Generator) -> Figure:
    """Draw skin, hair and clothes for a body."""
    tailor = _Tailor()
    skin = np.array(_SKIN[rng.integers(len(_SKIN))]) * rng.uniform(0.9, 1.05)
    shirt, trousers = _cloth(rng), _cloth(rng)
    if rng.random() < 0.12:
        trousers = shirt
    _trunk(tailor, body, shirt, trousers, skin)
    _head(tailor, body, skin, rng)
    sleeve = float(rng.choice([0.4, 0.6, 1.0, 2.0], p=[0.15, 0.3, 0.1, 0.45]))
    leg = float(rng.choice([0.6, 1.0, 1.3, 2.0], p=[0.12, 0.15, 0.08, 0.65]))
    shoe, tip = _colour(rng), _colour(rng)
    loose = rng.uniform(1.0, 1.22, 2)
    for side in ('right', 'left'):
        _arm(tailor, body, (shirt, skin), side, (sleeve, loose[0]))
        _leg(tailor, body, (trousers, skin), side, (leg, loose[1]))
        _foot(tailor, body, side, plain(np.clip(shoe, 0, 1), tip=tip, cut=0.72))
    return tailor.finish()


def stool(rng: np.random.Generator, seat_m: float) -> Figure:
    """A stool for the actor to sit on, its seat `seat_m` above the ground at the origin.

    Its solids hang on the pelvis at the origin, unturned: place it with frames at rest.
    """
    tailor = _Tailor()
    wood, metal = plain(_colour(rng)), plain(_colour(rng) * 0.6)
    wide = rng.uniform(0.17, 0.23)
    tailor.ball('pelvis', 'pelvis', (0, 0, seat_m - 0.03), (wide, wide, 0.03), wood)
    for x, y in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        top, foot = 0.5 * wide, 0.72 * wide
        tailor.add('pelvis', 'pelvis', (x * top, y * top, seat_m - 0.04),
                   (x * foot, y * foot, 0.01), radii=(0.014, 0.012), paint=metal)  # fmt: skip
    return tailor.finish()


def _cloth(rng: np.random.Generator) -> dict:
    """Colours of a garment: plain, striped or patched."""
    colour, other = _colour(rng), _colour(rng)
    kind = rng.random()
    if kind < 0.55:
        return {'colour': colour}
    waves = [(60.0, 0.0), (0.0, 60.0), (40.0, 40.0), (18.0, 25.0)][rng.integers(4)]
    waves = tuple(rng.uniform(0.6, 1.5) * np.array(waves))
    return {'colour': colour, 'pattern': other, 'waves': waves, 'level': rng.uniform(-0.2, 0.7)}


def _colour(rng: np.random.Generator) -> Array:
    """A random colour: dark, grey or bright."""
    grey = rng.uniform(0.05, 0.95)
    tint = rng.uniform(0.0, 1.0, 3).tolist()
    middle, strength = sum(tint) / 3, rng.uniform(0.0, 0.9)
    return np.array([min(max(grey + strength * (t - middle), 0.02), 0.98) for t in tint])


def _painted(cloth: dict, unit: float, **more):
    """Paint of a garment for a solid whose unit is `unit` metres."""
    cloth = dict(cloth)
    if 'waves' in cloth:
        cloth['waves'] = tuple(unit * w for w in cloth['waves'])
    return plain(cloth.pop('colour'), **cloth, **more)


def _trunk(tailor: _Tailor, body: Proportions, shirt: dict, trousers: dict, skin) -> None:
    H, g = body.stature, body.girth
    hips = (0.070 * g, 0.098 * g) if not body.female else (0.072 * g, 0.105 * g)
    waist = (0.065 * g, 0.089 * g) if not body.female else (0.060 * g, 0.078 * g)
    chest = (0.068 * g, 0.094 * g) if not body.female else (0.066 * g, 0.082 * g)

    def section(part, joint, span, size, *, paint, covers, grow=1.0):
        unit = 0.05 * H
        low, high = ((0.0, 0.0, z * H) for z in span)
        tailor.add(part, joint, low, high, radii=(1.0, grow), paint=paint,
                   stretch=(size[0] * H, size[1] * H, unit), covers=covers)  # fmt: skip

    middle = ('spine', 'pelvis', 'thorax')
    sides = ('right_hip', 'left_hip')
    upper, lower = _painted(shirt, 0.08), _painted(trousers, 0.08)
    section('pelvis', 'pelvis', (-0.012, 0.035), hips, paint=lower, covers=(*middle, *sides))
    section('belly', 'spine', (-0.065, 0.02), waist, paint=upper, covers=middle)
    section('chest', 'spine', (0.0, 0.112), chest, paint=upper, covers=middle, grow=0.92)
    wide = body.shoulder * 0.90
    tailor.add('chest', 'thorax', (0, -wide, -0.012 * H), (0, wide, -0.012 * H),
               radii=(0.036 * H * g, 0.036 * H * g), paint=_painted(shirt, 1.0),
               covers=('right_shoulder', 'left_shoulder', 'neck'))  # fmt: skip
    if body.female:
        for sign in (-1.0, 1.0):
            tailor.ball('chest', 'thorax', (0.045 * H, sign * 0.036 * H, -0.085 * H),
                        (0.034 * H, 0.036 * H, 0.034 * H), _painted(shirt, 0.06),
                        covers=middle)  # fmt: skip
    tailor.add('chest', 'thorax', (0, 0, 0), (0.012 * H, 0, 0.09 * H),
               radii=(0.034 * H * g, 0.029 * H * g), paint=plain(skin),
               covers=('neck',))  # fmt: skip


def _head(tailor: _Tailor, body: Proportions, skin, rng: np.random.Generator) -> None:
    H = body.stature
    long, wide, high = 0.0565 * H, 0.0440 * H, 0.0670 * H
    front, top = 0.014 * H, body.head - high
    hair = np.array(_HAIR[rng.integers(len(_HAIR))]) * rng.uniform(0.7, 1.15)
    if rng.random() < 0.12:
        hair = _colour(rng)  # a cap
    cover = ('neck', 'head')

    def feature(x, y, z, radii, paint):
        center = (front + x * long, y * wide, top + z * high)
        tailor.ball('head', 'neck', center, tuple(np.array(radii) * H), paint, covers=cover)

    feature(0, 0, 0, (long / H, wide / H, high / H), plain(skin))
    if rng.random() > 0.08:
        feature(-0.22, 0, 0.16, (0.0545, 0.0475, 0.0610), plain(hair))
        if rng.random() < (0.75 if body.female else 0.1):
            feature(-0.62, 0, -0.55, (0.030, 0.044, 0.065), plain(hair))
    for sign in (-1.0, 1.0):
        feature(0.86, 0.40 * sign, 0.10, (0.0062, 0.0095, 0.0062), plain((0.95, 0.95, 0.95)))
        feature(0.91, 0.40 * sign, 0.10, (0.0052, 0.0052, 0.0056), plain((0.08, 0.06, 0.05)))
        feature(0.85, 0.42 * sign, 0.25, (0.0060, 0.0120, 0.0028), plain(hair * 0.6))
        feature(-0.05, 1.0 * sign, -0.05, (0.010, 0.006, 0.017), plain(skin * 0.92))
    feature(1.02, 0, -0.12, (0.0095, 0.0072, 0.0140), plain(skin * 0.93))
    feature(0.84, 0, -0.50, (0.0060, 0.0150, 0.0040), plain((0.62, 0.22, 0.22)))
    if not body.female and rng.random() < 0.25:
        feature(0.30, 0, -0.62, (0.0400, 0.0370, 0.0320), plain(hair * 0.9))


def _arm(tailor: _Tailor, body: Proportions, looks, side: str, cut) -> None:
    H, g = body.stature, body.girth * (0.92 if body.female else 1.0)
    cloth, skin = looks
    sleeve, loose = cut
    upper = 0.030 * H * g * (loose if sleeve > 0.5 else 1.0)
    lower = 0.026 * H * g * (loose if sleeve > 1.1 else 1.0)
    shoulder, elbow, wrist = (f'{side}_{name}' for name in ('shoulder', 'elbow', 'wrist'))
    tailor.add(f'{side}_upper_arm', shoulder, (0, 0, 0), (0, 0, -body.upper_arm),
               radii=(1.08 * upper, 0.80 * upper),
               paint=_painted(cloth, 1.0, tip=skin, cut=sleeve),
               covers=(elbow,))  # fmt: skip
    tailor.add(f'{side}_forearm', elbow, (0, 0, 0), (0, 0, -body.forearm),
               radii=(lower, 0.66 * lower),
               paint=_painted(cloth, 1.0, tip=skin, cut=0.95 if sleeve > 1.1 else -9.0),
               covers=(wrist,))  # fmt: skip
    tailor.ball(f'{side}_forearm', wrist, (0, 0, -0.042 * H), (0.023 * H, 0.011 * H, 0.050 * H),
                plain(skin))  # fmt: skip
    inward = 0.0046 * H if side == 'right' else -0.0046 * H
    tailor.ball(f'{side}_forearm', wrist, (0.020 * H, inward, -0.030 * H),
                (0.008 * H, 0.008 * H, 0.022 * H), plain(skin * 0.97))  # fmt: skip


def _leg(tailor: _Tailor, body: Proportions, looks, side: str, cut) -> None:
    H, g = body.stature, body.girth
    cloth, skin = looks
    reach, loose = cut
    thigh = 0.049 * H * g * (0.5 + 0.5 * loose)
    shank = 0.033 * H * g * (loose if reach > 1.1 else 1.0)
    hip, knee, ankle = (f'{side}_{name}' for name in ('hip', 'knee', 'ankle'))
    tailor.add(f'{side}_thigh', hip, (0, 0, 0.01 * H), (0, 0, -body.thigh),
               radii=(thigh, 0.68 * thigh),
               paint=_painted(cloth, 1.0, tip=skin, cut=reach),
               covers=(knee, 'pelvis'))  # fmt: skip
    tailor.add(f'{side}_shank', knee, (0, 0, 0), (0, 0, -body.shank),
               radii=(shank, (0.62 if reach <= 1.1 else 0.78) * shank),
               paint=_painted(cloth, 1.0, tip=skin, cut=reach - 1.0 if reach > 1.1 else -9.0),
               covers=(ankle,))  # fmt: skip
    tailor.ball(f'{side}_shank', knee, (-0.012 * H, 0, -0.075 * H),
                (0.026 * H * g, 0.028 * H * g, 0.062 * H),
                _painted(cloth, 0.04) if reach > 1.5 else plain(skin))  # fmt: skip


def _foot(tailor: _Tailor, body: Proportions, side: str, paint) -> None:
    H = body.stature
    ankle = f'{side}_ankle'
    tailor.add(f'{side}_foot', ankle, (-0.018 * H, 0, -0.020 * H), (0.095 * H, 0, -0.025 * H),
               radii=(0.0190 * H, 0.0140 * H), paint=paint, stretch=(1.0, 1.25, 1.0))  # fmt: skip
