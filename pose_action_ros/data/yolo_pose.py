"""YOLO-pose: a folder of images and a folder of text files with one line per person.

Format (Ultralytics, "Pose Estimation Datasets"): class; then x, y of the middle, width and height
of the box; then x, y and visibility of each joint. Coordinates are shares of the image's width and
height. Joints of visibility 0 are not annotated. The 17 joints are COCO's. The place of a person
whose line is damaged is unknown, so it may be anywhere in the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import ExifTags, Image

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.paths import visible_files
from pose_action_ros.core.skeleton import COCO17J
from pose_action_ros.data.files import require_folder
from pose_action_ros.data.photographs import (
    Person,
    Photographs,
    chosen_images,
    image_key,
    split_lists,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.core.skeleton import Skeleton

__all__ = ['read_yolo_pose']

_ENDINGS = {'.jpg', '.jpeg', '.png', '.bmp', '.webp'}
_JOINTS = COCO17J.num_joints
_TURNED = 5  # EXIF orientations from here on exchange width and height
_NUMBERS = 5 + 3 * _JOINTS
_FARTHEST = 1.5  # of a place from the middle of the image: people at its edge reach outside
_LARGEST = 2.0  # side of a box
_LAYOUT = 'class, box, and x, y, visibility of 17 joints'


def read_yolo_pose(
    root: Path,
    split: str,
    skeleton: Skeleton,
    *,
    split_file: Path | None = None,
    min_joints: int = 1,
    min_height_px: float = 0.0,
) -> Photographs:
    """Return the persons of a split.

    Args:
        root: Folder with `images/` and `labels/`; the text of images/A/B.jpg is labels/A/B.txt.
        split: train, val or test.
        skeleton: The layout to give joints in.
        split_file: JSON lists of images. Without it, the folders of first level below `images/`
            whose names begin with `train`, and with `val` or `test`, are the two parts; without
            such folders all images are for training.
        min_joints: Fewest body joints of a sample.
        min_height_px: Smallest height of the box of a sample's person.

    Raises:
        DatasetError: A folder is missing, no file can be read, or there is no such split.
    """
    folder = require_folder(root / 'images', 'images')
    labels = require_folder(root / 'labels', 'text labels of the images')
    unlisted: dict[Path, str] = {}
    pictures = [
        path.relative_to(folder)
        for path in visible_files(folder, '**/*', unlisted)
        if path.suffix.lower() in _ENDINGS
    ]
    skipped = {str(path.relative_to(folder)): reason for path, reason in unlisted.items()}
    texts = {
        str(path): text
        for path in pictures
        if _is_there(text := (labels / path).with_suffix('.txt'), str(path), skipped)
    }
    train, test = _parts(folder, list(texts), split_file)
    wanted = chosen_images(split, train, test or None, where=str(root))
    persons: list[Person] = []
    for name in wanted:
        try:
            persons += _persons(folder / name, name, texts[name], skipped)
        except DatasetError as error:
            skipped[name] = str(error)
    return Photographs(
        'yolo_pose',
        persons,
        skeleton,
        min_joints=min_joints,
        min_height_px=min_height_px,
        skipped=skipped,
    )


def _parts(folder: Path, names: list[str], split_file: Path | None) -> tuple[list[str], list[str]]:
    if split_file is not None:
        train, test = split_lists(split_file)
        keys = {name: image_key(name) for name in names}
        return [n for n in names if keys[n] in train], [n for n in names if keys[n] in test]
    held_out = [n for n in names if n.partition('/')[0].startswith(('val', 'test'))]
    return sorted(set(names) - set(held_out)), held_out


def _is_there(text: Path, name: str, skipped: dict[str, str]) -> bool:
    try:
        return text.is_file()
    except OSError as error:  # in a folder that may not be read
        skipped[name] = f'its text cannot be read: {error.strerror}'
        return False


def _persons(image: Path, title: str, text: Path, skipped: dict[str, str]) -> Iterator[Person]:
    """The people of an image; what is wrong with a line goes into `skipped`."""
    size = _size(image)
    try:
        lines = text.read_text(encoding='utf-8-sig').splitlines()
    except (OSError, ValueError) as error:
        raise DatasetError(f'{text} cannot be read: {error}') from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row, fault = _row(line)
        if fault:
            skipped[f'{title}, line {number}'] = fault
        x, y, w, h = row[1:5] * (*size, *size)
        yield Person(
            image, title, COCO17J.joint_names, _joints(row[5:], *size),
            np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2]),
        )  # fmt: skip


def _row(line: str) -> tuple[NDArray[np.float64], str]:
    """The numbers of a line; all NaN, and the reason, if they are no person's."""
    unknown = np.full(_NUMBERS, np.nan)
    try:
        row = np.array(line.split(), np.float64)
    except ValueError:
        return unknown, f'found a line that is not numbers; expected {_NUMBERS}: {_LAYOUT}'
    if row.shape != (_NUMBERS,):
        return unknown, f'found {row.size} numbers; expected {_NUMBERS}: {_LAYOUT}'
    joints = row[5:].reshape(_JOINTS, 3)
    places = np.concatenate([row[1:3], joints[joints[:, 2] > 0.0, :2].ravel()])
    if not all(np.isfinite(part).all() for part in (row[:5], joints[:, 2], places)):
        return unknown, f'found a number that is not finite; expected {_LAYOUT}'
    if (abs(places - 0.5) > _FARTHEST).any() or not (
        0.0 < row[3:5].min() <= row[3:5].max() <= _LARGEST
    ):
        return unknown, (
            'found places far outside of the image, perhaps in pixels; expected shares of its '
            'width and height, from 0 to 1'
        )
    return row, ''


def _joints(numbers: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    joints = numbers.reshape(_JOINTS, 3)
    seen = joints[:, 2:] > 0.0
    return np.where(seen, np.where(seen, joints[:, :2], 0.0) * (width, height), np.nan)


def _size(image: Path) -> tuple[int, int]:
    """Width and height of an image that is upright, from its header."""
    try:
        with Image.open(image) as picture:
            width, height = picture.size
            turned = picture.getexif().get(ExifTags.Base.Orientation, 1) >= _TURNED
            return (height, width) if turned else (width, height)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetError(f'{image} cannot be read: {error}') from error
