"""NTU RGB+D (Shahroudy et al., CVPR 2016): 56 880 videos, Kinect skeletons, 60 actions.

Reads the data set's own `.skeleton` and `.avi` files, or the authors' `nturgb+d_numpy` with
pictures of half the resolution. Two splits: cross-subject and cross-view. If several bodies were
tracked, the one that was tracked longest is used (among equals, the one that moves most). Sides of
the joints follow the released weights, see docs/data.md. Layout on disk: docs/data.md.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.actions import NTU60_ACTIONS
from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.paths import visible_files
from pose_action_ros.data.files import (
    read_lines,
    read_picture,
    read_video,
    require_folder,
)
from pose_action_ros.data.layouts import to_layout
from pose_action_ros.data.photographs import NoSplitError
from pose_action_ros.data.recorded import Track, skipped_files
from pose_action_ros.data.skeleton_file import NTU_JOINTS, read_skeleton_file
from pose_action_ros.data.windows import joints_window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.core.skeleton import Skeleton

__all__ = [
    'BROKEN_COUNT',
    'HELD_OUT_SUBJECTS',
    'TRAIN_CAMERAS',
    'TRAIN_SUBJECTS',
    'Ntu',
    'read_broken_list',
]

TRAIN_SUBJECTS = (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
"""Training subjects of the cross-subject split; the others are for test."""

HELD_OUT_SUBJECTS = (17, 19)
"""Training subjects that are used for validation, in both splits; the choice is ours."""

TRAIN_CAMERAS = (2, 3)
"""Training cameras of the cross-view split; camera 1 is for test."""

BROKEN_COUNT = 302
"""Samples of the 60 classes without usable skeletons, in the list that the data set publishes."""

_BROKEN_FILE = 'NTU_RGBD_samples_with_missing_skeletons.txt'
_NAME = re.compile(r'S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})')
_VIDEO_SIZE = (1920, 1080)
_MM_PER_M = 1000.0


def read_broken_list(path: Path) -> frozenset[str]:
    """Return the sample names (SsssCcccPpppRrrrAaaa) of a list; other lines are comments.

    Raises:
        DatasetError: The file is missing or names no sample.
    """
    names = frozenset(line for line in read_lines(path) if _NAME.fullmatch(line))
    if not names:
        raise DatasetError(f'{path} names no sample such as S001C002P005R002A008')
    return names


class Ntu:
    """A split of NTU RGB+D; see `data.recorded.Library`.

    Args:
        root: Folder with `nturgb+d_skeletons/` and `nturgb+d_rgb/`, or with `nturgb+d_numpy/`
            and `images-small/`.
        split: train, val (two of the training subjects) or test.
        skeleton: The layout to give joints in.
        view: False for the cross-subject split, True for the cross-view split.
        broken: List of samples to skip; the data set's own beside the folders by default.
        validate_on_test: The paper's way: train is all training subjects, val is test.

    Raises:
        DatasetError: A folder or list is missing, or there is no such split.
    """

    name = 'ntu'
    actions = NTU60_ACTIONS
    stride = 2
    every: int | None = None

    def __init__(
        self,
        root: Path,
        split: str,
        skeleton: Skeleton,
        *,
        view: bool = False,
        broken: Path | None = None,
        validate_on_test: bool = False,
    ) -> None:
        if split not in ('train', 'val', 'test'):
            raise DatasetError(f'NTU RGB+D is split into train, val and test; found {split!r}')
        self.root = root
        self.skeleton = skeleton
        self.released = (root / 'nturgb+d_numpy').is_dir()
        folder = root / ('nturgb+d_numpy' if self.released else 'nturgb+d_skeletons')
        require_folder(folder, "NTU RGB+D's skeletons")
        own = root / _BROKEN_FILE
        self.broken = (
            read_broken_list(broken or own) if broken or own.exists() else frozenset[str]()
        )
        suffix = '.npy' if self.released else '.skeleton'
        self.skipped: dict[str, str] = {}
        on_test = split == 'val' and validate_on_test
        held_out = () if validate_on_test else HELD_OUT_SUBJECTS
        self._paths = [
            path
            for path in visible_files(folder, f'*{suffix}')
            if path.stem not in self.broken
            and self._split(path.stem, view, held_out) == ('test' if on_test else split)
        ]
        if not self._paths:
            raise NoSplitError(
                f'{folder} has no {suffix} file for {split}'
                + ''.join(f'; {text}' for text in skipped_files(self))
            )

    def __len__(self) -> int:
        return len(self._paths)

    def title(self, index: int) -> str:
        """Return the sample's name."""
        return self._paths[index].stem

    def length(self, index: int) -> int:
        """Return the number of frames; raises DatasetError for a damaged file."""
        return len(_joints(self._paths[index])[0])

    def action(self, index: int) -> int:
        """Return the class, 0 for A1."""
        return int(self.title(index)[-3:]) - 1

    def track(self, index: int, frames: Sequence[int]) -> Track:
        """Return the person; raises DatasetError for a damaged file."""
        _, pixels, depth = _joints(self._paths[index])
        half = 0.5 if self.released else 1.0
        given = np.concatenate([pixels * half, depth[..., None]], axis=-1)[list(frames)]
        joints = to_layout(self.skeleton, 'ntu', given)
        size = (int(_VIDEO_SIZE[0] * half), int(_VIDEO_SIZE[1] * half))
        unknown = np.full((*joints.shape[:2], 3), np.nan)
        return Track(
            joints_image_px=joints[..., :2],
            depth_m=joints[..., 2],
            box=joints_window(joints[..., :2], size),
            joints_camera_m=unknown,
            shift_px=2.0 * half,  # shifts are meant for pictures of half the resolution
        )

    def images(self, index: int, frames: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Return the frames; raises DatasetError if one is missing or damaged."""
        if self.released:
            numbers, _, _ = _joints(self._paths[index])
            folder = self.root / 'images-small' / self.title(index)
            return [read_picture(folder / f'{numbers[frame]:05d}.jpg') for frame in frames]
        return read_video(self.video_path(index), frames)

    def video_path(self, index: int) -> Path:
        """Return the path of the video."""
        return self.root / 'nturgb+d_rgb' / f'{self.title(index)}_rgb.avi'

    def _split(self, name: str, view: bool, held_out: tuple[int, ...]) -> str:
        """The split of a sample; samples that are not part of NTU RGB+D 60 are noted."""
        match = _NAME.fullmatch(name)
        if match is None:
            self.skipped[name] = 'the name is not like S001C001P001R001A001'
            return ''
        _, camera, subject, _, action = (int(number) for number in match.groups())
        if not 1 <= action <= len(NTU60_ACTIONS):
            self.skipped[name] = 'not an action of NTU RGB+D 60'
            return ''
        is_train = camera in TRAIN_CAMERAS if view else subject in TRAIN_SUBJECTS
        if not is_train:
            return 'test'
        return 'val' if subject in held_out else 'train'


@lru_cache(maxsize=64)
def _joints(
    path: Path,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Numbers of the pictures (F,), pixels (F, 25, 2) of the full picture, depth (F, 25) in m."""
    if path.suffix == '.skeleton':
        body = read_skeleton_file(path)
        return np.arange(1, len(body) + 1), body[..., 3:5], body[..., 2]
    try:
        table = np.atleast_2d(np.load(path, allow_pickle=False)).astype(np.float64)
        numbers, pose = table[:, 0].astype(np.int64), table[:, 1 + 3 * NTU_JOINTS :]
        x, y, depth_mm = pose.reshape(len(table), 3, NTU_JOINTS).transpose(1, 0, 2)
    except (OSError, ValueError, IndexError, EOFError) as error:
        raise DatasetError(
            f'{path} is damaged, or not frame number, 75 coordinates and 75 of the picture: '
            f'{error}'
        ) from error
    points = np.stack([x, y, depth_mm / _MM_PER_M], axis=-1)
    points[~(points > 0.0).all(-1)] = np.nan  # as released
    return numbers, points[..., :2], points[..., 2]
