"""People in single photographs, as a library: the common part of the readers of 2D data sets.

Owns: `Person`, one annotated person; `Photographs`, a `Library` of them; and `chosen_images`, the
images of a split. A reader of a data set only has to list its persons.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.data.files import read_picture
from pose_action_ros.data.layouts import named_joints
from pose_action_ros.data.recorded import Track, skipped_files
from pose_action_ros.data.windows import corner_box
from pose_action_ros.geometry.crop import CROP_PX, box_around

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from pose_action_ros.core.skeleton import Skeleton

__all__ = [
    'BODY_JOINTS',
    'LARGEST_PX',
    'NoSplitError',
    'Person',
    'Photographs',
    'chosen_images',
    'image_key',
    'joint_corners',
    'person_window',
    'read_json',
    'split_lists',
    'with_pelvis',
]

BODY_JOINTS = tuple(
    f'{side}_{part}'
    for part in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')
    for side in ('left', 'right')
)
"""The twelve joints that all 2D data sets share."""

LARGEST_PX = 65_535
"""Largest side of a picture; that of a JPEG."""

_ENLARGE = 1.25
_VAL_SHARE = 10  # every tenth image of the training set is for validation
_ENDINGS = {'.jpg', '.jpeg', '.png', '.bmp', '.webp', '.txt'}
_NOT_IN_A_PICTURE = 'the person lies far outside of every picture; expected pixels'


@dataclass(frozen=True, eq=False)
class Person:
    """One annotated person of a photograph.

    Attributes:
        image: The file.
        title: The data set's name of the image.
        names: Names of the joints.
        joints_px: (len(names), 2), NaN if not annotated.
        corners_px: (4,) x1, y1, x2, y2 of the person in the image.
        depth_m: (len(names),) depth relative to the pelvis, away from the camera; NaN if
            unknown. It is a hint of another network, not a truth.
    """

    image: Path
    title: str
    names: tuple[str, ...]
    joints_px: NDArray[np.float64]
    corners_px: NDArray[np.float64]
    depth_m: NDArray[np.float64] | None = None

    @property
    def body_joints(self) -> int:
        """How many of the twelve body joints are annotated."""
        known = np.isfinite(self.joints_px).all(-1)
        return sum(bool(k) for n, k in zip(self.names, known, strict=True) if n in BODY_JOINTS)

    @property
    def height_px(self) -> float:
        """Height of the person's box in the image."""
        return float(self.corners_px[3] - self.corners_px[1])

    @property
    def is_placed(self) -> bool:
        """Whether some picture can have the person's box."""
        return corner_box(self.corners_px).is_usable(LARGEST_PX, LARGEST_PX)


class NoSplitError(DatasetError):
    """A data set has nothing for a split; LSP-extended, for example, has no test split."""


class Photographs:
    """People in photographs, one sample each; see `data.recorded.Library`.

    Args:
        name: The data set.
        persons: Every annotated person, those without joints included.
        skeleton: The layout to give joints in.
        min_joints: Fewest body joints of a sample.
        min_height_px: Smallest height of the box of a sample's person.
        skipped: Files and annotations that can't be read, with the reason.

    Raises:
        DatasetError: No person is left.
    """

    actions: tuple[str, ...] = ()
    stride = 1
    every: int | None = 1

    def __init__(
        self,
        name: str,
        persons: Sequence[Person],
        skeleton: Skeleton,
        *,
        min_joints: int = 1,
        min_height_px: float = 0.0,
        skipped: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self.skipped = {} if skipped is None else skipped
        self.skeleton = skeleton
        self.everybody = tuple(persons)
        chosen = [
            p for p in persons if p.body_joints >= min_joints and p.height_px >= min_height_px
        ]
        self.persons = tuple(person for person in chosen if person.is_placed)
        self.skipped |= {p.title: _NOT_IN_A_PICTURE for p in chosen if not p.is_placed}
        if not self.persons:
            reasons = ''.join(f'; {text}' for text in skipped_files(self))
            raise DatasetError(
                f'{name}: found {len(persons)} persons, none with {min_joints} body joints and '
                f'{min_height_px:.0f} pixels or more; see docs/data.md for the layout on disk'
                f'{reasons}'
            )

    def __len__(self) -> int:
        return len(self.persons)

    def title(self, index: int) -> str:
        """Return the photograph's name."""
        return self.persons[index].title

    def length(self, index: int) -> int:
        """Return 1: a photograph."""
        return 1

    def action(self, index: int) -> int:
        """Return -1: there are none."""
        return -1

    def track(self, index: int, frames: Sequence[int]) -> Track:
        """Return the person."""
        person = self.persons[index]
        joints = named_joints(self.skeleton, *with_pelvis(person.names, person.joints_px))
        unknown = np.full((1, self.skeleton.num_joints, 3), np.nan)
        depth = unknown[..., 0]
        if person.depth_m is not None:
            names, values = with_pelvis(person.names, person.depth_m[:, None])
            depth = named_joints(self.skeleton, names, values)[None, :, 0]
        box = person_window(person.corners_px)
        return Track(
            joints_image_px=joints[None],
            depth_m=depth,
            box=box,
            joints_camera_m=unknown,
            shift_px=box.size / CROP_PX,
            depth_is_hint=True,
        )

    def images(self, index: int, frames: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Return the photograph; raises DatasetError if it is missing or damaged."""
        return [read_picture(self.persons[index].image)]


def chosen_images(
    split: str, train: Sequence[str], test: Sequence[str] | None = None, *, where: str
) -> list[str]:
    """Return the images of a split; every tenth of the training images is for validation.

    Args:
        split: train, val or test.
        train: Names of the images that may be learned from.
        test: Names of those that may not; None if the data set has none.
        where: The name of the data set in an error.

    Raises:
        NoSplitError: There is no such split.
    """
    if split == 'test' and test is not None:
        return sorted(test)
    if split not in ('train', 'val'):
        raise NoSplitError(f'{where} has no split {split!r}; expected train or val')
    return [n for i, n in enumerate(sorted(train)) if (i % _VAL_SHARE == 0) == (split == 'val')]


def split_lists(path: Path) -> tuple[set[str], set[str]]:
    """Read a JSON file of two lists, `train` and `test`, of image names or numbers.

    Raises:
        DatasetError: The file is missing or laid out otherwise.
    """
    try:
        values: dict[str, Any] = read_json(path)
        lists = [values[split] for split in ('train', 'test')]
        if not all(isinstance(names, list) for names in lists):
            raise TypeError('train and test must be lists')
        train, test = ({image_key(name) for name in names} for names in lists)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f'{path} cannot be read ({error!r}); expected JSON with the lists `train` and '
            '`test` of image names or numbers'
        ) from error
    if both := sorted(train & test):
        raise DatasetError(
            f'{path}: {len(both)} images are in both lists, such as {both[0]}; held-out '
            'images must not be used for training'
        )
    return train, test


def read_json(path: Path) -> Any:
    """Return the content of a JSON file, which may begin with a byte-order mark.

    Raises:
        OSError: The file is missing or can't be read.
        ValueError: It is not JSON, or it is nested too deeply.
    """
    try:
        return json.loads(path.read_text(encoding='utf-8-sig'))
    except RecursionError as error:
        raise ValueError('it is nested too deeply') from error


def image_key(name: object) -> str:
    """Return an image's name in `split_lists`: without folder, ending and leading zeros."""
    stem = str(name).rsplit('/', 1)[-1]
    ending = stem.rsplit('.', 1)[-1].lower()
    stem = stem[: -len(ending) - 1] if f'.{ending}' in _ENDINGS else stem
    return stem.lstrip('0') or '0'


def person_window(corners_px: ArrayLike) -> PersonBox:
    """Return the tidy window of a person: 1.25 times the longer side of x1, y1, x2, y2."""
    box = corner_box(corners_px)
    return PersonBox(box.center_x, box.center_y, max(_ENLARGE * box.size, 1.0))


def joint_corners(joints_px: ArrayLike) -> NDArray[np.float64]:
    """Return (4,) x1, y1, x2, y2 of the square around joints; NaN if there is none."""
    box = box_around(joints_px, enlarge=1.0)
    if box is None:
        return np.full(4, np.nan)
    half = box.size / 2.0
    return np.array(
        [box.center_x - half, box.center_y - half, box.center_x + half, box.center_y + half]
    )


def with_pelvis(
    names: tuple[str, ...], values: NDArray[np.float64]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Add the pelvis, the middle of both hips, to joints that lack it.

    Args:
        names: Names of the joints.
        values: (..., len(names), D), NaN if not annotated.
    """
    if 'pelvis' in names or not {'left_hip', 'right_hip'} <= set(names):
        return names, values
    hips = values[..., [names.index('left_hip'), names.index('right_hip')], :]
    return (*names, 'pelvis'), np.concatenate([values, hips.mean(-2, keepdims=True)], axis=-2)
