"""The simulated actor as a data set: an endless training stream, fixed validation and test sets.

Owns: `SimulatedPoses` and `SimulatedClips`. Sample i depends on the split and on i alone, in
training also on the run's seed. Its actor, clothes, camera, light, backdrop and motion are drawn
from a seed that begins with the split's number, so the splits share nothing. Classes are balanced:
sample i shows action i % 15. By default a sample is complete, and CPU cores do all the work.
Undeveloped samples have `shots` (`CropShots`) in place of `crop`: loader workers do the cheap part
only, and the training device develops a whole batch at once. The pixels are the same.
`benchmarks/rendering.py` measures both.
"""

from __future__ import annotations

import math
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pose_action_ros.core.actions import OTHER, SIMULATED_ACTIONS
from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.data.augment import TIDY, Framing, Ranges, Variation, varied_window
from pose_action_ros.data.simulated_crops import take_crops
from pose_action_ros.geometry.crop import (
    CROP_PX,
    CropTransform,
    box_around,
    crop_transform,
    whole_image_box,
)
from pose_action_ros.simulation.motions import ENDS_APART
from pose_action_ros.simulation.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.data.sample import ClipSample, PoseSample
    from pose_action_ros.data.simulated_crops import CropShots
    from pose_action_ros.geometry.camera import Camera
    from pose_action_ros.simulation.scene import Truth
    from pose_action_ros.simulation.sequence import Segment

__all__ = ['BOX_ENLARGE', 'SPLITS', 'SimulatedClips', 'SimulatedPoses']

SPLITS = ('train', 'val', 'test')
BOX_ENLARGE = 1.25
"""Side of a person's window over the larger side of the box around the joints."""

_SIZE = (640, 480)
_DEPTH_BOX_M = 2.0
_STRIDE = 2.0  # frames of 30 Hz between those of a tidy clip
_ROOT = PA17J.root or 0
# Seeds are (split, kind of sample, index): streams that no two samples share.
_POSE, _CLIP = 1, 2


class SimulatedPoses:
    """Single crops with joints in 3D (layout pa17j).

    Args:
        split: One of `SPLITS`.
        count: Number of samples; None: endless (training only).
        framing: Windows of training samples, of a framing or of ranges; validation and test
            windows are tidy.
        photographs: Pictures to use as backdrops beside the drawn ones.
        empty: The same places and windows without the actor: joints NaN, visibility 0.
        developed: False: samples have `shots` in place of `crop`.
        backdrop_in_crop: Draw different, cheaper backdrops: see `take_crops`.
        seed: Another one gives other training samples; validation and test stay as they are.

    Raises:
        DatasetError: There is no such split, or it needs a count.
    """

    def __init__(
        self,
        split: str,
        count: int | None = None,
        *,
        framing: Framing | Ranges | None = None,
        photographs: Sequence[Path] = (),
        empty: bool = False,
        developed: bool = True,
        backdrop_in_crop: bool = False,
        seed: int = 0,
    ) -> None:
        self._split = _split_number(split, count)
        self._seed = _seed_of(split, seed)
        self._count = sys.maxsize if count is None else count
        self._framing = (framing or Framing()) if split == 'train' else None
        self._empty = empty
        self._photographs = tuple(photographs)
        self._developed = developed
        self._backdrop_in_crop = backdrop_in_crop

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> PoseSample:
        """Return sample `index`.

        Raises:
            IndexError: It is out of range.
        """
        index = _checked(index, self._count)
        rng = np.random.default_rng([self._split, _POSE, index, *self._seed])
        scene, segment = _scene_of(rng, SIMULATED_ACTIONS[index % len(SIMULATED_ACTIONS)])
        time_s = segment.start_s + rng.random() * segment.duration_s
        truth = scene.truth(np.array([time_s]))
        transform = self._window(truth.joints_image_px[0], rng)
        empty = self._empty or (
            isinstance(self._framing, Framing) and rng.random() < self._framing.empty
        )
        shots = take_crops(
            scene, None if empty else truth, [transform], rng, self._photographs,
            backdrop_in_crop=self._backdrop_in_crop,
        )  # fmt: skip
        fields = _fields(scene.camera, truth, [transform])
        if empty:
            for name in ('joints_crop', 'joints_camera_m'):
                fields[name].fill_(torch.nan)
            fields['visibility'].zero_()
        whole = ('intrinsics', 'depth_is_hint')
        sample = {k: v if k in whole else v[0] for k, v in fields.items()}
        return _with_pictures(sample, shots, developed=self._developed, single=True)

    def _window(self, joints_px: NDArray[np.float64], rng: np.random.Generator) -> CropTransform:
        box = _box(joints_px)
        framing = self._framing
        if framing is None:
            return crop_transform(box)
        if isinstance(framing, Framing) and rng.random() < framing.whole_image:
            return crop_transform(whole_image_box(*_SIZE))
        seen = framing.draw(rng)
        return varied_window(box, seen, box.size / CROP_PX)


class SimulatedClips:
    """Clips with the joints of every frame and the action at the end.

    The window of a frame is the box around the joints of the frame before, as in a tracker. In
    training it also lags, shakes and has the wrong size. At least `share` of the frames show the
    labelled action, the others the action or transition before it.

    Args:
        split: One of `SPLITS`.
        count: Number of samples; None: endless (training only).
        frames: T.
        period_s: Time between frames.
        share: Smallest share of the frames that lies in the labelled action.
        photographs: Pictures to use as backdrops beside the drawn ones.
        developed: False: samples have `shots`, of T images, in place of `crop`.
        labels: Names of the classes. The actor shows those that it knows, `SIMULATED_ACTIONS`
            and `OTHER`, in turn.
        ranges: Vary all windows of a training clip in the same way, and the time between its
            frames (`period_s` is two strides); None: the windows of a loose tracker.
        seed: Another one gives other training samples; validation and test stay as they are.

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
        developed: bool = True,
        labels: tuple[str, ...] = SIMULATED_ACTIONS,
        ranges: Ranges | None = None,
        seed: int = 0,
    ) -> None:
        self._split = _split_number(split, count)
        self._seed = _seed_of(split, seed)
        self._labels = labels
        self._actions = [name for name in (*SIMULATED_ACTIONS, OTHER) if name in labels]
        self._count = sys.maxsize if count is None else count
        self._developed = developed
        self._loose = split == 'train'
        self._photographs = tuple(photographs)
        self._ranges = ranges if self._loose else None
        self._times_s = period_s * np.arange(-frames - 1, 1)  # two more for the tracker
        self._share_s = share * period_s * (frames - 1)
        slowest = max(self._ranges.strides) / _STRIDE if self._ranges else 1.0
        share_s, period_s = slowest * self._share_s, slowest * period_s
        if share_s > 1.5 or period_s * (frames + 1) - share_s > 1.5:
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
        rng = np.random.default_rng([self._split, _CLIP, index, *self._seed])
        action = self._actions[index % len(self._actions)]
        scene, segment = _scene_of(rng, action)
        seen = TIDY if self._ranges is None else self._ranges.draw(rng)
        slower = seen.stride / _STRIDE if seen.stride else 1.0
        end_s = segment.start_s + rng.uniform(slower * self._share_s, segment.duration_s)
        truth = scene.truth(np.maximum(end_s + slower * self._times_s, 0.0))
        windows = self._windows(truth.joints_image_px, seen, rng)
        truth = truth.after(2)
        shots = take_crops(scene, truth, windows, rng, self._photographs)
        sample = _fields(scene.camera, truth, windows)
        sample['action'] = torch.tensor(self._labels.index(segment.action))
        return _with_pictures(sample, shots, developed=self._developed)

    def _windows(
        self, joints_px: NDArray[np.float64], variation: Variation, rng: np.random.Generator
    ) -> list[CropTransform]:
        """T windows from the joints of T + 2 frames."""
        if self._ranges is not None:
            boxes = [_box(before) for before in joints_px[1:-1]]
            return [varied_window(box, variation, box.size / CROP_PX) for box in boxes]
        scale = math.exp(rng.uniform(math.log(0.88), math.log(1.2)))
        lag, shake = rng.random(), rng.uniform(0.0, 0.02)
        windows = []
        for before, last in pairwise(joints_px[:-1]):
            seen = last + lag * (before - last) if self._loose else last
            box = _box(seen)
            if self._loose:
                x, y, size = shake * np.clip(rng.standard_normal(3), -2, 2) * box.size
                box = PersonBox(box.center_x + x, box.center_y + y, (box.size + size) * scale)
            windows.append(crop_transform(box))
        return windows


def _box(joints_px: NDArray[np.float64]) -> PersonBox:
    return box_around(joints_px, enlarge=BOX_ENLARGE) or whole_image_box(*_SIZE)


def _split_number(split: str, count: int | None) -> int:
    if split not in SPLITS:
        raise DatasetError(f'unknown split {split!r}; expected one of {", ".join(SPLITS)}')
    if count is None and split != 'train':
        raise DatasetError(f'the {split} split has a fixed size; give a count')
    if count is not None and count < 1:
        raise DatasetError(f'found a count of {count}; expected 1 or more')
    return SPLITS.index(split)


def _seed_of(split: str, seed: int) -> tuple[int, ...]:
    """Offset added to the seeds of samples."""
    return (seed,) if seed and split == 'train' else ()


def _checked(index: int, count: int) -> int:
    if not -count <= index < count:
        raise IndexError(f'sample {index} of {count}')
    return index % count


def _scene_of(rng: np.random.Generator, action: str) -> tuple[Scene, Segment]:
    """A scene that begins with any action and continues with the given one; its segment."""
    apart = (*ENDS_APART, 'stand up')
    before = [
        a
        for a in SIMULATED_ACTIONS
        if (a in ENDS_APART if action == 'stand up' else a not in apart)
    ]
    opening = (before[rng.integers(len(before))], action)
    scene = Scene(rng, *_SIZE, opening=opening)
    return scene, scene.sequence.segment(1)


def _with_pictures(
    sample: dict[str, Any], shots: CropShots, *, developed: bool, single: bool = False
) -> Any:
    """The sample with `crop` or `shots`."""
    if not developed:
        return {'shots': shots, **sample}
    crops = shots.develop()
    return {'crop': crops[0] if single else crops, **sample}


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
        'depth_is_hint': torch.tensor(False),
    }
