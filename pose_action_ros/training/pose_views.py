"""Poses of recorded images from one or several crops, in pixels of the image.

Single-crop uses the unvaried window. Multi-crop averages ten views: the window itself and four
shifted diagonally by a twentieth of it, each also mirrored. "5 crops and their flips" is from the
paper, which does not specify the shifts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.data.augment import Variation
from pose_action_ros.data.recorded import cut
from pose_action_ros.training.phase_module import to_network_input
from pose_action_ros.training.reporting import track

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from pose_action_ros.data.recorded import RecordedPoses
    from pose_action_ros.models import MultitaskNet

__all__ = ['MULTI_CROP', 'SINGLE_CROP', 'View', 'predict_poses']


class View(NamedTuple):
    """One view of a person: shift as a share of the window, mirrored or not."""

    x: float = 0.0
    y: float = 0.0
    flip: bool = False


_SHIFTS = ((0.0, 0.0), (-0.05, -0.05), (0.05, -0.05), (-0.05, 0.05), (0.05, 0.05))
SINGLE_CROP = (View(),)
MULTI_CROP = tuple(View(x, y, flip) for x, y in _SHIFTS for flip in (False, True))


def predict_poses(
    net: MultitaskNet,
    poses: RecordedPoses,
    indices: Sequence[int],
    views: Sequence[View] = SINGLE_CROP,
    *,
    batch: int = 8,
    workers: int = 0,
    progress: bool = False,
) -> NDArray[np.float64]:
    """Return the joints that a network predicts.

    Args:
        net: The network, on any device; left in evaluation mode.
        poses: The images, joints in the network's layout.
        indices: N indices of images.
        views: The views to average.
        batch: Number of images at a time, each with all its views.
        workers: Number of processes that read.
        progress: Show a bar.

    Returns:
        (N, K, J, 3) float64 per prediction block: u, v in pixels of the image; z from 0 to 1 in
        the box of depth, NaN for a 2D network.

    Raises:
        DatasetError: A file is missing or damaged.
    """
    net.eval()
    device = next(net.parameters()).device
    swap = list(get_skeleton(net.config.layout).flip)
    loader: Any = DataLoader(_Views(poses, indices, views), batch, num_workers=workers)
    found = []
    for samples in track(loader, 'poses', total=len(loader), shown=progress):
        with torch.inference_mode():
            outputs = net.forward_pose(to_network_input(samples['crop'].to(device)))
        joints = torch.stack([output.joints for output in outputs]).double().cpu()
        joints = joints.unflatten(1, samples['crop'].shape[:2])  # (K, B, V, J, D)
        for number, view in enumerate(views):
            if view.flip:
                joints[:, :, number] = _mirrored(joints[:, :, number], swap)
        found.append(_in_image(joints, samples['image_to_crop']).mean(dim=2).transpose(0, 1))
    return np.asarray(torch.cat(found).numpy())


class _Views(Dataset):  # type: ignore[type-arg]
    """All views of an image: crop (V, 3, H, W), image_to_crop (V, 3, 3)."""

    def __init__(
        self, poses: RecordedPoses, indices: Sequence[int], views: Sequence[View]
    ) -> None:
        self._poses = poses
        self._indices = indices
        self._views = views

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        library = self._poses.library
        recording, frame = self._poses.locate(self._indices[number])
        person, images = library.track(recording, [frame]), library.images(recording, [frame])
        unit = person.box.size / person.shift_px
        crops, matrices = [], []
        for view in self._views:
            variation = Variation(shift_x=view.x * unit, shift_y=view.y * unit)
            fields = cut(person, images, library.skeleton, variation)
            crop = fields['crop'][0]
            crops.append(crop.flip(-1) if view.flip else crop)
            matrices.append(fields['image_to_crop'][0])
        return {'crop': torch.stack(crops), 'image_to_crop': torch.stack(matrices)}


def _mirrored(joints: Tensor, swap: list[int]) -> Tensor:
    """Map a pose in the mirrored crop to the unmirrored one."""
    joints = joints[..., swap, :].clone()
    joints[..., 0] = 1.0 - joints[..., 0]
    return joints


def _in_image(joints: Tensor, image_to_crop: Tensor) -> Tensor:
    """(K, B, V, J, 3): u, v, z of (K, B, V, J, D) in crops of (B, V, 3, 3)."""
    back = torch.linalg.inv(image_to_crop)
    pixels = joints[..., :2] @ back[..., :2, :2].transpose(-1, -2) + back[..., None, :2, 2]
    depth = joints[..., 2:] if joints.shape[-1] == 3 else torch.full_like(pixels[..., :1], np.nan)
    return torch.cat([pixels, depth], dim=-1)
