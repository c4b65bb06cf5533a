"""Cheap changes to a finished sample: mirror, colours, a small turn and zoom of the crop.

They work on the crop, so one rendered image serves many visits. Changes that need the source image
(large turns, shifts, scales) belong to the data sets. The powers of the colour channels are those
of the released code, branch cvpr18: 0.90 to 1.10 per channel (not mentioned in the paper).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch

from pose_action_ros.simulation.batched import Batched
from pose_action_ros.training.appearance import Appearance

if TYPE_CHECKING:
    from torch import Tensor

    from pose_action_ros.core.skeleton import Skeleton

__all__ = ['Augmentation', 'Look', 'turned_and_zoomed']

_MIRROR = torch.tensor([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)


@dataclass(frozen=True, eq=False)
class Look(Batched):
    """Mirroring and colours of B samples at one visit.

    Attributes:
        mirrored: (B,) bool.
        tables: (B, 3, 256) uint8, the new value of each value, per channel.
    """

    mirrored: Tensor
    tables: Tensor

    def apply(self, crops: Tensor) -> Tensor:
        """Return changed crops (B, ..., 3, H, W) uint8; a clip changes as a whole."""
        mirrored = self.mirrored.view(-1, *[1] * (crops.ndim - 1))
        crops = torch.where(mirrored, crops.flip(-1), crops)
        levels = crops.flatten(0, -4).flatten(2).long()  # (N, 3, H W)
        tables = self.tables.repeat_interleave(len(levels) // len(self.tables), 0)
        return tables.gather(2, levels).reshape(crops.shape)


@dataclass(frozen=True)
class Augmentation:
    """Changes a `PoseSample`, or all frames of a `ClipSample` in the same way.

    Attributes:
        skeleton: The joints' layout, with the pairs that mirroring swaps.
        flip: Mirror every second sample.
        colour_power: Each channel, as a share of 1, is raised to its own power in 1 ± this.
        zoom: Scale about the crop's centre in 1 ± this.
        turn_deg: Turn about the crop's centre in ± this, degrees.
        appearance: Further changes to the pixels; not of samples that a device develops.
    """

    skeleton: Skeleton
    flip: bool = True
    colour_power: float = 0.1
    zoom: float = 0.0
    turn_deg: float = 0.0
    appearance: Appearance = field(default_factory=Appearance)

    def __call__(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Return a changed copy; `sample` is not modified.

        Args:
            sample: Fields as in `data.sample`; crop (..., 3, H, W) uint8. A sample whose crop is
                not rendered yet gets the field `look` instead, a `Look` to apply later.
            rng: Source of every random choice; the number of draws is always the same.
        """
        mirrored = bool(rng.random() < 0.5)
        powers = 1.0 + self.colour_power * rng.uniform(-1, 1, 3)
        scale, turn_deg = 1.0 + self.zoom * rng.uniform(-1, 1), self.turn_deg * rng.uniform(-1, 1)
        sample = dict(sample)
        if self.zoom or self.turn_deg:
            sample = turned_and_zoomed(sample, scale, turn_deg)
        mirrored = self.flip and mirrored
        if mirrored:
            _mirror(sample, list(self.skeleton.flip))
        levels = np.arange(256) / 255
        tables = np.rint(255 * levels[None] ** powers[:, None]).astype(np.uint8)
        look = Look(torch.tensor([mirrored]), torch.from_numpy(tables)[None])
        if 'crop' in sample:
            sample['crop'] = look.apply(sample['crop'][None])[0]
            if self.appearance.changes:
                sample['crop'] = _changed(sample['crop'], self.appearance, rng)
        else:
            sample['look'] = look
        return sample


def _changed(crop: Tensor, appearance: Appearance, rng: np.random.Generator) -> Tensor:
    frames = crop.flatten(0, -4) if crop.ndim > 3 else crop[None]
    changed = appearance.apply(np.ascontiguousarray(frames.permute(0, 2, 3, 1).numpy()), rng)
    return torch.from_numpy(changed).permute(0, 3, 1, 2).reshape(crop.shape).contiguous()


def _mirror(sample: dict[str, Any], swap: list[int]) -> None:
    """Mirror every field but the crop; `joints_camera_m` only swaps left and right."""
    joints = sample['joints_crop'][..., swap, :].clone()
    joints[..., 0] = 1 - joints[..., 0]
    sample['joints_crop'] = joints
    sample['visibility'] = sample['visibility'][..., swap]
    sample['joints_camera_m'] = sample['joints_camera_m'][..., swap, :]
    sample['image_to_crop'] = _MIRROR @ sample['image_to_crop']


def turned_and_zoomed(sample: Any, scale: float, turn_deg: float) -> Any:
    """Return a sample turned and scaled about the crop's centre; joints that leave it are invalid.

    Args:
        sample: A `PoseSample` or `ClipSample` with its crop; not modified.
        scale: Above 1 shows the person larger.
        turn_deg: Counter-clockwise.
    """
    sample = dict(sample)
    cosine = scale * math.cos(math.radians(turn_deg))
    sine = scale * math.sin(math.radians(turn_deg))
    x_shift, y_shift = 0.5 * (1 - cosine - sine), 0.5 * (1 - cosine + sine)
    matrix = np.array([[cosine, sine, x_shift], [-sine, cosine, y_shift], [0, 0, 1]])

    crop = sample['crop'].numpy()
    height, width = crop.shape[-2:]
    to_pixels = np.array([[width, 0, -0.5], [0, height, -0.5], [0, 0, 1.0]])
    pixels = to_pixels @ matrix @ np.linalg.inv(to_pixels)
    frames = crop.reshape(-1, *crop.shape[-3:]).transpose(0, 2, 3, 1)
    warped = [cv2.warpAffine(frame, pixels[:2], (width, height)) for frame in frames]
    sample['crop'] = torch.from_numpy(
        np.stack(warped).transpose(0, 3, 1, 2).reshape(crop.shape).copy()
    )

    affine = torch.from_numpy(matrix)
    sample['image_to_crop'] = affine @ sample['image_to_crop']
    joints = sample['joints_crop'].clone()
    joints[..., :2] = (joints[..., :2].double() @ affine[:2, :2].T + affine[:2, 2]).float()
    inside = ((joints[..., :2] > 0) & (joints[..., :2] < 1)).all(-1)
    known = ~sample['joints_crop'][..., :2].isnan().any(-1)
    joints[~inside] = torch.nan
    sample['joints_crop'] = joints
    sample['visibility'] = torch.where(
        known, inside.to(sample['visibility'].dtype), sample['visibility']
    )
    return sample
