"""YOLO-pose: a folder of images and a folder of text files with one line per person.

Format (Ultralytics, "Pose Estimation Datasets"): class; then x, y of the middle, width and height
of the box; then x, y and visibility of each joint. Coordinates are shares of the image's width and
height. Joints of visibility 0 are not annotated. The 17 joints are COCO's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

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
_NUMBERS = 5 + 3 * _JOINTS


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
    texts = {
        str(path.relative_to(folder)): text
        for path in visible_files(folder, '**/*')
        if path.suffix.lower() in _ENDINGS
        and (text := (labels / path.relative_to(folder)).with_suffix('.txt')).is_file()
    }
    train, test = _parts(folder, list(texts), split_file)
    wanted = chosen_images(split, train, test or None, where=str(root))
    persons: list[Person] = []
    skipped: dict[str, str] = {}
    for name in wanted:
        try:
            persons += _persons(folder / name, name, texts[name])
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


def _persons(image: Path, title: str, text: Path) -> Iterator[Person]:
    width, height = _size(image)
    try:
        lines = text.read_text(encoding='ascii').splitlines()
        rows = [np.array(line.split(), np.float64) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise DatasetError(f'{text} cannot be read: {error}') from error
    for number, row in enumerate(rows, start=1):
        if row.shape != (_NUMBERS,):
            raise DatasetError(
                f'{text}, line {number}: found {row.size} numbers; expected {_NUMBERS}: class, '
                'box, and x, y, visibility of 17 joints'
            )
        x, y, w, h = row[1:5] * (width, height, width, height)
        yield Person(
            image, title, COCO17J.joint_names, _joints(row[5:], width, height),
            np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2]),
        )  # fmt: skip


def _joints(numbers: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    joints = numbers.reshape(_JOINTS, 3)
    places = joints[:, :2] * (width, height)
    return np.where(joints[:, 2:] > 0.0, places, np.nan)


def _size(image: Path) -> tuple[int, int]:
    """Width and height of an image, from its header."""
    try:
        with Image.open(image) as picture:
            return picture.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetError(f'{image} cannot be read: {error}') from error
