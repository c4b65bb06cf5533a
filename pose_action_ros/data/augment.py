"""Augmentation that needs the source image: scale, rotation, shift of the window, subsampling.

Two sets of ranges: the paper's, one for all data (supplement, Appendix B), and those of the
authors' released code, one per data set (branch cvpr18, `deephar/config.py`). Mirroring and the
powers of the colour channels work on the finished crop and are `training.augmentation`'s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

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
    'Framing',
    'Ranges',
    'Variation',
    'ranges_named',
    'varied_window',
]


@dataclass(frozen=True)
class Variation:
    """How one sample is seen.

    Attributes:
        angle_deg: Turns the picture counter-clockwise about the window's centre.
        scale: Size of the window over the tidy one; 2 shows the person half as large.
        shift_x: Moves the window to the right, in pixels of the data set's convention.
        shift_y: Moves it down.
        stride: Distance between the frames of a clip; 0: the data set's own.
    """

    angle_deg: float = 0.0
    scale: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    stride: int = 0


TIDY = Variation()
"""As samples are seen in validation and test."""


class Drawn(Protocol):
    """Anything that variations are drawn from."""

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
    whole_image: float = 0.08
    empty: float = 0.06

    def draw(self, rng: np.random.Generator) -> Variation:
        """Return a variation."""
        far = self.far > 0.0 and rng.random() < self.far
        scale, limit = (self.far_scale, self.far_shift) if far else (self.scale, self.shift)
        size = math.exp(rng.uniform(*np.log(scale)))
        x, y = CROP_PX * limit * rng.uniform(-1, 1, 2)
        angle_deg = float(np.clip(rng.normal(), -2.5, 2.5)) * self.angle_deg
        return Variation(angle_deg, size, float(x), float(y))


@dataclass(frozen=True)
class Ranges:
    """What a variation is drawn from.

    Attributes:
        angles_deg: Choices; if `uniform`, lowest and highest.
        scales: Likewise.
        shifts_x: Likewise.
        shifts_y: Likewise.
        strides: Choices, in frames.
        uniform: Draw from intervals instead of lists (but strides).
    """

    angles_deg: tuple[float, ...] = (0.0,)
    scales: tuple[float, ...] = (1.0,)
    shifts_x: tuple[float, ...] = (0.0,)
    shifts_y: tuple[float, ...] = (0.0,)
    strides: tuple[int, ...] = (1,)
    uniform: bool = False

    def draw(self, rng: np.random.Generator) -> Variation:
        """Return a variation; equally many numbers are drawn each time."""
        values = [
            float(rng.uniform(choices[0], choices[-1]))
            if self.uniform
            else float(choices[rng.integers(len(choices))])
            for choices in (self.angles_deg, self.scales, self.shifts_x, self.shifts_y)
        ]
        return Variation(*values, stride=int(self.strides[rng.integers(len(self.strides))]))


def _steps(limit: int) -> tuple[float, ...]:
    return tuple(float(value) for value in range(-limit, limit + 1, 5))


PAPER = Ranges((-45.0, 45.0), (0.7, 1.3), (-40.0, 40.0), (-40.0, 40.0), (1, 2, 3), uniform=True)
"""Rotation, scale, shifts and subsampling of Appendix B."""

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


def ranges_named(name: str, dataset: str, kind: str) -> Ranges | None:
    """Return the ranges of a setting.

    Args:
        name: `paper`, `released` or `none`.
        dataset: mpii, h36m, penn_action or ntu.
        kind: poses or clips.

    Returns:
        None for `none`.

    Raises:
        ConfigError: There are no such ranges.
    """
    if name == 'paper':
        return PAPER
    if name == 'none':
        return None
    ranges = RELEASED.get(f'{dataset}_{kind}', RELEASED.get(dataset))
    if name == 'released' and ranges is not None:
        return ranges
    raise ConfigError(
        f'no augmentation {name!r} for {dataset} {kind}; expected paper, released or none'
    )


def varied_window(box: PersonBox, variation: Variation, shift_px: float = 1.0) -> CropTransform:
    """Return the map of a varied window to the crop.

    Args:
        box: The tidy window, in source pixels.
        variation: How it is varied.
        shift_px: Source pixels per unit of shift; the shift also grows with the scale, as
            released.
    """
    unit = shift_px * variation.scale
    moved = PersonBox(
        box.center_x + unit * variation.shift_x,
        box.center_y + unit * variation.shift_y,
        max(box.size * variation.scale, MIN_BOX_PX),
    )
    return crop_transform(moved, angle_deg=variation.angle_deg)
