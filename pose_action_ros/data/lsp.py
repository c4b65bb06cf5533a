"""Leeds Sports Pose and its extended training set (Johnson and Everingham): 14 joints in 2D.

Reads both as distributed: `joints.mat` and `images/`. LSP has (3, 14, 2000) joints, and its first
1,000 images are for training. LSP-extended has (14, 3, 10000), for training only. Its labels come
from many annotators; `checks` names a file with checks of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.data.files import read_arrays, read_mat, require_folder
from pose_action_ros.data.photographs import Person, Photographs, chosen_images, joint_corners

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.core.skeleton import Skeleton

__all__ = ['LSP_JOINTS', 'read_lsp']

LSP_JOINTS = (
    *('right_ankle', 'right_knee', 'right_hip', 'left_hip', 'left_knee', 'left_ankle'),
    *('right_wrist', 'right_elbow', 'right_shoulder', 'left_shoulder', 'left_elbow', 'left_wrist'),
    *('neck', 'head'),
)
"""The 14 joints, in the order of `joints.mat`; "head" is the top of the head."""

_LSP_TRAIN = 1000
_CONTRADICTED, _SWAPPED = 3, 1
_EXCHANGED = [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13]


def read_lsp(
    root: Path,
    split: str,
    skeleton: Skeleton,
    *,
    checks: Path | None = None,
    min_joints: int = 1,
    min_height_px: float = 0.0,
) -> Photographs:
    """Return the persons of a split.

    Args:
        root: Folder with `joints.mat` and `images/`.
        split: train or val; also test of LSP, or if `checks` holds images out.
        skeleton: The layout to give joints in.
        checks: NumPy file of one row an image: `flag` (1: left and right are exchanged), `weight`
            (0: the label is wrong), `joint_code` (3: this joint is wrong), `held_out`.
        min_joints: Fewest body joints of a sample.
        min_height_px: Smallest height of the box of a sample's person.

    Raises:
        DatasetError: A file is missing or damaged, or there is no such split.
    """
    require_folder(root / 'images', "LSP's images")
    joints, digits = _joints(root / 'joints.mat')
    held_out = np.arange(len(joints)) >= (_LSP_TRAIN if digits == 4 else len(joints))
    if checks is not None:
        joints, held_out = _checked(joints, checks)
    names = [f'im{number:0{digits}d}.jpg' for number in range(1, len(joints) + 1)]
    test = [n for n, out in zip(names, held_out, strict=True) if out]
    wanted = chosen_images(split, sorted(set(names) - set(test)), test or None, where=str(root))
    rows = {name: row for row, name in enumerate(names)}
    persons = [
        Person(
            root / 'images' / name, name, LSP_JOINTS, joints[rows[name]],
            joint_corners(joints[rows[name]]),
        )
        for name in wanted
    ]  # fmt: skip
    return Photographs(
        'lsp', persons, skeleton, min_joints=max(min_joints, 1), min_height_px=min_height_px
    )


def _joints(path: Path) -> tuple[NDArray[np.float64], int]:
    """(N, 14, 2) joints in pixels, NaN if not annotated; digits of the images' names."""
    values = np.asarray(read_mat(path, ['joints'])['joints'], np.float64)
    if values.ndim == 3 and values.shape[:2] == (len(LSP_JOINTS), 3):
        values = values.transpose(2, 0, 1)
        seen = values[..., 2:] > 0.0  # of LSP-extended: joints that are annotated
        return np.where(seen, values[..., :2] - 1.0, np.nan), 5
    if values.ndim == 3 and values.shape[:2] == (3, len(LSP_JOINTS)):
        return values.transpose(2, 1, 0)[..., :2] - 1.0, 4
    raise DatasetError(
        f'{path}: found joints of shape {values.shape}; expected (14, 3, N) of LSP-extended or '
        '(3, 14, N) of LSP'
    )


def _checked(
    joints: NDArray[np.float64], path: Path
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Joints that pass the checks, and the images that are held out."""
    checks = read_arrays(path, ('flag', 'weight', 'joint_code', 'held_out'))
    if checks['flag'].shape != joints.shape[:1] or checks['joint_code'].shape != joints.shape[:2]:
        raise DatasetError(
            f'{path} checks {checks["flag"].shape[0]} images; joints.mat has {len(joints)}'
        )
    swapped = checks['flag'] == _SWAPPED
    joints = np.where(swapped[:, None, None], joints[:, _EXCHANGED], joints)
    wrong = (checks['joint_code'] == _CONTRADICTED) | (checks['weight'][:, None] == 0.0)
    return np.where(wrong[..., None], np.nan, joints), checks['held_out'].astype(bool)
