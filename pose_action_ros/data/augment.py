"""Augmentation that needs the source image: scale, rotation, shift of the window, subsampling.

There are two sets of ranges: the paper's, one for all data (supplement, Appendix B), and those of
the authors' released code, one per data set (branch cvpr18, `deephar/config.py`). Mirroring and
the powers of the colour channels work on the finished crop; `training.augmentation` has them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.geometry.crop import CROP_PX, MIN_BOX_PX, CropTransform, crop_transform

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    'PAPER',
    'RELEASED',
    'TIDY',
    'Drawn',
    'Extent',
    'Framing',
    'Ranges',
    'Variation',
    'chosen_ranges',
    'varied_window',
]


@dataclass(frozen=True)
class Variation:
    """The window and the stride of one sample.

    Attributes:
        angle_deg: Turns the picture counter-clockwise about the window's centre.
        scale: Size of the window over the tidy one; 2 shows the person half as large.
        shift_x: Moves the window to the right, in pixels of the data set's convention.
        shift_y: Moves it down.
        stride: Distance between the frames of a clip; 0: the data set's own.
        in_crop_px: Shifts are in pixels of the crop instead.
        visible: Share of the height of the joints that the picture shows, from the top; the
            picture ends there.
    """

    angle_deg: float = 0.0
    scale: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    stride: int = 0
    in_crop_px: bool = False
    visible: float = 1.0


_SIGMAS = 2.5  # that a normal rotation goes to

TIDY = Variation()
"""The variation of samples in validation and test."""


@dataclass(frozen=True)
class Extent:
    """Both ends of the range of each variation.

    Attributes:
        angle_deg: Largest rotation to either side.
        smallest: Smallest scale.
        largest: Largest scale.
        shift: Largest shift in x or y.
        in_crop_px: The shift is in pixels of the crop, else in those of the data set.
    """

    angle_deg: float = 0.0
    smallest: float = 1.0
    largest: float = 1.0
    shift: float = 0.0
    in_crop_px: bool = False

    def region(self, box: PersonBox, shift_px: float) -> PersonBox:
        """Return the square that holds all varied windows of a tidy one.

        Args:
            box: The tidy window.
            shift_px: Source pixels per unit of shift, of the data set.
        """
        angle = math.radians(min(self.angle_deg, 45.0))
        unit = box.size / CROP_PX if self.in_crop_px else shift_px
        half = 0.5 * max(box.size, MIN_BOX_PX) * (math.cos(angle) + math.sin(angle))
        return PersonBox(
            box.center_x, box.center_y, 2.0 * self.largest * (half + unit * self.shift)
        )

    def holds(self, other: Extent) -> bool:
        """Whether another extent lies within this one."""
        return (
            other.angle_deg <= self.angle_deg
            and self.smallest <= other.smallest
            and other.largest <= self.largest
            and other.shift <= self.shift
            and (other.in_crop_px == self.in_crop_px or not other.shift)
        )

    def joined(self, other: Extent) -> Extent:
        """Return the extent that holds both; shifts in two different units can't be compared."""
        if self.in_crop_px != other.in_crop_px and self.shift and other.shift:
            raise ConfigError(
                'found shifts in pixels of the crop and of the data set; expected one of them: '
                'prepare a cache for each'
            )
        return Extent(
            max(self.angle_deg, other.angle_deg),
            min(self.smallest, other.smallest),
            max(self.largest, other.largest),
            max(self.shift, other.shift),
            self.in_crop_px if self.shift else other.in_crop_px,
        )


class Drawn(Protocol):
    """A source of random variations."""

    @property
    def extent(self) -> Extent:
        """How far they go."""

    def draw(self, rng: np.random.Generator) -> Variation:
        """Return a variation."""


@dataclass(frozen=True)
class Framing:
    """How far a training window may be from the tidy one, as a tracker's or a finder's is.

    Shifts of the variations it draws are in pixels of the crop.

    Attributes:
        scale: Range of the window's size over the tidy size.
        shift: Largest shift of the centre over the window's size.
        angle_deg: One standard deviation of the rotation.
        far: Share of windows that show the person from afar.
        far_scale: Range of their size over the tidy size.
        far_shift: Largest shift of their centre over their size.
        near: Share of the other windows that show a part of the person, as after a wrong pose.
        near_scale: Range of their size over the tidy size.
        near_shift: Largest shift of their centre over their size.
        cut_off: Share of recorded samples whose picture ends within the person, as where somebody
            stands close to the camera. The window is then that of the visible part.
        cut_off_at: Range of the visible share of the height of their joints.
        whole_image: Share of simulated samples that are cut out as a tracker's first look, all of
            it.
        empty: Share of simulated samples without anybody, from which the network learns to see
            nobody.
    """

    scale: tuple[float, float] = (0.85, 1.3)
    shift: float = 0.08
    angle_deg: float = 6.0
    far: float = 0.0
    far_scale: tuple[float, float] = (1.3, 3.0)
    far_shift: float = 0.3
    near: float = 0.0
    near_scale: tuple[float, float] = (0.4, 0.75)
    near_shift: float = 0.35
    cut_off: float = 0.0
    cut_off_at: tuple[float, float] = (0.3, 0.85)
    whole_image: float = 0.08
    empty: float = 0.06

    def draw(self, rng: np.random.Generator) -> Variation:
        """Return a variation."""
        scale, limit = self.scale, self.shift
        if self.far > 0.0 and rng.random() < self.far:
            scale, limit = self.far_scale, self.far_shift
        elif self.near > 0.0 and rng.random() < self.near:
            scale, limit = self.near_scale, self.near_shift
        size = math.exp(rng.uniform(*np.log(scale)))
        x, y = CROP_PX * limit * rng.uniform(-1, 1, 2)
        angle_deg = float(np.clip(rng.normal(), -_SIGMAS, _SIGMAS)) * self.angle_deg
        visible = 1.0
        if self.cut_off > 0.0 and rng.random() < self.cut_off:
            visible = float(rng.uniform(*self.cut_off_at))
        return Variation(angle_deg, size, float(x), float(y), in_crop_px=True, visible=visible)

    @property
    def extent(self) -> Extent:
        """How far the variations go."""
        parts = [(self.scale, self.shift)]
        parts += [(self.far_scale, self.far_shift)] * (self.far > 0.0)
        parts += [(self.near_scale, self.near_shift)] * (self.near > 0.0)
        scales = [end for scale, _ in parts for end in scale]
        shift = max(shift * scale[1] for scale, shift in parts) / max(scales)
        angle_deg = _SIGMAS * self.angle_deg
        return Extent(angle_deg, min(scales), max(scales), CROP_PX * shift, in_crop_px=True)


@dataclass(frozen=True)
class Ranges:
    """The ranges of a variation.

    Attributes:
        angles_deg: Choices; if `uniform`, lowest and highest.
        scales: Likewise.
        shifts_x: Likewise.
        shifts_y: Likewise.
        strides: Choices, in frames.
        uniform: Draw from intervals instead of lists (but strides).
        in_crop_px: Shifts are in pixels of the crop instead of those of the data set.
    """

    angles_deg: tuple[float, ...] = (0.0,)
    scales: tuple[float, ...] = (1.0,)
    shifts_x: tuple[float, ...] = (0.0,)
    shifts_y: tuple[float, ...] = (0.0,)
    strides: tuple[int, ...] = (1,)
    uniform: bool = False
    in_crop_px: bool = False

    @property
    def extent(self) -> Extent:
        """How far the variations go."""
        return Extent(
            max(abs(angle) for angle in self.angles_deg),
            min(self.scales),
            max(self.scales),
            max(abs(shift) for shift in (*self.shifts_x, *self.shifts_y)),
            self.in_crop_px,
        )

    def draw(self, rng: np.random.Generator) -> Variation:
        """Return a variation; equally many numbers are drawn each time."""
        values = [
            float(rng.uniform(choices[0], choices[-1]))
            if self.uniform
            else float(choices[rng.integers(len(choices))])
            for choices in (self.angles_deg, self.scales, self.shifts_x, self.shifts_y)
        ]
        stride = int(self.strides[rng.integers(len(self.strides))])
        return Variation(*values, stride=stride, in_crop_px=self.in_crop_px)


def _steps(limit: int) -> tuple[float, ...]:
    return tuple(float(value) for value in range(-limit, limit + 1, 5))


PAPER = Ranges(
    (-45.0, 45.0),
    (0.7, 1.3),
    (-40.0, 40.0),
    (-40.0, 40.0),
    (1, 2, 3),
    uniform=True,
    in_crop_px=True,
)
"""Rotation, scale, shifts and subsampling of Appendix B, for images of 256 pixels."""

RELEASED: Mapping[str, Ranges] = MappingProxyType(
    {
        'mpii': Ranges(_steps(40), (0.7, 1.0, 1.3)),
        'h36m': Ranges(_steps(10), (0.8, 1.0, 1.2)),
        'penn_action_poses': Ranges(
            _steps(30), (0.7, 1.0, 1.3, 2.5), _steps(40), _steps(40), (1, 2)
        ),
        'penn_action_clips': Ranges(
            _steps(30), (0.7, 1.0, 1.3), _steps(40), _steps(40), (1, 2, 3)
        ),
        'ntu_poses': Ranges(_steps(15), (0.8, 1.0, 1.2, 2.0), _steps(40), _steps(10), (1, 2, 4)),
        'ntu_clips': Ranges((0.0,), (0.7, 1.0, 1.3), _steps(40), _steps(40), (1, 2, 3)),
    }
)
"""The released code's lists, by data set and, where they differ, by kind of sample."""


def chosen_ranges(setting: Any, dataset: str, kind: str) -> Ranges | None:
    """Return the ranges of a setting.

    Args:
        setting: `paper`, `released`, `none`, or the fields of `Ranges`.
        dataset: mpii, h36m, penn_action or ntu.
        kind: poses or clips.

    Returns:
        None for `none`.

    Raises:
        ConfigError: There are no such ranges.
    """
    if setting == 'paper':
        return PAPER
    if setting == 'none':
        return None
    if isinstance(setting, dict):
        return _own_ranges(setting)
    ranges = RELEASED.get(f'{dataset}_{kind}', RELEASED.get(dataset))
    if setting == 'released' and ranges is not None:
        return ranges
    raise ConfigError(
        f'no augmentation {setting!r} for {dataset} {kind}; expected paper, released or none, or '
        f'lines {", ".join(field.name for field in fields(Ranges))}'
    )


def _own_ranges(values: Mapping[str, Any]) -> Ranges:
    known = {field.name for field in fields(Ranges)}
    lists = {k: tuple(v) for k, v in values.items() if isinstance(v, (list, tuple)) and v}
    flags = {k: v for k, v in values.items() if isinstance(v, bool)}
    numbers = all(isinstance(x, (int, float)) for row in lists.values() for x in row)
    fitting = all((k in ('uniform', 'in_crop_px')) == (k in flags) for k in values)
    if set(values) - known or len(lists) + len(flags) < len(values) or not (numbers and fitting):
        raise ConfigError(
            f'found augmentation {dict(values)!r}; expected lists of numbers angles_deg, scales, '
            'shifts_x, shifts_y and strides, and uniform and in_crop_px true or false'
        )
    ranges = Ranges(**lists, **flags)
    if min(ranges.scales) <= 0.0 or min(ranges.strides) < 1:
        raise ConfigError(f'found augmentation {dict(values)!r}; expected scales and strides > 0')
    return ranges


def varied_window(box: PersonBox, variation: Variation, shift_px: float = 1.0) -> CropTransform:
    """Return the map of a varied window to the crop.

    Args:
        box: The tidy window, in source pixels.
        variation: How it is varied.
        shift_px: Source pixels per unit of shift; the shift also grows with the scale, as
            released.
    """
    shift_px = box.size / CROP_PX if variation.in_crop_px else shift_px
    unit = shift_px * variation.scale
    moved = PersonBox(
        box.center_x + unit * variation.shift_x,
        box.center_y + unit * variation.shift_y,
        max(box.size * variation.scale, MIN_BOX_PX),
    )
    return crop_transform(moved, angle_deg=variation.angle_deg)
