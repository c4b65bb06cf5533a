"""Scores of a network on the simulated actor: joints in millimetres and pixels, actions.

Protocol of the joints: Human3.6M's (Ionescu et al., PAMI 2014). The depth of the true root turns
z into metres, and the intrinsics turn pixels into metres. Both poses are centred on their root,
and the mean includes all joints, also the root's zero. The baselines are computed from the truth:
the mean of all true poses, and the most frequent action.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from pose_action_ros.core.actions import SIMULATED_ACTIONS
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.person_confidence import person_confidence
from pose_action_ros.data.simulated import SimulatedClips, SimulatedPoses
from pose_action_ros.metrics import accuracy, confusion_matrix, mpjpe, p_mpjpe, pck_torso
from pose_action_ros.training.feature_cache import clip_features
from pose_action_ros.training.phase_module import to_network_input
from pose_action_ros.training.reporting import track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from pose_action_ros.models import MultitaskNet

    Array = NDArray[np.float64]

__all__ = ['Scores', 'evaluate_simulated', 'to_camera_m', 'to_image_px']

_DEPTH_BOX_M = 2.0  # data.sample
_MM_PER_M = 1000.0
_BATCH = 16


@dataclass(frozen=True)
class Scores:
    """Scores; the names are the keys of the JSON file.

    Attributes:
        mpjpe_mm: Root-relative mean per-joint position error.
        p_mpjpe_mm: The same after Procrustes alignment.
        pixel_error: Mean distance in pixels of the source image.
        pck_torso_10: Share of joints within a tenth of the torso's diameter, in the image.
        presence_auc: Chance that a window with a person has a higher probability of a person than
            a window without one (area under the ROC curve).
        confidence_person_p5: 5th percentile of the probability in windows with a person.
        confidence_empty_p95: 95th percentile of the probability in empty windows.
        action_accuracy: Share of clips whose action is right.
        baseline_mpjpe_mm: `mpjpe_mm` of the mean true pose.
        baseline_accuracy: `action_accuracy` of the most frequent action.
        poses: Number of single images.
        clips: Number of clips.
        recall: Share of right clips by action.
        confusion: Counts; rows are the true action, columns the predicted one.
    """

    mpjpe_mm: float
    p_mpjpe_mm: float
    pixel_error: float
    pck_torso_10: float
    presence_auc: float
    confidence_person_p5: float
    confidence_empty_p95: float
    action_accuracy: float
    baseline_mpjpe_mm: float
    baseline_accuracy: float
    poses: int
    clips: int
    recall: dict[str, float]
    confusion: list[list[int]]

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


def evaluate_simulated(
    net: MultitaskNet,
    *,
    split: str = 'test',
    poses: int = 600,
    clips: int = 300,
    workers: int = 0,
    progress: bool = False,
) -> Scores:
    """Measure a network on a split of the simulated actor.

    Args:
        net: The network, on any device; left in evaluation mode.
        split: train, val or test.
        poses: Number of single images, from the start of the split.
        clips: Number of clips, from the start of the split.
        workers: Number of processes that render.
        progress: Show bars.

    Raises:
        ConfigError: The network has other joints or dimensions than the actor, or lacks one of its
            actions.
    """
    config = net.config
    if config.layout != 'pa17j' or config.dimensions != 3:
        raise ConfigError(
            f'the network {config.name!r} gives {config.layout} in {config.dimensions}D; the '
            'simulated actor needs pa17j in 3D'
        )
    missing = set(SIMULATED_ACTIONS) - set(config.actions)
    if missing:
        raise ConfigError(
            f'the network {config.name!r} has no action {", ".join(sorted(missing))}, which the '
            'simulated actor does'
        )
    net.eval()
    pose_set = SimulatedPoses(split, poses)
    clip_set = SimulatedClips(
        split, clips, frames=config.clip_frames, period_s=config.clip_period_s
    )
    loader = DataLoader(pose_set, _BATCH, num_workers=workers)  # type: ignore[arg-type]
    joints = _pose_scores(net, track(loader, 'poses', total=len(loader), shown=progress))
    places = SimulatedPoses(split, poses, empty=True)
    loader = DataLoader(places, _BATCH, num_workers=workers)  # type: ignore[arg-type]
    empty = _confidences(net, track(loader, 'empty windows', total=len(loader), shown=progress))
    presence = _presence_scores(joints.pop('confidences'), empty)
    loader = DataLoader(clip_set, 1, num_workers=workers)  # type: ignore[arg-type]
    actions = _action_scores(net, track(loader, 'clips', total=len(loader), shown=progress))
    return Scores(**joints, **presence, **actions, poses=poses, clips=clips)


def to_image_px(joints_crop: Array, image_to_crop: Array) -> Array:
    """Map crop coordinates to source pixels.

    Args:
        joints_crop: (N, J, D), x and y from 0 to 1 inside the crop.
        image_to_crop: (N, 3, 3).

    Returns:
        (N, J, 2) float64.
    """
    back = np.linalg.inv(image_to_crop)
    points = joints_crop[..., :2] @ np.swapaxes(back[:, :2, :2], 1, 2) + back[:, None, :2, 2]
    return np.asarray(points)


def to_camera_m(joints_px: Array, depth_m: Array, intrinsics: Array) -> Array:
    """Lift pixels to metres in the camera's optical frame.

    Args:
        joints_px: (N, J, 2).
        depth_m: (N, J).
        intrinsics: (N, 4) fx, fy, cx, cy; no distortion.

    Returns:
        (N, J, 3) float64.
    """
    rays = (joints_px - intrinsics[:, None, 2:]) / intrinsics[:, None, :2]
    return np.concatenate([rays * depth_m[..., None], depth_m[..., None]], axis=-1)


@torch.inference_mode()
def _pose_scores(net: MultitaskNet, batches: Iterator[dict[str, Tensor]]) -> dict[str, Any]:
    device = next(net.parameters()).device
    rows: list[tuple[Array, ...]] = []
    for batch in batches:
        joints, visibility = net.forward_pose(to_network_input(batch['crop'].to(device)))[-1]
        truth = batch['joints_camera_m'].double().numpy()
        intrinsics = batch['intrinsics'].double().numpy()
        found = joints.double().cpu().numpy()
        found_px = to_image_px(found, batch['image_to_crop'].numpy())
        depth = truth[:, :1, 2] + _DEPTH_BOX_M * (found[..., 2] - 0.5)
        true_px = truth[..., :2] / truth[..., 2:] * intrinsics[:, None, :2]
        true_px = true_px + intrinsics[:, None, 2:]
        found_m = to_camera_m(found_px, depth, intrinsics)
        rows.append((found_m, truth, found_px, true_px, _person_confidence(net, visibility)))
    found_m, true_m, found_px, true_px, confidences = (
        np.concatenate(column) for column in zip(*rows, strict=True)
    )
    mean_pose = (true_m - true_m[:, :1]).mean(axis=0)
    return {
        'mpjpe_mm': _MM_PER_M * mpjpe(found_m, true_m),
        'p_mpjpe_mm': _MM_PER_M * p_mpjpe(found_m, true_m),
        'pixel_error': mpjpe(found_px, true_px, root=None),
        'pck_torso_10': pck_torso(found_px, true_px, layout=net.config.layout, threshold=0.1),
        'baseline_mpjpe_mm': _MM_PER_M * mpjpe(np.broadcast_to(mean_pose, true_m.shape), true_m),
        'confidences': confidences,
    }


@torch.inference_mode()
def _confidences(net: MultitaskNet, batches: Iterator[dict[str, Tensor]]) -> Array:
    """(N,) probability of a person in each window."""
    device = next(net.parameters()).device
    poses = (net.forward_pose(to_network_input(batch['crop'].to(device))) for batch in batches)
    return np.concatenate([_person_confidence(net, pose[-1].visibility) for pose in poses])


def _person_confidence(net: MultitaskNet, visibility: Tensor) -> Array:
    config = net.config
    return person_confidence(visibility.cpu().numpy(), config.person_gain, config.person_offset)


def _presence_scores(person: Array, empty: Array) -> dict[str, float]:
    higher = (person[:, None] > empty).mean() + 0.5 * (person[:, None] == empty).mean()
    return {
        'presence_auc': float(higher),
        'confidence_person_p5': float(np.percentile(person, 5)),
        'confidence_empty_p95': float(np.percentile(empty, 95)),
    }


@torch.inference_mode()
def _action_scores(net: MultitaskNet, batches: Iterator[dict[str, Tensor]]) -> dict[str, Any]:
    device = next(net.parameters()).device
    numbers = np.array([net.config.actions.index(name) for name in SIMULATED_ACTIONS])
    scores, labels = [], []
    for batch in batches:
        clip = {name: batch[name].to(device) for name in ('crop', 'image_to_crop')}
        features = clip_features(net, clip)
        output = net.forward_actions(
            *(features[name] for name in ('clip_joints', 'probability', 'joint_features'))
        )
        scores.append(output.actions.cpu().numpy())
        labels.append(numbers[batch['action'].numpy()])
    probabilities, actions = np.concatenate(scores), np.concatenate(labels)
    names = net.config.actions
    counts = confusion_matrix(probabilities.argmax(axis=1), actions, len(names))
    totals = counts.sum(axis=1)
    return {
        'action_accuracy': accuracy(probabilities, actions),
        'baseline_accuracy': float(totals.max() / totals.sum()),
        'recall': {n: float(counts[i, i] / totals[i]) for i, n in enumerate(names) if totals[i]},
        'confusion': counts.tolist(),
    }
