"""MPII Human Pose (Andriluka et al., CVPR 2014): one person per sample, 16 joints, 2D.

Reads the data set's own `mpii_human_pose_v1_u12_1.mat`, or the authors' `annotations.mat`
(released as `mpii_annotations.mat`), whose validation set is the usual one for scores. The test
set has no public joints. Layout on disk: docs/data.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.data.files import (
    find_one,
    matlab_items,
    read_mat,
    read_picture,
    require_folder,
)
from pose_action_ros.data.layouts import to_layout
from pose_action_ros.data.photographs import NoSplitError
from pose_action_ros.data.recorded import Track
from pose_action_ros.data.windows import mpii_window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.core.skeleton import Skeleton

__all__ = ['Mpii']

_JOINTS = 16
_OFFICIAL = 'mpii_human_pose_v1_u12_1.mat'
_RELEASED = ('annotations.mat', 'mpii_annotations.mat')
_VAL_SHARE = 10  # every tenth video of the data set's own file is for validation
_SHIFT_SCALE = 1.25


@dataclass(frozen=True, eq=False)
class _Person:
    image: str
    joints_px: NDArray[np.float64]  # (16, 2), NaN if not annotated
    position_px: NDArray[np.float64]  # (2,)
    scale: float
    head_box_px: NDArray[np.float64]  # (4,)


class Mpii:
    """A split of MPII; see `data.recorded.Library`.

    Args:
        root: Folder with `images/` and one of the annotation files.
        split: train or val.
        skeleton: The layout to give joints in.

    Raises:
        DatasetError: A file is missing or damaged, or there is no such split.
    """

    name = 'mpii'
    actions: tuple[str, ...] = ()
    stride = 1
    every: int | None = 1

    def __init__(self, root: Path, split: str, skeleton: Skeleton) -> None:
        if split not in ('train', 'val'):
            raise DatasetError(f'MPII has public joints for train and val; found {split!r}')
        require_folder(root / 'images', "MPII's pictures")
        self.root = root
        self.skeleton = skeleton
        self.skipped: dict[str, str] = {}  # all annotations are in one file
        released = find_one(root, _RELEASED)
        path = released or root / _OFFICIAL
        try:
            read = _released if released else _official
            self._persons = list(read(path, split))
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise DatasetError(f'{path} is not laid out as expected: {error}') from error
        if not self._persons:
            raise NoSplitError(f'{path} has no annotated person for {split}')

    def __len__(self) -> int:
        return len(self._persons)

    def title(self, index: int) -> str:
        """Return the picture's name."""
        return self._persons[index].image

    def length(self, index: int) -> int:
        """Return 1: a picture."""
        return 1

    def action(self, index: int) -> int:
        """Return -1: there are none."""
        return -1

    def head_box_px(self, index: int) -> NDArray[np.float64]:
        """Return (4,) x1, y1, x2, y2 of the head in the picture, for PCKh."""
        return self._persons[index].head_box_px

    def track(self, index: int, frames: Sequence[int]) -> Track:
        """Return the person."""
        person = self._persons[index]
        joints = to_layout(self.skeleton, 'mpii', person.joints_px)[None]
        unknown = np.full((1, self.skeleton.num_joints, 3), np.nan)
        return Track(
            joints_image_px=joints,
            depth_m=unknown[..., 0],
            box=mpii_window(person.position_px, person.scale),
            joints_camera_m=unknown,
            shift_px=_SHIFT_SCALE * person.scale,
        )

    def images(self, index: int, frames: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Return the picture; raises DatasetError if it is missing or damaged."""
        return [read_picture(self.root / 'images' / self._persons[index].image)]


def _official(path: Path, split: str) -> Iterator[_Person]:
    """Persons that stand apart from others, in the images for training."""
    release = read_mat(path, ['RELEASE'])['RELEASE']
    images = matlab_items(release.annolist)
    trained = np.atleast_1d(release.img_train).astype(bool)
    apart = _cells(release.single_person, len(images))
    for number, (image, is_train, chosen) in enumerate(zip(images, trained, apart, strict=True)):
        video = getattr(image, 'vididx', None)
        video = int(video) if np.size(video) == 1 else number
        if not is_train or (video % _VAL_SHARE == 0) != (split == 'val'):
            continue
        persons = matlab_items(image.annorect)
        for one_based in matlab_items(chosen):
            person = _official_person(str(image.image.name), persons[int(one_based) - 1])
            if person is not None:
                yield person


def _official_person(image: str, rect: Any) -> _Person | None:
    points = getattr(getattr(rect, 'annopoints', None), 'point', None)
    scale, position = getattr(rect, 'scale', None), getattr(rect, 'objpos', None)
    if points is None or scale is None or np.size(scale) != 1 or not hasattr(position, 'x'):
        return None
    joints = np.full((_JOINTS, 2), np.nan)
    for point in matlab_items(points):
        joints[int(point.id)] = (point.x, point.y)
    return _Person(
        image,
        joints,
        np.array([position.x, position.y], np.float64),
        float(scale),
        np.array([rect.x1, rect.y1, rect.x2, rect.y2], np.float64),
    )


def _released(path: Path, split: str) -> Iterator[_Person]:
    """Rows of `annot_tr` or `annot_val`: indices of persons, picture, persons; per picture."""
    name = 'annot_tr' if split == 'train' else 'annot_val'
    table = read_mat(path, [name])[name]
    table = table.reshape(3, -1)  # a single picture loses its axis
    for chosen, image, persons in table.T:
        persons = matlab_items(persons)
        for one_based in matlab_items(chosen):
            rect = persons[int(one_based) - 1]
            joints = np.asarray(rect.pose, np.float64).T  # (16, 2)
            if joints.shape != (_JOINTS, 2):
                raise ValueError(f'a pose of shape {joints.T.shape}; expected (2, 16)')
            yield _Person(
                str(image),
                joints,
                np.asarray(rect.objpos, np.float64),
                float(rect.scale),
                np.asarray(rect.head, np.float64),
            )


def _cells(value: Any, count: int) -> list[Any]:
    """Return the elements of a cell array of `count` cells."""
    return [value] if count == 1 else list(value)
