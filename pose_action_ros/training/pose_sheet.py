"""A picture of many samples with the poses that a network predicts, from the best to the worst."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.data.contact_sheet import contact_sheet, save_sheet
from pose_action_ros.training.phase_module import to_network_input

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from pose_action_ros.data.recorded import RecordedPoses
    from pose_action_ros.data.simulated import SimulatedPoses
    from pose_action_ros.models import MultitaskNet

__all__ = ['predicted', 'save_pose_sheet']

_SAMPLES = 24


def save_pose_sheet(
    net: MultitaskNet, poses: RecordedPoses | SimulatedPoses, path: Path, count: int = _SAMPLES
) -> None:
    """Draw the predicted poses of samples that are chosen at random, always the same ones.

    The mean error stands above each sample, as a share of the window's side.

    Args:
        net: The network, on any device; left in evaluation mode.
        poses: The samples, joints in the network's layout.
        path: The picture; its folder is created.
        count: Largest number of samples.

    Raises:
        DatasetError: A file is missing or damaged.
    """
    chosen = np.random.default_rng(0).permutation(len(poses))[:count]
    samples = [poses[int(index)] for index in chosen]
    drawn, errors = predicted(net, samples)
    order = sorted(range(len(samples)), key=lambda at: _or_last(errors[at]))
    captions = [_caption(errors[at]) for at in order]
    skeleton = get_skeleton(net.config.layout)
    save_sheet(contact_sheet([drawn[at] for at in order], captions, skeleton), path)


@torch.inference_mode()
def predicted(
    net: MultitaskNet, samples: Sequence[Any]
) -> tuple[list[dict[str, Tensor]], list[float]]:
    """Return the samples with predicted joints, and the mean error of each in window sides.

    Args:
        net: The network, on any device; left in evaluation mode.
        samples: `PoseSample`s in its layout. Without annotated joints the error is NaN.
    """
    net.eval()
    device = next(net.parameters()).device
    crops = torch.stack([sample['crop'] for sample in samples])
    joints = net.forward_pose(to_network_input(crops.to(device)))[-1].joints.cpu()
    truth = torch.stack([sample['joints_crop'] for sample in samples])
    errors = (joints[..., :2] - truth[..., :2]).norm(dim=-1).nanmean(dim=-1)
    drawn = [
        {**sample, 'joints_crop': found} for sample, found in zip(samples, joints, strict=True)
    ]
    return drawn, errors.tolist()


def _caption(error: float) -> str:
    return 'no labels' if error != error else f'mean error {100 * error:.1f} %'


def _or_last(error: float) -> float:
    return float('inf') if error != error else error
