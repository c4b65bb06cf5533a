"""Scores of poses on recorded data: PCKh on MPII, MPJPE on Human3.6M.

Protocols: the authors' release (branch cvpr18). MPII: predictions are in the full image, the head
size is 0.6 of the head box's diagonal, and all joints but pelvis and thorax are pooled. Human3.6M:
the true root gives the depth. Poses are back-projected through the camera with its distortion and
centred on their root. The mean includes all 17 joints, also the root's zero, and the best
prediction block counts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.data.human36m_files import H36M_ACTIONS
from pose_action_ros.data.recorded import RecordedPoses
from pose_action_ros.metrics import auc, head_size, joint_errors, mpjpe, p_mpjpe, pck
from pose_action_ros.training.pose_views import SINGLE_CROP, View, predict_poses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pose_action_ros.data.human36m import Human36m
    from pose_action_ros.data.mpii import Mpii
    from pose_action_ros.models import MultitaskNet

__all__ = [
    'MPII_GROUPS',
    'H36mScores',
    'MpiiScores',
    'evaluate_h36m',
    'evaluate_mpii',
    'h36m_scores',
    'mpii_scores',
    'spread_indices',
]

MPII_GROUPS = {
    'head': ('head', 'neck'),
    **{
        part: (f'right_{part}', f'left_{part}')
        for part in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')
    },
}
"""Columns of MPII's tables and their joints; pelvis and thorax do not count."""

_DEPTH_BOX_MM = 2000.0
_TOTAL = 'total'


@dataclass(frozen=True)
class MpiiScores:
    """Shares from 0 to 1; the names are the keys of the JSON file.

    Attributes:
        pckh_50: By group of joints, and `total`: PCKh at half a head.
        pckh_20: At a fifth of a head.
        auc_50: Area under the curve up to half a head.
        auc_20: Up to a fifth of a head.
        joints: PCKh at half a head of every single joint.
        blocks: Total PCKh at half a head of each prediction block.
        samples: Number of persons.
        views: Number of averaged crops.
    """

    pckh_50: dict[str, float]
    pckh_20: dict[str, float]
    auc_50: dict[str, float]
    auc_20: dict[str, float]
    joints: dict[str, float]
    blocks: list[float]
    samples: int
    views: int

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class H36mScores:
    """Millimetres; the names are the keys of the JSON file.

    Attributes:
        mpjpe_mm: By action; NaN for actions without samples.
        p_mpjpe_mm: The same after Procrustes alignment.
        mean_mpjpe_mm: Over all samples.
        mean_p_mpjpe_mm: Over all samples, after Procrustes alignment.
        blocks: MPJPE of each prediction block.
        block: Number, from 1, of the block with these scores.
        samples: Number of samples by action.
        views: Number of averaged crops.
    """

    mpjpe_mm: dict[str, float]
    p_mpjpe_mm: dict[str, float]
    mean_mpjpe_mm: float
    mean_p_mpjpe_mm: float
    blocks: list[float]
    block: int
    samples: dict[str, int]
    views: int

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


def evaluate_mpii(
    net: MultitaskNet,
    library: Mpii,
    views: Sequence[View] = SINGLE_CROP,
    *,
    limit: int | None = None,
    **options: Any,
) -> MpiiScores:
    """Measure a network on MPII.

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
    truth = np.concatenate([library.track(i, [0]).joints_image_px for i in indices])
    heads = head_size([library.head_box_px(i) for i in indices])
    return mpii_scores(found, truth, heads, library.skeleton.joint_names, len(views))


def mpii_scores(
    found_px: NDArray[np.float64],
    truth_px: NDArray[np.float64],
    head_size_px: NDArray[np.float64],
    joint_names: Sequence[str],
    views: int = 1,
) -> MpiiScores:
    """Score poses in the image.

    Args:
        found_px: (N, K, J, 2) of each prediction block.
        truth_px: (N, J, 2), NaN where not annotated.
        head_size_px: (N,).
        joint_names: J names.
        views: Number of averaged crops.
    """
    names = list(joint_names)
    groups = {
        group: [names.index(joint) for joint in joints] for group, joints in MPII_GROUPS.items()
    }
    groups[_TOTAL] = [index for members in groups.values() for index in members]
    blocks = [
        joint_errors(found_px[:, block], truth_px, head_size_px)
        for block in range(found_px.shape[1])
    ]
    errors = blocks[-1]
    return MpiiScores(
        pckh_50={group: pck(errors[:, at], 0.5) for group, at in groups.items()},
        pckh_20={group: pck(errors[:, at], 0.2) for group, at in groups.items()},
        auc_50={g: auc(errors[:, at], max_threshold=0.5, steps=50) for g, at in groups.items()},
        auc_20={g: auc(errors[:, at], max_threshold=0.2, steps=20) for g, at in groups.items()},
        joints={names[at]: pck(errors[:, at], 0.5) for at in sorted(groups[_TOTAL])},
        blocks=[pck(block[:, groups[_TOTAL]], 0.5) for block in blocks],
        samples=len(truth_px),
        views=views,
    )


def evaluate_h36m(
    net: MultitaskNet,
    library: Human36m,
    views: Sequence[View] = SINGLE_CROP,
    *,
    limit: int | None = None,
    **options: Any,
) -> H36mScores:
    """Measure a network on Human3.6M; arguments as in `evaluate_mpii`.

    Raises:
        ConfigError: The network is 2D or lacks the 17 joints of the protocol.
        DatasetError: A file is missing or damaged.
    """
    if net.config.dimensions != 3 or net.config.layout != 'pa17j':
        raise ConfigError(
            f'the network {net.config.name!r} gives {net.config.layout} in '
            f"{net.config.dimensions}D; Human3.6M's protocol needs pa17j in 3D"
        )
    poses = RecordedPoses(library)
    indices = spread_indices(len(poses), limit)
    found = predict_poses(net, poses, indices, views, **options)
    places = [poses.locate(index) for index in indices]
    truth = np.concatenate([library.joints_world_mm(r, [frame]) for r, frame in places])
    world = np.empty_like(found)
    for number, (recording, _) in enumerate(places):
        camera = library.camera(recording)
        root_mm = camera.project(truth[number, 0])[2]
        found[number, ..., 2] = root_mm + _DEPTH_BOX_MM * (found[number, ..., 2] - 0.5)
        world[number] = camera.back_project(found[number])
    actions = np.array([library.action(recording) for recording, _ in places])
    return h36m_scores(world, truth, actions, len(views))


def h36m_scores(
    found_mm: NDArray[np.float64],
    truth_mm: NDArray[np.float64],
    actions: NDArray[np.int64],
    views: int = 1,
) -> H36mScores:
    """Score poses in space.

    Args:
        found_mm: (N, K, J, 3) of each prediction block.
        truth_mm: (N, J, 3).
        actions: (N,) index into `H36M_ACTIONS`.
        views: Number of averaged crops.
    """
    blocks = [mpjpe(found_mm[:, block], truth_mm) for block in range(found_mm.shape[1])]
    best = int(np.argmin(blocks))
    chosen = found_mm[:, best]
    of = {name: actions == number for number, name in enumerate(H36M_ACTIONS)}
    return H36mScores(
        mpjpe_mm={name: mpjpe(chosen[at], truth_mm[at]) for name, at in of.items()},
        p_mpjpe_mm={name: p_mpjpe(chosen[at], truth_mm[at]) for name, at in of.items()},
        mean_mpjpe_mm=blocks[best],
        mean_p_mpjpe_mm=p_mpjpe(chosen, truth_mm),
        blocks=blocks,
        block=best + 1,
        samples={name: int(at.sum()) for name, at in of.items()},
        views=views,
    )


def spread_indices(count: int, limit: int | None) -> list[int]:
    """Return all of `count` indices, or `limit` of them, evenly spread."""
    if limit is None or limit >= count:
        return list(range(count))
    return [i * count // limit for i in range(limit)]
