"""The network on a GPU: one CUDA graph for each batch size (`cuda_graphs`), one wait a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pose_action_ros.models.folding import fold
from pose_action_ros.models.pose_net import PoseMaps
from pose_action_ros.runtime.cuda_graphs import Program
from pose_action_ros.runtime.network import FrameArrays

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pose_action_ros.models import MultitaskNet

__all__ = ['CudaNetwork']

_DTYPES = {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}


class CudaNetwork:
    """A folded copy of a network, channels last, its convolutions in one precision.

    Args:
        net: The network; it stays as it is.
        device: The device of the copy.
        precision: `float32`, `bfloat16` or `float16`; the heads compute in float32 always.
    """

    def __init__(self, net: MultitaskNet, device: torch.device, precision: str) -> None:
        self.precision = precision
        self.notes: list[str] = []
        self._device = device
        self._dtype = _DTYPES[precision]
        self._net = fold(net).to(device)
        self._net.pose_net.to(self._dtype)
        self._net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._programs: dict[tuple[int, ...], Program] = {}

    @property
    def device(self) -> str:
        """Description of the device, for display."""
        return f'{self._device} ({torch.cuda.get_device_name(self._device)}, {self.precision})'

    def frames(self, crops: NDArray[np.uint8]) -> FrameArrays:
        """Run the pose network; see `Engine.frames`."""
        rows = self._run(self._frames, (crops,), (_batch_size(len(crops)),))
        config = self._net.config
        rows = rows.reshape(len(crops), config.num_joints, -1)
        ends = config.dimensions + np.arange(3)
        joints, visibility, probability, features = np.split(rows, ends, axis=-1)
        columns = (joints, visibility[..., 0], probability[..., 0], features)
        return FrameArrays(*(np.ascontiguousarray(column) for column in columns))

    def actions(
        self,
        joints: NDArray[np.float32],
        probability: NDArray[np.float32],
        joint_features: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Run the action heads; see `Engine.actions`."""
        size = (_batch_size(len(joints)), joints.shape[1])
        return self._run(self._actions, (joints, probability, joint_features), size)

    def _frames(self, crops: Tensor) -> Tensor:
        """(N, J * (D + 2 + C)) float32: joints, visibility, probability and joint features."""
        x = crops.permute(0, 3, 1, 2).to(self._dtype)  # NHWC bytes are channels-last already
        maps = self._net.pose_net(x.mul_(2 / 255).sub_(1))
        last = PoseMaps(maps.features.float(), [maps.heat_maps[-1].float()])
        joints, visibility, probability, features = self._net.read_frames(last)
        columns = (joints, visibility[..., None], probability[..., None], features)
        return torch.cat(columns, dim=-1).flatten(1)

    def _actions(self, joints: Tensor, probability: Tensor, joint_features: Tensor) -> Tensor:
        return self._net.forward_actions(joints, probability, joint_features).actions

    def _run(
        self,
        function: Callable[..., Tensor],
        arrays: Sequence[NDArray[np.generic]],
        size: tuple[int, ...],
    ) -> NDArray[np.float32]:
        """Run a function's program for this batch size; make it if there is none yet."""
        program = self._programs.get(size)
        if program is None:
            examples = [np.zeros((size[0], *array.shape[1:]), array.dtype) for array in arrays]
            program = Program(function, examples, self._device)
            self._programs[size] = program
            self.notes += [program.note] if program.note else []
        return program(arrays)


def _batch_size(count: int) -> int:
    """Return the captured batch size for a number of people: 1, 2, 4, 8, ..."""
    return 1 << max(count - 1, 0).bit_length()
