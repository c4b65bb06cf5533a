"""Photographs with their labels in one NumPy file: joints, confidences, depth hints.

Fields: `path` (N,) relative to the root, once for each person of a photograph; `joints` (J,)
names; `xy` (N, J, 2) pixels; `conf` (N, J), 0 where unknown; optionally `z` (N, J) metres away
from the camera, relative to the middle of the hips. This is the form of labels on which other
pose networks agree; see docs/data.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.data.files import read_arrays
from pose_action_ros.data.label_arrays import names_in, numbers_in
from pose_action_ros.data.photographs import Person, Photographs, chosen_images, joint_corners

if TYPE_CHECKING:
    from pathlib import Path

    from pose_action_ros.core.skeleton import Skeleton

__all__ = ['read_pose_arrays']


def read_pose_arrays(
    root: Path,
    split: str,
    skeleton: Skeleton,
    *,
    labels: Path,
    min_confidence: float = 0.5,
    min_joints: int = 1,
    min_height_px: float = 0.0,
) -> Photographs:
    """Return the persons of a split.

    Args:
        root: Folder of the images.
        split: train or val; every tenth image is for validation.
        skeleton: The layout to give joints in.
        labels: The NumPy file.
        min_confidence: Joints below it are invalid.
        min_joints: Fewest body joints of a sample.
        min_height_px: Smallest height of the box of a sample's person.

    Raises:
        DatasetError: A file is missing or damaged, or there is no such split.
    """
    values = read_arrays(labels, ('path', 'joints', 'xy', 'conf'), optional=('z',))
    names, paths = names_in(labels, values, 'joints'), names_in(labels, values, 'path')
    shape = (len(paths), len(names))
    sure = numbers_in(labels, values, 'conf', shape) >= max(min_confidence, 1e-6)
    places = numbers_in(labels, values, 'xy', (*shape, 2))
    joints = np.where(sure[..., None], places, np.nan)
    depth = None
    if 'z' in values:
        depth = np.where(sure, numbers_in(labels, values, 'z', shape), np.nan)
    rows: dict[str, list[int]] = {}
    for row, title in enumerate(paths):
        rows.setdefault(title, []).append(row)
    persons = [
        Person(
            root / title, title, names, joints[row], joint_corners(joints[row]),
            None if depth is None else depth[row],
        )
        for title in chosen_images(split, list(rows), where=str(labels))
        for row in rows[title]
    ]  # fmt: skip
    return Photographs(
        'pose_arrays', persons, skeleton, min_joints=max(min_joints, 1),
        min_height_px=min_height_px,
    )  # fmt: skip
