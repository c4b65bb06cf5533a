"""Runs the network: bytes of crops in, arrays out. Device, precision and threads live here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from pose_action_ros.core.errors import DeviceError
from pose_action_ros.models.folding import fold_batch_norm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.models import MultitaskNet

__all__ = ['Engine', 'FrameArrays', 'choose_device']


class FrameArrays(NamedTuple):
    """What the network says of N crops; float32.

    Attributes:
        joints: (N, J, D) in crop coordinates.
        visibility: (N, J).
        probability: (N, J), sharpened for the action heads.
        joint_features: (N, J, C).
    """

    joints: NDArray[np.float32]
    visibility: NDArray[np.float32]
    probability: NDArray[np.float32]
    joint_features: NDArray[np.float32]


class Engine:
    """A network that is ready to run.

    Args:
        net: The network; a copy of it is kept, with its batch norms folded in.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        threads: CPU threads; 0 for all cores. Holds for the whole process.

    Raises:
        DeviceError: There is no such device, or its memory is full.
    """

    def __init__(self, net: MultitaskNet, device: str = 'auto', threads: int = 0) -> None:
        self.config = net.config
        self._device = choose_device(device)
        if threads:
            torch.set_num_threads(threads)
        try:
            self._net = fold_batch_norm(net).to(self._device)
            self._net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            self._warm_up()
        except torch.cuda.OutOfMemoryError as error:
            raise DeviceError(
                f'{self._device} has no memory left for {net.config.name}: {error}; free some, '
                'or use device cpu'
            ) from error

    @property
    def device(self) -> str:
        """Where it runs, for people."""
        if self._device.type == 'cpu':
            return f'cpu ({torch.get_num_threads()} threads)'
        return f'{self._device} ({torch.cuda.get_device_name(self._device)})'

    @torch.inference_mode()
    def frames(self, crops: NDArray[np.uint8]) -> FrameArrays:
        """Run the pose network.

        Args:
            crops: (N, 256, 256, 3) RGB bytes.
        """
        pixels = torch.from_numpy(crops).to(self._device)
        # NHWC bytes seen as NCHW are channels-last already: no copy but the conversion.
        x = pixels.permute(0, 3, 1, 2).float().div_(255.0).sub_(0.5).mul_(2.0)
        return FrameArrays(*(value.cpu().numpy() for value in self._net.forward_frames(x)))

    @torch.inference_mode()
    def actions(
        self,
        joints: NDArray[np.float32],
        probability: NDArray[np.float32],
        joint_features: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Run the action heads.

        Args:
            joints: (N, T, J, D) in crop coordinates.
            probability: (N, T, J).
            joint_features: (N, T, J, C).

        Returns:
            (N, A) probabilities.
        """
        inputs = [
            torch.from_numpy(array).to(self._device)
            for array in (joints, probability, joint_features)
        ]
        scores = self._net.forward_actions(*inputs).actions.cpu().numpy()
        return np.asarray(scores, np.float32)

    def _warm_up(self) -> None:
        """Run twice at the real shapes, so that the first frame is as fast as the rest."""
        config = self.config
        for _ in range(2):
            frames = self.frames(np.zeros((1, 256, 256, 3), np.uint8))
            if config.actions:
                clip = (np.repeat(array[None], config.clip_frames, axis=1) for array in frames)
                joints, _, probability, features = clip
                self.actions(joints, probability, features)


def choose_device(name: str) -> torch.device:
    """Return the device of that name; `auto` prefers a GPU.

    Raises:
        DeviceError: There is no such device here.
    """
    if name == 'auto':
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(
            f'unknown device {name!r}; expected auto, cpu, cuda or cuda:N'
        ) from error
    if device.type not in ('cpu', 'cuda'):
        raise DeviceError(f'device {name!r} is not supported; expected auto, cpu, cuda or cuda:N')
    if device.type == 'cuda' and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f'device {name!r} is not there: torch sees {torch.cuda.device_count()} CUDA devices; '
            'use cpu or auto'
        )
    return device
