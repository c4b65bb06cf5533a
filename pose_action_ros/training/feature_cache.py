"""What a frozen pose network sees in each clip, computed once.

While the pose network is frozen its outputs for a clip never change, so the action heads can be
trained on them alone: joints, probability and joint features, T x J x (D + 1 + C) numbers per
clip in place of T images through the backbone. The action heads read the joints of all frames in
the crop of the newest one, in training as in `inference.clip_buffer`: the crop follows the
person, and what a joint does in the image must not be lost by that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.data import DataLoader, Subset

from pose_action_ros.training.batches import develop_batch, join_samples
from pose_action_ros.training.phase_module import to_network_input
from pose_action_ros.training.reporting import track
from pose_action_ros.training.sample_store import SampleStore

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from pose_action_ros.models import MultitaskNet
    from pose_action_ros.training.order import OrderedSamples

__all__ = ['CachedFeatures', 'clip_features', 'in_newest_crop']

_PARTS = ('joints', 'visibility', 'probability', 'joint_features')


def clip_features(
    net: MultitaskNet, clip: dict[str, Tensor], *, channels_last: bool = False
) -> dict[str, Tensor]:
    """Run the pose network over clips.

    Args:
        net: The network.
        clip: Of a `ClipSample`, batched: crop (B, T, 3, H, W) and image_to_crop (B, T, 3, 3).
        channels_last: Memory format of the crops.

    Returns:
        joints (B, T, J, D) each in its own crop; visibility (B, T, J). For the action branches:
        clip_joints (B, T, J, D) in the newest crop, probability (B, T, J), joint_features
        (B, T, J, C).
    """
    crop = clip['crop']
    frames = net.forward_frames(to_network_input(crop, channels_last=channels_last))
    found = {name: getattr(frames, name).unflatten(0, crop.shape[:2]) for name in _PARTS}
    return {**found, 'clip_joints': in_newest_crop(found['joints'], clip['image_to_crop'])}


def in_newest_crop(joints: Tensor, image_to_crop: Tensor) -> Tensor:
    """Express the joints of every frame in the crop of the last one.

    Args:
        joints: (B, T, J, D), x and y in each frame's own crop; further columns pass unchanged.
        image_to_crop: (B, T, 3, 3).

    Returns:
        (B, T, J, D).
    """
    to_image = torch.linalg.inv(image_to_crop)
    affine = (image_to_crop[:, -1:] @ to_image).to(joints.dtype)  # (B, T, 3, 3)
    xy = joints[..., :2] @ affine[..., :2, :2].transpose(-1, -2) + affine[..., None, :2, 2]
    return torch.cat([xy, joints[..., 2:]], dim=-1)


class CachedFeatures:
    """A `SampleSource` of features in place of clips.

    Args:
        clips: The clips; each is kept as its first visit looks.
        net: The network whose pose part is frozen; it is left in evaluation mode.
        path: The file of the features; what it has already is not computed again.
        channels_last: Memory format of the crops.
        workers: Processes that render or read clips.
        progress: Show a bar.
    """

    def __init__(
        self,
        clips: OrderedSamples,
        net: MultitaskNet,
        path: Path,
        *,
        channels_last: bool = False,
        workers: int = 0,
        progress: bool = False,
    ) -> None:
        net.eval()
        device = next(net.parameters()).device

        @torch.inference_mode()
        def features(clip: dict[str, Tensor]) -> dict[str, Tensor]:
            batch = {name: value.to(device) for name, value in join_samples([clip]).items()}
            found = clip_features(net, develop_batch(batch), channels_last=channels_last)
            half = {name: value[0].half().cpu() for name, value in found.items()}
            return {**half, 'action': clip['action']}

        first = clips.visit(0, 0)
        self._store = SampleStore(path, len(clips), features(first))
        missing = [i for i in range(len(clips)) if i not in self._store]
        loader = DataLoader(
            Subset(_FirstVisits(clips), missing), batch_size=None, num_workers=workers
        )
        for index, clip in zip(
            missing, track(loader, 'features', total=len(missing), shown=progress), strict=True
        ):
            self._store.put(index, features(clip))

    def __len__(self) -> int:
        return len(self._store)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return the features of clip `index` in float32, and its action."""
        sample = self._store.get(index)
        return {name: v.float() if v.is_floating_point() else v for name, v in sample.items()}


class _FirstVisits(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Clip by index, as it looks the first time."""

    def __init__(self, clips: OrderedSamples) -> None:
        self._clips = clips

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        sample: dict[str, Tensor] = self._clips.visit(index, 0)
        return sample
