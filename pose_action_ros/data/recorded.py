"""Recorded data sets as samples: one person cut out of the frames of one recording.

A `Library` knows a data set's files; `RecordedPoses` and `RecordedClips` make samples of it,
tidy by `[index]`, varied by `varied(index, rng)`. A picture is a recording of one frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.data.augment import TIDY, Drawn, Variation, varied_window
from pose_action_ros.data.clips import clip_frames
from pose_action_ros.data.sample import ClipSample, PoseSample
from pose_action_ros.geometry.crop import box_around, extract_crop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.core.skeleton import Skeleton

__all__ = [
    'Library',
    'RecordedClips',
    'RecordedPoses',
    'Track',
    'as_pose_sample',
    'cut',
    'skipped_files',
    'skipped_lines',
]

_DEPTH_BOX_M = 2.0
_FEWEST_VISIBLE = 5  # joints a frame above the row at which a picture ends
_NAMED, _REASONS = 3, 5  # listed examples of skipped files
_UNKNOWN_INTRINSICS = (np.nan, np.nan, np.nan, np.nan)


@dataclass(frozen=True, eq=False)
class Track:
    """One annotated person over T frames.

    Attributes:
        joints_image_px: (T, J, 2), NaN if not annotated.
        depth_m: (T, J) distance along the optical axis, NaN if unknown.
        box: The window, one for all frames.
        joints_camera_m: (T, J, 3) in the camera's optical frame, NaN if unknown.
        intrinsics: fx, fy, cx, cy in pixels, NaN if unknown.
        shift_px: Source pixels per unit of `Variation.shift_x`.
        depth_is_hint: `depth_m` is another network's guess, which training trusts less.
    """

    joints_image_px: NDArray[np.float64]
    depth_m: NDArray[np.float64]
    box: PersonBox
    joints_camera_m: NDArray[np.float64]
    intrinsics: tuple[float, float, float, float] = _UNKNOWN_INTRINSICS
    shift_px: float = 1.0
    depth_is_hint: bool = False


class Library(Protocol):
    """The recordings of one split of a data set.

    Attributes:
        name: The data set.
        skeleton: The layout in which joints are given.
        actions: Names of the classes; empty if there are none.
        stride: Distance between the frames of a tidy clip.
        every: Every n-th frame is a sample; None: one frame per recording.
        skipped: Files that are not recordings of this data set or can't be read, with the reason.
    """

    name: str
    skeleton: Skeleton
    actions: tuple[str, ...]
    stride: int
    every: int | None
    skipped: dict[str, str]

    def __len__(self) -> int: ...

    def title(self, index: int) -> str:
        """Return the data set's own name of a recording."""

    def length(self, index: int) -> int:
        """Return its number of frames."""

    def action(self, index: int) -> int:
        """Return its class, -1 if there is none."""

    def track(self, index: int, frames: Sequence[int]) -> Track:
        """Return its person in these frames."""

    def images(self, index: int, frames: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Return these frames, (H, W, 3) RGB each."""


def skipped_files(library: Library) -> list[str]:
    """Return a line for each reason why files were skipped, with their number and some names."""
    return skipped_lines(library.skipped)


def skipped_lines(skipped: Mapping[str, str]) -> list[str]:
    """Return such lines of names with reasons."""
    names: dict[str, list[str]] = {}
    for name, reason in skipped.items():
        names.setdefault(reason, []).append(name)
    lines = [
        f'{len(found)} skipped: {reason}: {", ".join(found[:_NAMED])}'
        + (', ...' if len(found) > _NAMED else '')
        for reason, found in list(names.items())[:_REASONS]
    ]
    return lines + [f'and {len(names) - _REASONS} further reasons'] * (len(names) > _REASONS)


def cut(
    track: Track,
    images: Sequence[NDArray[np.uint8]],
    skeleton: Skeleton,
    variation: Variation = TIDY,
) -> dict[str, torch.Tensor]:
    """Cut a person out of T frames.

    The box of depth grows with the window (as released): z = depth from root / (2 m * scale)
    + 0.5, so that a varied person keeps its shape in the crop. A picture that ends within the
    person is cut there, and joints below are neither valid nor visible.

    Args:
        track: The person.
        images: T frames, (H, W, 3) RGB.
        skeleton: The layout of the joints, which defines the root.
        variation: The variation of the window.

    Returns:
        The fields of a `ClipSample` but the action.
    """
    end_px = _end_of_picture(track, variation.visible)
    if end_px is not None:
        images = [image[: math.ceil(end_px)] for image in images]
    box = track.box if end_px is None else _visible_window(track, end_px)
    transform = varied_window(box, variation, track.shift_px)
    crops = np.stack([extract_crop(image, transform).transpose(2, 0, 1) for image in images])
    root = skeleton.root or 0
    joints = np.full((*track.joints_image_px.shape[:-1], 3), np.nan)
    joints[..., :2] = transform.to_crop(track.joints_image_px)
    depth = track.depth_m - track.depth_m[:, root, None]
    depth_box_m = _DEPTH_BOX_M * variation.scale * (box.size / track.box.size)
    joints[..., 2] = depth / depth_box_m + 0.5
    known = np.isfinite(joints[..., :2]).all(-1)
    inside = known & ((joints[..., :2] > 0.0) & (joints[..., :2] < 1.0)).all(-1)
    if end_px is not None:
        inside &= track.joints_image_px[..., 1] < end_px
    joints[~inside] = np.nan
    visibility = np.where(known, inside.astype(np.float32), np.nan)
    return {
        'crop': torch.from_numpy(crops),
        'joints_crop': torch.from_numpy(joints.astype(np.float32)),
        'visibility': torch.from_numpy(visibility.astype(np.float32)),
        'image_to_crop': torch.from_numpy(np.repeat(transform.matrix[None], len(images), axis=0)),
        'joints_camera_m': torch.from_numpy(track.joints_camera_m.astype(np.float32)),
        'intrinsics': torch.tensor(track.intrinsics, dtype=torch.float32),
        'depth_is_hint': torch.tensor(track.depth_is_hint),
    }


def _end_of_picture(track: Track, visible: float) -> float | None:
    """Row at which the picture ends; None where too few joints would be left."""
    rows = track.joints_image_px[..., 1]
    rows = rows[np.isfinite(rows)]
    if visible >= 1.0 or len(rows) == 0:
        return None
    end_px = float(rows.min() + visible * (rows.max() - rows.min()))
    left = np.count_nonzero(rows < end_px) / len(track.joints_image_px)
    return end_px if left >= _FEWEST_VISIBLE and end_px >= 1.0 else None


def _visible_window(track: Track, end_px: float) -> PersonBox:
    """The window of the joints above a row, with the same margin as the window of all joints."""
    joints = track.joints_image_px.reshape(-1, 2)
    joints = joints[np.isfinite(joints).all(-1)]
    extent_px = float(max(np.ptp(joints, axis=0).max(), 1.0))
    margin = max(track.box.size / extent_px, 1.0)
    seen = box_around(joints[joints[:, 1] < end_px], enlarge=margin)
    return track.box if seen is None else seen


def as_pose_sample(fields: dict[str, torch.Tensor]) -> PoseSample:
    """Return the fields of a single frame, as `cut` gives them, without the axis of frames."""
    whole = ('intrinsics', 'depth_is_hint')
    single = {name: v if name in whole else v[0] for name, v in fields.items()}
    return PoseSample(**single)  # type: ignore[typeddict-item]


class RecordedPoses:
    """Single images of a library.

    Args:
        library: The recordings.
        ranges: For `varied`; None leaves samples tidy.

    Raises:
        DatasetError: No recording can be read; one that can't is noted in `library.skipped`.
    """

    def __init__(self, library: Library, ranges: Drawn | None = None) -> None:
        self.library = library
        self.ranges = ranges
        counts = [_frames_of(library, recording) for recording in range(len(library))]
        self._ends = np.cumsum(np.array(counts, np.int64))
        if len(library) and not self._ends[-1]:
            reasons = '; '.join(skipped_files(library))
            raise DatasetError(f'no recording of {library.name} can be read: {reasons}')

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: int) -> PoseSample:
        """Return sample `index`, tidy.

        Raises:
            IndexError: It is out of range.
            DatasetError: A file is missing or damaged.
        """
        recording, frame = self.locate(index)
        return self._sample(recording, frame, TIDY)

    def varied(self, index: int, rng: np.random.Generator) -> PoseSample:
        """Return sample `index` with a drawn variation; raises as above."""
        recording, frame = self.locate(index)
        if self.ranges is None:
            return self._sample(recording, frame, TIDY)
        if self.library.every is None:
            frame = int(rng.integers(self.library.length(recording)))
        return self._sample(recording, frame, self.ranges.draw(rng))

    def locate(self, index: int) -> tuple[int, int]:
        """Return (recording, frame) of a sample; raises IndexError as above."""
        index = _checked(index, len(self))
        recording = int(np.searchsorted(self._ends, index, side='right'))
        if self.library.every is None:
            return recording, self.library.length(recording) // 2
        before = int(self._ends[recording - 1]) if recording else 0
        return recording, (index - before) * self.library.every

    def _sample(self, recording: int, frame: int, variation: Variation) -> PoseSample:
        library = self.library
        images = library.images(recording, [frame])
        fields = cut(library.track(recording, [frame]), images, library.skeleton, variation)
        return as_pose_sample(fields)


class RecordedClips:
    """Clips of a library, one per recording: the middle one, or a drawn one.

    Args:
        library: The recordings; they have actions.
        frames: T.
        ranges: For `varied`; None leaves samples tidy.

    Raises:
        DatasetError: The data set has no actions.
    """

    def __init__(self, library: Library, frames: int, ranges: Drawn | None = None) -> None:
        if not library.actions:
            raise DatasetError(f'{library.name} has no actions, so it gives no clips')
        self.library = library
        self.frames = frames
        self.ranges = ranges

    def __len__(self) -> int:
        return len(self.library)

    def __getitem__(self, index: int) -> ClipSample:
        """Return the middle clip of recording `index`.

        Raises:
            IndexError: It is out of range.
            DatasetError: A file is missing or damaged.
        """
        index = _checked(index, len(self))
        frames = clip_frames(self.library.length(index), self.frames, self.library.stride)
        return self.clip(index, frames)

    def varied(self, index: int, rng: np.random.Generator) -> ClipSample:
        """Return a drawn clip of recording `index`; raises as above."""
        index = _checked(index, len(self))
        if self.ranges is None:
            return self[index]
        variation = self.ranges.draw(rng)
        length = self.library.length(index)
        stride = variation.stride or self.library.stride
        return self.clip(index, clip_frames(length, self.frames, stride, rng), variation)

    def clip(self, index: int, frames: Sequence[int], variation: Variation = TIDY) -> ClipSample:
        """Return a clip of these frames of recording `index`."""
        library = self.library
        images = library.images(index, frames)
        fields = cut(library.track(index, frames), images, library.skeleton, variation)
        action = torch.tensor(library.action(index))
        return ClipSample(**fields, action=action)  # type: ignore[typeddict-item]


def _frames_of(library: Library, recording: int) -> int:
    """How many samples a recording gives; none if its annotation can't be read."""
    if library.every is None:
        return 1
    try:
        return -(-library.length(recording) // library.every)
    except DatasetError as error:
        library.skipped[library.title(recording)] = str(error)
        return 0


def _checked(index: int, count: int) -> int:
    if not -count <= index < count:
        raise IndexError(f'sample {index} of {count}')
    return index % count
