"""The network on PyTorch on a CPU: the reference, and the fallback without OpenVINO."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_action_ros.models.folding import fold
from pose_action_ros.models.pose_net import PoseMaps
from pose_action_ros.runtime.network import FrameArrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.models import MultitaskNet

__all__ = ['TorchNetwork']

_DTYPES = {'bfloat16': torch.bfloat16, 'float16': torch.float16}


class TorchNetwork:
    """A folded copy of a network, channels last.

    Args:
        net: The network; it stays as it is.
        precision: `float32`, `bfloat16` or `float16`; the heads compute in float32 always.
    """

    def __init__(self, net: MultitaskNet, precision: str) -> None:
        self.precision = precision
        self._dtype = _DTYPES.get(precision)
        self._net = fold(net).cpu()
        self._net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def device(self) -> str:
        """Description of the device, for display."""
        return f'cpu ({torch.get_num_threads()} threads)'

    @torch.inference_mode()
    def frames(self, crops: NDArray[np.uint8]) -> FrameArrays:
        """Run the pose network; see `Engine.frames`."""
        pixels = torch.from_numpy(crops)
        # NHWC bytes seen as NCHW are channels-last already: no copy but the conversion.
        x = pixels.permute(0, 3, 1, 2).float().div_(255.0).sub_(0.5).mul_(2.0)
        with self._reduced():
            maps = self._net.pose_net(x)
        last = PoseMaps(maps.features.float(), [maps.heat_maps[-1].float()])
        return FrameArrays(*(value.numpy() for value in self._net.read_frames(last)))

    @torch.inference_mode()
    def actions(
        self,
        joints: NDArray[np.float32],
        probability: NDArray[np.float32],
        joint_features: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Run the action heads; see `Engine.actions`."""
        inputs = (torch.from_numpy(array) for array in (joints, probability, joint_features))
        return np.asarray(self._net.forward_actions(*inputs).actions.numpy(), np.float32)

    def _reduced(self) -> AbstractContextManager[object]:
        if self._dtype is None:
            return nullcontext()
        return torch.autocast('cpu', self._dtype)
