"""Scores of poses on photographs of people: PCK relative to the torso.

A joint is right within a share of the torso, the distance from the middle of the shoulders to
the middle of the hips. The twelve body joints of all persons with an annotated torso are pooled.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.data.photographs import BODY_JOINTS
from pose_action_ros.data.recorded import RecordedPoses
from pose_action_ros.metrics import joint_errors, pck
from pose_action_ros.training.pose_scores import spread_indices
from pose_action_ros.training.pose_views import SINGLE_CROP, View, predict_poses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pose_action_ros.data.recorded import Library
    from pose_action_ros.models import MultitaskNet

__all__ = ['PhotographScores', 'evaluate_photographs', 'photograph_scores', 'torso_px']

_PARTS = ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')


@dataclass(frozen=True)
class PhotographScores:
    """Shares from 0 to 1; the names are the keys of the JSON file.

    Attributes:
        pck_20: By part of the body, and `total`: PCK at a fifth of the torso.
        pck_50: At half a torso.
        blocks: Total PCK at a fifth of the torso of each prediction block.
        samples: Number of persons.
        joints: Number of their annotated body joints.
    """

    pck_20: dict[str, float]
    pck_50: dict[str, float]
    blocks: list[float]
    samples: int
    joints: int

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


def evaluate_photographs(
    net: MultitaskNet,
    library: Library,
    views: Sequence[View] = SINGLE_CROP,
    *,
    limit: int | None = None,
    **options: Any,
) -> PhotographScores:
    """Measure a network on annotated persons, each in its unvaried window.

    Args:
        net: The network.
        library: A split, in the network's layout.
        views: The views to average.
        limit: Largest number of persons, spread over the split.
        **options: `batch`, `workers`, `progress` of `predict_poses`.

    Raises:
        DatasetError: A file is missing or damaged.
    """
    poses = RecordedPoses(library)
    indices = spread_indices(len(poses), limit)
    found = predict_poses(net, poses, indices, views, **options)[..., :2]
    places = [poses.locate(index) for index in indices]
    truth = np.concatenate([library.track(r, [frame]).joints_image_px for r, frame in places])
    return photograph_scores(found, truth, library.skeleton.joint_names)


def photograph_scores(
    found_px: NDArray[np.float64], truth_px: NDArray[np.float64], joint_names: Sequence[str]
) -> PhotographScores:
    """Score poses in the image.

    Args:
        found_px: (N, K, J, 2) of each prediction block.
        truth_px: (N, J, 2), NaN where not annotated.
        joint_names: J names.
    """
    names = list(joint_names)
    groups = {p: [names.index(f'right_{p}'), names.index(f'left_{p}')] for p in _PARTS}
    groups['total'] = [names.index(name) for name in BODY_JOINTS]
    scale = torso_px(truth_px, names)
    blocks = [
        joint_errors(found_px[:, block], truth_px, scale) for block in range(found_px.shape[1])
    ]
    errors = blocks[-1]
    return PhotographScores(
        pck_20={part: pck(errors[:, at], 0.2) for part, at in groups.items()},
        pck_50={part: pck(errors[:, at], 0.5) for part, at in groups.items()},
        blocks=[pck(block[:, groups['total']], 0.2) for block in blocks],
        samples=int(np.isfinite(scale).sum()),
        joints=int(np.isfinite(errors[:, groups['total']]).sum()),
    )


def torso_px(joints_px: NDArray[np.float64], joint_names: Sequence[str]) -> NDArray[np.float64]:
    """Return (N,) the distance between the middles of shoulders and hips; NaN where unknown.

    Args:
        joints_px: (N, J, 2), NaN where not annotated.
        joint_names: J names.
    """
    names = list(joint_names)
    middles = [
        joints_px[:, [names.index(f'right_{part}'), names.index(f'left_{part}')]].mean(axis=1)
        for part in ('shoulder', 'hip')
    ]
    return np.asarray(np.linalg.norm(middles[0] - middles[1], axis=-1))
