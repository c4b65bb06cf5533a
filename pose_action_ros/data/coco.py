"""COCO key points: a folder of images and one JSON file of annotations, as distributed.

Format: cocodataset.org, "Data format", object detection and keypoint detection. There are 17
joints in 2D; those of visibility 0 are not annotated. Groups (`iscrowd`) have no joints, but their
places count as occupied. So do the places of people whose annotation is damaged.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.predictions import MAX_BOX_SIZE
from pose_action_ros.core.skeleton import COCO17J
from pose_action_ros.data.photographs import (
    LARGEST_PX,
    Person,
    Photographs,
    chosen_images,
    image_key,
    read_json,
    split_lists,
)
from pose_action_ros.data.windows import corner_box

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.core.skeleton import Skeleton

__all__ = ['read_coco']

_JOINTS = COCO17J.num_joints
_FOLDERS = ('train2017', 'val2017', 'images')
_FARTHEST = 1.5  # of a joint from the middle of its image, over the image
_BAD_BOX = (
    'bbox is not a box in its image; expected x, y, width and height in pixels, the last two > 0'
)
_BAD_JOINTS = (
    f'keypoints are not {3 * _JOINTS} numbers, or a joint lies far outside of the image; expected '
    'x, y in pixels and visibility of 17 joints'
)


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
    skipped: dict[str, str] = {}
    for path in _files(root, split, annotations, own_split=split_file is None):
        for person in _persons(root, path, skipped):
            persons.setdefault(person.title, []).append(person)
    wanted = _wanted(split, list(persons), split_file, str(root))
    return Photographs(
        'coco',
        [person for title in wanted for person in persons[title]],
        skeleton,
        min_joints=min_joints,
        min_height_px=min_height_px,
        skipped=skipped,
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


def _persons(root: Path, path: Path, skipped: dict[str, str]) -> list[Person]:
    """The people of a file; what is wrong with an annotation or an image goes into `skipped`."""
    try:
        values: dict[str, Any] = read_json(path)
        entries, annotations = list(values['images']), list(values['annotations'])
    except FileNotFoundError as error:
        raise DatasetError(f'{path}: no such file; see docs/data.md for the layout') from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f'{path} is not laid out as expected: {error!r}') from error
    images = _images(path, entries, skipped)
    persons = []
    for number, entry in enumerate(annotations):
        name = f'{path.name}, annotation {number + 1}'
        if not isinstance(entry, dict):
            skipped[f'{name} ({entry!r:.40})'] = 'no annotation; expected a JSON object'
            continue
        image = images.get(_key(entry.get('image_id')))
        if image is None:
            name += f' (image_id {entry.get("image_id")!r:.40})'
            skipped[name] = 'images has not exactly one image of this image_id'
            continue
        person, fault, found = _person(root, image, entry)
        persons.append(person)
        if fault:
            skipped[f'{name} of {person.title} ({found!r:.80})'] = fault
    return persons


def _images(path: Path, entries: list[Any], skipped: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Images by id, without those whose id another image has too."""
    images: dict[str, dict[str, Any]] = {}
    twice: dict[str, str] = {}
    for number, entry in enumerate(entries):
        if not (isinstance(entry, dict) and 'id' in entry and _is_name(entry.get('file_name'))):
            name = f'{path.name}, image {number + 1} ({entry!r:.80})'
            skipped[name] = 'no image; expected a JSON object with id and file_name'
            continue
        key = _key(entry['id'])
        first = images.setdefault(key, entry)['file_name']
        if first != entry['file_name']:
            twice[key] = f'{path.name}, id {key} ({first}, {entry["file_name"]})'
    skipped |= dict.fromkeys(twice.values(), 'several images have one id; give each its own')
    return {key: entry for key, entry in images.items() if key not in twice}


def _key(number: object) -> str:
    """An id, which some programs write as text or as a decimal number."""
    if isinstance(number, float) and number.is_integer():
        return str(int(number))
    return str(number)


def _is_name(name: object) -> bool:
    try:
        return isinstance(name, str) and bool(name) and b'\0' not in os.fsencode(name)
    except UnicodeEncodeError:
        return False


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


def _person(
    root: Path, image: dict[str, Any], entry: dict[str, Any]
) -> tuple[Person, str, object]:
    """A person; and what is wrong with it, and the wrong value. Such a person has no joints."""
    width, height = _side(image.get('width')), _side(image.get('height'))
    corners, is_box = _corners(entry.get('bbox'), width, height)
    joints, are_joints = _joints(entry.get('keypoints'), width, height)
    title = image['file_name']
    if not is_box:
        joints = np.full_like(joints, np.nan)
    person = Person(_image(root, title), title, COCO17J.joint_names, joints, corners)
    if not is_box:
        return person, _BAD_BOX, entry.get('bbox')
    return person, '' if are_joints else _BAD_JOINTS, entry.get('keypoints')


def _corners(box: Any, width: float, height: float) -> tuple[NDArray[np.float64], bool]:
    """Corners, NaN if the place is unknown, and whether a person can have this box."""
    numbers = _numbers(box, 4)
    if (
        numbers is None
        or not np.isfinite(numbers).all()
        or (abs(numbers) > LARGEST_PX * MAX_BOX_SIZE).any()
    ):
        return np.full(4, np.nan), False
    ends = np.stack([numbers[:2], numbers[:2] + numbers[2:]])
    corners = np.concatenate([ends.min(0), ends.max(0)])
    usable = corner_box(corners).is_usable(width, height) and (numbers[2:] > 0.0).all()
    return corners, bool(usable)


def _joints(values: Any, width: float, height: float) -> tuple[NDArray[np.float64], bool]:
    """(17, 2) joints, NaN if not annotated, and whether they can be a person's."""
    unknown = np.full((_JOINTS, 2), np.nan)
    if values is None:
        return unknown, True
    numbers = _numbers(values, 3 * _JOINTS)
    if numbers is None:
        return unknown, False
    joints = numbers.reshape(_JOINTS, 3)
    seen = joints[:, 2] > 0.0
    shares = joints[seen, :2] / (width, height)
    if np.isnan(joints[:, 2]).any() or not (abs(shares - 0.5) <= _FARTHEST).all():
        return unknown, False
    return np.where(seen[:, None], joints[:, :2], np.nan), True


def _numbers(values: Any, count: int) -> NDArray[np.float64] | None:
    """So many numbers, or None."""
    try:
        numbers = np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if numbers.shape == (count,) else None


def _side(pixels: Any) -> float:
    """A side of an image; the largest one if the file does not have it."""
    known = isinstance(pixels, (int, float)) and 1 <= pixels <= LARGEST_PX
    return float(pixels) if known else float(LARGEST_PX)


def _image(root: Path, title: str) -> Path:
    for folder in _FOLDERS:
        if (path := root / folder / title).exists():
            return path
    return root / title
