"""Human3.6M (Ionescu et al., PAMI 2014): four cameras, 32 joints in space, 15 actions.

Reads the authors' `annotations.mat` (released as `h36m_annotations.mat`) with extracted frames,
or the official poses (`.cdf`), `metadata.xml` and videos. Layout on disk: docs/data.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.data.files import find_one, require_folder
from pose_action_ros.data.human36m_files import (
    H36M_ACTIONS,
    official_sequences,
    released_sequences,
)
from pose_action_ros.data.layouts import to_layout
from pose_action_ros.data.recorded import Track, skipped_files
from pose_action_ros.data.windows import h36m_window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.data.human36m_files import Human36mSequence
    from pose_action_ros.geometry.human36m_camera import Human36mCamera

__all__ = ['Human36m']

_RELEASED = ('annotations.mat', 'h36m_annotations.mat')
_SPLITS = {'train': (1, 5, 6, 7), 'val': (8,), 'test': (9, 11)}
_ON_TEST = {'train': (1, 5, 6, 7, 8), 'val': (9, 11), 'test': (9, 11)}
_EVERY = {'train': 5, 'val': 64, 'test': 64}  # frames of the videos; the authors' file has these
_MM_PER_M = 1000.0


class Human36m:
    """A split of Human3.6M; see `data.recorded.Library`.

    Args:
        root: Folder with the authors' file and `images/`, or with `metadata.xml` and S1 to S11.
        split: train (subjects 1 5 6 7), val (8) or test (9 and 11).
        skeleton: The layout to give joints in.
        every: Every n-th frame is a sample; default: as released, 5 and 64.
        validate_on_test: The paper's way: train is subjects 1 5 6 7 8, val is test.

    Raises:
        DatasetError: A file is missing or damaged, `cdflib` is needed and missing, or there is
            no such split.
    """

    name = 'h36m'
    actions = H36M_ACTIONS
    stride = 1

    def __init__(
        self,
        root: Path,
        split: str,
        skeleton: Skeleton,
        *,
        every: int | None = None,
        validate_on_test: bool = False,
    ) -> None:
        if split not in _SPLITS:
            raise DatasetError(f'Human3.6M is split into train, val and test; found {split!r}')
        require_folder(root, 'Human3.6M')
        self.root = root
        self.skeleton = skeleton
        self.skipped: dict[str, str] = {}
        released = find_one(root, _RELEASED)
        self.every: int | None = every or (1 if released else _EVERY[split])
        subjects = (_ON_TEST if validate_on_test else _SPLITS)[split]
        self._sequences: list[Human36mSequence] = list(
            released_sequences(released, root / 'images', subjects)
            if released
            else official_sequences(root, subjects, self.skipped)
        )
        if not self._sequences:
            raise DatasetError(
                f'{released or root} has no sequence of the subjects {subjects} for '
                f"{split}; expected the authors' annotations.mat, or "
                'S9/MyPoseFeatures/D3_Positions/*.cdf and the like'
                + ''.join(f'; {text}' for text in skipped_files(self))
            )

    def __len__(self) -> int:
        return len(self._sequences)

    def title(self, index: int) -> str:
        """Return the sequence's name, camera included."""
        return self._sequences[index].name

    def length(self, index: int) -> int:
        """Return the number of annotated frames; raises DatasetError for a damaged file."""
        return len(self._sequences[index].numbers)

    def action(self, index: int) -> int:
        """Return the class, in the order of the paper's Table 1."""
        return self._sequences[index].action

    def camera(self, index: int) -> Human36mCamera:
        """Return the camera, distortion included."""
        return self._sequences[index].camera

    def joints_world_mm(self, index: int, frames: Sequence[int]) -> NDArray[np.float64]:
        """Return (T, J, 3) joints in the world, millimetres."""
        poses = self._sequences[index].poses_mm[list(frames)]
        return to_layout(self.skeleton, 'h36m', poses)

    def track(self, index: int, frames: Sequence[int]) -> Track:
        """Return the person."""
        sequence = self._sequences[index]
        world = self.joints_world_mm(index, frames)
        camera = sequence.camera
        projected = camera.project(world)
        depth = projected[..., 2] / _MM_PER_M
        root = self.skeleton.root or 0
        box = h36m_window(
            projected[0, root, :2], depth[0, root], camera.focal_px, sequence.image_size
        )
        in_camera = (world - camera.translation_mm) @ camera.rotation.T / _MM_PER_M
        intrinsics = (*camera.focal_px.tolist(), *camera.center_px.tolist())
        return Track(projected[..., :2], depth, box, in_camera, intrinsics)

    def images(self, index: int, frames: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Return the frames; raises DatasetError if one is missing or damaged."""
        return self._sequences[index].images(frames)
