"""Joints of a data set in the layout of a network; joints that it lacks are NaN.

All layouts use the same names and `pa21j` has all joints. So every conversion goes through it:
first the data set's table (`core.skeleton`), then the names. In this way mixed data sets share one
layout with as many joints as the richest set; absent joints are invalid (supplement, Appendix B).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import PA21J

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from pose_action_ros.core.skeleton import Skeleton

__all__ = ['PENN_JOINTS', 'named_joints', 'to_layout']

PENN_JOINTS = (
    'head',
    *(f'{side}_{part}' for part in ('shoulder', 'elbow', 'wrist') for side in ('left', 'right')),
    *(f'{side}_{part}' for part in ('hip', 'knee', 'ankle') for side in ('left', 'right')),
)
"""The 13 joints of Penn Action's own labels, in order (README of the data set)."""


def to_layout(skeleton: Skeleton, source: str, joints: ArrayLike) -> NDArray[np.float64]:
    """Reorder joints of a data set.

    Args:
        skeleton: The layout to have, one whose joints have names of `pa21j`.
        source: `mpii` (16 joints), `h36m` (32), `ntu` (25), or `penn_action` (13, in the order
            of the authors' table).
        joints: (..., J_source, D).

    Returns:
        (..., J, D) float64, NaN if the data set has no such joint.

    Raises:
        ConfigError: There is no table for that source.
    """
    joints = np.asarray(joints, np.float64)
    if source in PA21J.maps_from:
        rich = np.asarray(PA21J.convert_from(source, joints), np.float64)
    elif source in PA21J.maps_to:
        rich = np.full((*joints.shape[:-2], PA21J.num_joints, joints.shape[-1]), np.nan)
        rich[..., list(PA21J.maps_to[source]), :] = joints
    else:
        raise ConfigError(
            f'no table of joints for {source!r}; there are mpii, h36m, ntu and penn_action'
        )
    return named_joints(skeleton, PA21J.joint_names, rich)


def named_joints(
    skeleton: Skeleton, names: Sequence[str], joints: ArrayLike
) -> NDArray[np.float64]:
    """Place joints by their names.

    Args:
        skeleton: The layout to have.
        names: Names of the given joints; those that the layout lacks are dropped.
        joints: (..., len(names), D).

    Returns:
        (..., J, D) float64, NaN for joints that are not given.
    """
    joints = np.asarray(joints, np.float64)
    out = np.full((*joints.shape[:-2], skeleton.num_joints, joints.shape[-1]), np.nan)
    index = {name: i for i, name in enumerate(skeleton.joint_names)}
    for at, name in enumerate(names):
        if name in index:
            out[..., index[name], :] = joints[..., at, :]
    return out
