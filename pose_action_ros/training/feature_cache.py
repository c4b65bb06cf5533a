"""Outputs of the frozen pose network for each clip, computed once.

The outputs of a frozen pose network for a clip never change, so the action heads can be trained on
them alone: joints, probability and joint features. These are T x J x (D + 1 + C) numbers per clip
instead of T images through the backbone. Because the crop follows the person, the joints of all
frames are expressed in the crop of the newest frame. This keeps their movement in the image, and
`inference.clip_buffer` does the same.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader, Dataset

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.training.batches import develop_batch, join_samples
from pose_action_ros.training.phase_module import to_network_input
from pose_action_ros.training.reporting import track
from pose_action_ros.training.sample_store import SampleStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import Tensor

    from pose_action_ros.models import MultitaskNet
    from pose_action_ros.training.order import OrderedSamples

__all__ = ['CachedFeatures', 'clip_features', 'in_newest_crop']

_PARTS = ('joints', 'visibility', 'probability', 'joint_features')
_CROPS_AT_ONCE = 128


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
    """A `SampleSource` of features instead of clips. `fill` computes them once.

    Args:
        clips: The clips; the features are those of the first visit.
        path: The file of the features.
    """

    def __init__(self, clips: OrderedSamples, path: Path) -> None:
        self._clips = clips
        self._path = path
        self._store: SampleStore | None = None

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return the features of clip `index` in float32, and its action.

        Raises:
            DatasetError: They have not been computed.
        """
        if self._store is None or index not in self._store:
            raise DatasetError(f'{self._path} has no features of clip {index}; call `fill` first')
        sample = self._store.get(index)
        return {name: v.float() if v.is_floating_point() else v for name, v in sample.items()}

    def fill(
        self,
        net: MultitaskNet,
        *,
        rank: int = 0,
        world_size: int = 1,
        channels_last: bool = False,
        context: Callable[[], AbstractContextManager[Any]] = nullcontext,
        workers: int = 0,
        progress: bool = False,
    ) -> None:
        """Compute the features that the file lacks.

        The network processes clips in blocks that are always the same, so a resumed run, or one
        with another number of processes, gets the same numbers.

        Args:
            net: The network whose pose part is frozen, on its device; left in evaluation mode.
            rank: Number of this process, which takes every `world_size`-th block.
            world_size: Number of processes that share the work.
            channels_last: Memory format of the crops.
            context: Creates the context in which the network runs (its precision).
            workers: Number of processes that render or read clips.
            progress: Show a bar.
        """
        net.eval()
        device = next(net.parameters()).device

        @torch.inference_mode()
        def features(clips: dict[str, Any]) -> list[dict[str, Tensor]]:
            batch = {name: value.to(device) for name, value in clips.items()}
            with context():
                found = clip_features(net, develop_batch(batch), channels_last=channels_last)
            half = {name: value.half().cpu() for name, value in found.items()}
            return [
                {**{name: value[i] for name, value in half.items()}, 'action': action}
                for i, action in enumerate(clips['action'])
            ]

        if self._store is None:
            example = features(join_samples([self._clips.visit(0, 0)]))[0]
            self._store = SampleStore(self._path, len(self), example)
        store, count = self._store, len(self)
        step = max(1, _CROPS_AT_ONCE // net.config.clip_frames)
        blocks = [range(at, min(at + step, count)) for at in range(0, count, step)]
        missing = [b for b in blocks[rank::world_size] if not all(i in store for i in b)]
        loader = DataLoader(_Blocks(self._clips, missing), batch_size=None, num_workers=workers)
        shown = track(loader, 'features', total=len(missing), shown=progress)
        for block, clips in zip(missing, shown, strict=True):
            for index, sample in zip(block, features(clips), strict=True):
                store.put(index, sample)


class _Blocks(Dataset):  # type: ignore[type-arg]
    """Joined clips of each block, as at their first visit."""

    def __init__(self, clips: OrderedSamples, blocks: Sequence[range]) -> None:
        self._clips = clips
        self._blocks = blocks

    def __len__(self) -> int:
        return len(self._blocks)

    def __getitem__(self, number: int) -> dict[str, Any]:
        return join_samples([self._clips.visit(index, 0) for index in self._blocks[number]])
