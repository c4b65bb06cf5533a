"""COCO key points: a folder of images and one JSON file of annotations, as distributed.

Format: cocodataset.org, "Data format", object detection and keypoint detection. There are 17
joints in 2D; those of visibility 0 are not annotated. Groups (`iscrowd`) have no joints, but their
places count as occupied.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.skeleton import COCO17J
from pose_action_ros.data.photographs import (
    Person,
    Photographs,
    chosen_images,
    image_key,
    split_lists,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.core.skeleton import Skeleton

__all__ = ['read_coco']

_JOINTS = COCO17J.num_joints
_FOLDERS = ('train2017', 'val2017', 'images')


def read_coco(
    root: Path,
    split: str,
    skeleton: Skeleton,
    *,
    split_file: Path | None = None,
    annotations: Path | None = None,
    min_joints: int = 1,
    min_height_px: float = 0.0,
) -> Photographs:
    """Return the persons of a split.

    Args:
        root: Folder with `annotations/` and the images, in `train2017/`, `val2017/` or `images/`.
        split: train and val: of person_keypoints_train2017.json; test: person_keypoints_val2017.
        skeleton: The layout to give joints in.
        split_file: JSON lists of the images for training and for test, in place of the official
            split. Both files are then read.
        annotations: A JSON file to read instead, relative to `root`.
        min_joints: Fewest body joints of a sample.
        min_height_px: Smallest height of the box of a sample's person.

    Raises:
        DatasetError: A file is missing or damaged, or there is no such split.
    """
    persons: dict[str, list[Person]] = {}
    for path in _files(root, split, annotations, own_split=split_file is None):
        for person in _persons(root, path):
            persons.setdefault(person.title, []).append(person)
    wanted = _wanted(split, list(persons), split_file, str(root))
    return Photographs(
        'coco',
        [person for title in wanted for person in persons[title]],
        skeleton,
        min_joints=min_joints,
        min_height_px=min_height_px,
    )


def _files(root: Path, split: str, annotations: Path | None, *, own_split: bool) -> list[Path]:
    """The files to read: those of the split, or all existing ones if a list decides."""
    if annotations is not None:
        return [root / annotations]
    folder = root / 'annotations'
    train, val = (folder / f'person_keypoints_{part}.json' for part in ('train2017', 'val2017'))
    if own_split:
        return [val if split == 'test' else train]
    return [path for path in (train, val) if path.exists()] or [train]


def _persons(root: Path, path: Path) -> list[Person]:
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
        images = {entry['id']: str(entry['file_name']) for entry in values['images']}
        return [_person(root, images[entry['image_id']], entry) for entry in values['annotations']]
    except FileNotFoundError as error:
        raise DatasetError(f'{path}: no such file; see docs/data.md for the layout') from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f'{path} is not laid out as expected: {error!r}') from error


def _wanted(split: str, titles: list[str], split_file: Path | None, where: str) -> list[str]:
    if split_file is None:
        return sorted(titles) if split == 'test' else chosen_images(split, titles, where=where)
    train, test = split_lists(split_file)
    keys = {title: image_key(title) for title in titles}
    return chosen_images(
        split,
        [t for t in titles if keys[t] in train],
        [t for t in titles if keys[t] in test],
        where=where,
    )


def _person(root: Path, title: str, entry: dict[str, Any]) -> Person:
    x, y, width, height = (float(value) for value in entry['bbox'])
    return Person(
        _image(root, title),
        title,
        COCO17J.joint_names,
        _joints(entry.get('keypoints')),
        np.array([x, y, x + width, y + height]),
    )


def _joints(numbers: list[float] | None) -> NDArray[np.float64]:
    if numbers is None:
        return np.full((_JOINTS, 2), np.nan)
    joints = np.array(numbers, np.float64).reshape(_JOINTS, 3)
    return np.where(joints[:, 2:] > 0.0, joints[:, :2], np.nan)


def _image(root: Path, title: str) -> Path:
    for folder in _FOLDERS:
        if (path := root / folder / title).exists():
            return path
    return root / title
