"""The simulated actor as a data set: an endless training stream, fixed validation and test sets.

Owns: `SimulatedPoses` and `SimulatedClips`. Sample i depends on the split and on i alone: it has
an actor, clothes, camera, light, backdrop and motion of its own, drawn from a seed that begins
with the split's number, so nothing of one split occurs in another. Classes are balanced: sample i
shows action i % 15. The actor is rendered straight into the crop, through a camera whose pixels
are those that `geometry.extract_crop` would sample. All of it happens on the CPU, about 60 crops
a second on one core, twice as many in clips, which share their backdrop: loader workers multiply
that. A GPU casts batches with `simulation.renderer.join` and `cast`.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from pose_action_ros.core.actions import SIMULATED_ACTIONS
from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.data.sample import ClipSample, PoseSample
from pose_action_ros.geometry.crop import (
    CROP_PX,
    CropTransform,
    box_around,
    crop_transform,
    extract_crop,
    whole_image_box,
)
from pose_action_ros.simulation.motions import ENDS_APART
from pose_action_ros.simulation.optics import add_noise, noise_table
from pose_action_ros.simulation.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.geometry.camera import Camera
    from pose_action_ros.simulation.scene import Truth
    from pose_action_ros.simulation.sequence import Segment

__all__ = ['BOX_ENLARGE', 'SPLITS', 'Framing', 'SimulatedClips', 'SimulatedPoses', 'crop_window']

SPLITS = ('train', 'val', 'test')
BOX_ENLARGE = 1.25
"""Side of a person's window over the larger side of the box around the joints."""

_SIZE = (640, 480)
_DEPTH_BOX_M = 2.0
_ROOT = PA17J.root or 0
# Seeds are (split, kind of sample, index): streams that no two samples share.
_POSE, _CLIP = 1, 2
_SOFTNESS_PX = 0.45  # blur of a lens and of a Bayer pattern


@dataclass(frozen=True)
class Framing:
    """How far a training window may be from the tidy one.

    Attributes:
        scale: Range of the window's size over the tidy size.
        shift: Largest shift of the centre over the window's size.
        angle_deg: One standard deviation of the rotation.
        whole_image: Share of samples that are cut out as a tracker's first look, all of it.
        empty: Share of samples without anybody, from which the network learns to see nobody.
    """

    scale: tuple[float, float] = (0.85, 1.3)
    shift: float = 0.08
    angle_deg: float = 6.0
    whole_image: float = 0.08
    empty: float = 0.06


class SimulatedPoses:
    """Single crops with joints in 3D (layout pa17j).

    Args:
        split: One of `SPLITS`.
        count: Number of samples; None for no end (training only).
        framing: Windows of training samples; validation and test windows are tidy.
        photographs: Pictures to use as backdrops beside the drawn ones.
        empty: The same places and windows with nobody there: joints NaN, visibility 0.

    Raises:
        DatasetError: There is no such split, or it needs a count.
    """

    def __init__(
        self,
        split: str,
        count: int | None = None,
        *,
        framing: Framing | None = None,
        photographs: Sequence[Path] = (),
        empty: bool = False,
    ) -> None:
        self._split = _split_number(split, count)
        self._count = sys.maxsize if count is None else count
        self._framing = (framing or Framing()) if split == 'train' else None
        self._empty = empty
        self._photographs = tuple(photographs)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> PoseSample:
        """Return sample `index`.

        Raises:
            IndexError: It is out of range.
        """
        index = _checked(index, self._count)
        rng = np.random.default_rng([self._split, _POSE, index])
        scene, segment = _scene_of(rng, index)
        time_s = segment.start_s + rng.random() * segment.duration_s
        truth = scene.truth(np.array([time_s]))
        transform = self._window(truth.joints_image_px[0], rng)
        empty = self._empty or (self._framing is not None and rng.random() < self._framing.empty)
        crops = _render(scene, None if empty else truth, [transform], rng, self._photographs)
        fields = _fields(scene.camera, truth, [transform])
        if empty:
            for name in ('joints_crop', 'joints_camera_m'):
                fields[name].fill_(torch.nan)
            fields['visibility'].zero_()
        return PoseSample(
            crop=crops[0],
            joints_crop=fields['joints_crop'][0],
            visibility=fields['visibility'][0],
            image_to_crop=fields['image_to_crop'][0],
            joints_camera_m=fields['joints_camera_m'][0],
            intrinsics=fields['intrinsics'],
        )

    def _window(self, joints_px: NDArray[np.float64], rng: np.random.Generator) -> CropTransform:
        box = box_around(joints_px, enlarge=BOX_ENLARGE) or whole_image_box(*_SIZE)
        framing = self._framing
        if framing is None:
            return crop_transform(box)
        if rng.random() < framing.whole_image:
            return crop_transform(whole_image_box(*_SIZE))
        size = box.size * math.exp(rng.uniform(*np.log(framing.scale)))
        shift = framing.shift * size * rng.uniform(-1, 1, 2)
        box = PersonBox(box.center_x + shift[0], box.center_y + shift[1], size)
        angle = float(np.clip(rng.normal(), -2.5, 2.5)) * framing.angle_deg
        return crop_transform(box, angle_deg=angle)


class SimulatedClips:
    """Clips with joints of every frame and the action that runs at the end.

    The window of a frame is the box around the joints of the frame before, as a tracker has it; in
    training it also lags, shakes and has the wrong size. At least `share` of the frames show the
    labelled action, the others the action or transition before it.

    Args:
        split: One of `SPLITS`.
        count: Number of samples; None for no end (training only).
        frames: T.
        period_s: Time between frames.
        share: Smallest share of the frames that lies in the labelled action.
        photographs: Pictures to use as backdrops beside the drawn ones.

    Raises:
        DatasetError: There is no such split, it needs a count, or the clip is too long.
    """

    def __init__(
        self,
        split: str,
        count: int | None = None,
        *,
        frames: int = 16,
        period_s: float = 1.0 / 15.0,
        share: float = 0.6,
        photographs: Sequence[Path] = (),
    ) -> None:
        self._split = _split_number(split, count)
        self._count = sys.maxsize if count is None else count
        self._loose = split == 'train'
        self._photographs = tuple(photographs)
        self._times_s = period_s * np.arange(-frames - 1, 1)  # two more for the tracker
        self._share_s = share * period_s * (frames - 1)
        if self._share_s > 1.5 or period_s * (frames + 1) - self._share_s > 1.5:
            raise DatasetError(
                f'found clips of {frames} frames every {period_s:.3f} s; the simulated actor '
                'changes its action about every 2 s, so a clip must not be longer than that'
            )

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> ClipSample:
        """Return sample `index`.

        Raises:
            IndexError: It is out of range.
        """
        index = _checked(index, self._count)
        rng = np.random.default_rng([self._split, _CLIP, index])
        scene, segment = _scene_of(rng, index)
        end_s = segment.start_s + rng.uniform(self._share_s, segment.duration_s)
        truth = scene.truth(np.maximum(end_s + self._times_s, 0.0))
        windows = self._windows(truth.joints_image_px, rng)
        truth = truth.after(2)
        crops = _render(scene, truth, windows, rng, self._photographs)
        fields = _fields(scene.camera, truth, windows)
        action = torch.tensor(SIMULATED_ACTIONS.index(segment.action))
        return ClipSample(crop=crops, action=action, **fields)

    def _windows(
        self, joints_px: NDArray[np.float64], rng: np.random.Generator
    ) -> list[CropTransform]:
        """T windows from the joints of T + 2 frames."""
        scale = math.exp(rng.uniform(math.log(0.88), math.log(1.2)))
        lag, shake = rng.random(), rng.uniform(0.0, 0.02)
        windows = []
        for before, last in pairwise(joints_px[:-1]):
            seen = last + lag * (before - last) if self._loose else last
            box = box_around(seen, enlarge=BOX_ENLARGE) or whole_image_box(*_SIZE)
            if self._loose:
                x, y, size = shake * np.clip(rng.standard_normal(3), -2, 2) * box.size
                box = PersonBox(box.center_x + x, box.center_y + y, (box.size + size) * scale)
            windows.append(crop_transform(box))
        return windows


def _split_number(split: str, count: int | None) -> int:
    if split not in SPLITS:
        raise DatasetError(f'unknown split {split!r}; expected one of {", ".join(SPLITS)}')
    if count is None and split != 'train':
        raise DatasetError(f'the {split} split has a fixed size; say how many samples it has')
    if count is not None and count < 1:
        raise DatasetError(f'found a count of {count}; expected 1 or more')
    return SPLITS.index(split)


def _checked(index: int, count: int) -> int:
    if not -count <= index < count:
        raise IndexError(f'sample {index} of {count}')
    return index % count


def _scene_of(rng: np.random.Generator, index: int) -> tuple[Scene, Segment]:
    """A scene that begins with any action and goes on with that of the index; its segment."""
    action = SIMULATED_ACTIONS[index % len(SIMULATED_ACTIONS)]
    apart = (*ENDS_APART, 'stand up')
    before = [
        a
        for a in SIMULATED_ACTIONS
        if (a in ENDS_APART if action == 'stand up' else a not in apart)
    ]
    opening = (before[rng.integers(len(before))], action)
    scene = Scene(rng, *_SIZE, opening=opening)
    return scene, scene.sequence.segment(1)


def _render(
    scene: Scene,
    truth: Truth | None,
    transforms: list[CropTransform],
    rng: np.random.Generator,
    photographs: Sequence[Path],
) -> torch.Tensor:
    """(T, 3, 256, 256) uint8 crops; without a truth nobody is there."""
    backdrop = scene.draw_backdrop(photographs)
    pictures = np.stack([extract_crop(backdrop, transform) for transform in transforms])
    if truth is not None:
        windows = np.stack([crop_window(scene.camera, transform) for transform in transforms])
        pictures = scene.render(truth, windows, pictures)
    crops = np.empty((len(pictures), 3, CROP_PX, CROP_PX), np.uint8)
    for t, picture in enumerate(pictures):
        transform = transforms[t]
        softness = _SOFTNESS_PX * max(1.0, CROP_PX / transform.size_px)
        picture = cv2.GaussianBlur(picture, (3, 3) if softness < 0.8 else (5, 5), softness)
        picture = add_noise(picture, _noise(), scene.noise_sigma, rng)
        _blacken(picture, transform)
        crops[t] = picture.transpose(2, 0, 1)
    return torch.from_numpy(crops)


def crop_window(camera: Camera, transform: CropTransform) -> NDArray[np.float64]:
    """Return (2, 3): column, row, 1 of a crop's pixel to x / z, y / z of its ray.

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


def _blacken(picture: NDArray[np.uint8], transform: CropTransform) -> None:
    """Make the part of a crop black that lies outside the source image."""
    width, height = _SIZE
    corners = transform.to_image([(0, 0), (1, 0), (1, 1), (0, 1)])
    if (corners >= 0).all() and (corners <= (width, height)).all():
        return
    outline = CROP_PX * transform.to_crop([(0, 0), (width, 0), (width, height), (0, height)]) - 0.5
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.rint(outline * 16).astype(np.int32), 1, shift=4)
    picture *= mask[..., None]


def _fields(
    camera: Camera, truth: Truth, transforms: list[CropTransform]
) -> dict[str, torch.Tensor]:
    """All fields of T samples but the crop and the action."""
    joints = truth.joints_camera_m
    depth = joints[..., 2] - joints[:, _ROOT, None, 2]
    crop = np.empty(joints.shape)
    for t, transform in enumerate(transforms):
        crop[t, :, :2] = transform.to_crop(truth.joints_image_px[t])
    crop[..., 2] = depth / _DEPTH_BOX_M + 0.5
    inside = ((crop[..., :2] > 0.0) & (crop[..., :2] < 1.0)).all(-1)
    crop[~inside] = np.nan
    matrices = np.stack([transform.matrix for transform in transforms])
    intrinsics = (camera.fx, camera.fy, camera.cx, camera.cy)
    return {
        'joints_crop': torch.from_numpy(crop.astype(np.float32)),
        'visibility': torch.from_numpy(inside.astype(np.float32)),
        'image_to_crop': torch.from_numpy(matrices),
        'joints_camera_m': torch.from_numpy(joints.astype(np.float32)),
        'intrinsics': torch.tensor(intrinsics, dtype=torch.float32),
    }


@lru_cache(maxsize=1)
def _noise() -> NDArray[np.int16]:
    """A table of sensor noise from which all crops are cut."""
    return noise_table(np.random.default_rng(0x4E4F495345), 3 * CROP_PX // 2, 3 * CROP_PX // 2)
