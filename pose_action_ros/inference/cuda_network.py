"""The network on a GPU: CUDA graphs over fixed buffers, one wait a call.

A pass of the backbone is some hundred small kernels, which Python can not launch as fast as a GPU
runs them. So each batch size is captured once as a CUDA graph: bytes go up from pinned memory, the
graph is launched as one, all outputs come back as one copy, and only then the host waits. Where a
graph can't be captured, or does not give the eager numbers, the same program runs eagerly, and the
reason is kept.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pose_action_ros.inference.frame_arrays import FrameArrays
from pose_action_ros.models.folding import fold
from pose_action_ros.models.pose_net import PoseMaps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pose_action_ros.models import MultitaskNet

__all__ = ['CudaNetwork', 'Program']

_DTYPES = {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}
_WARM_UPS = 3  # before a capture, as PyTorch advises
_SAME = 1e-2  # between a replay and the eager program, relative

_log = logging.getLogger(__name__)


class CudaNetwork:
    """A folded copy of a network, channels last, its convolutions in one precision.

    Args:
        net: The network; it stays as it is.
        device: Where the copy runs.
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
        """Where it runs, for people."""
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
        """Run a function's program for this batch size; made where there is none yet."""
        program = self._programs.get(size)
        if program is None:
            examples = [np.zeros((size[0], *array.shape[1:]), array.dtype) for array in arrays]
            program = Program(function, examples, self._device)
            self._programs[size] = program
            self.notes += [program.note] if program.note else []
        return program(arrays)


class Program:
    """A function of tensors, captured as a CUDA graph; on a CPU it is only called.

    Args:
        function: Tensors of fixed shapes to one float32 tensor, its first axis the batch.
        examples: Arrays of the largest shapes that come.
        device: Where it runs.

    Attributes:
        note: Why there is no graph; empty where there is one, and on a CPU.
    """

    def __init__(
        self,
        function: Callable[..., Tensor],
        examples: Sequence[NDArray[np.generic]],
        device: torch.device,
    ) -> None:
        self.note = ''
        self._function = function
        self._device = device
        self._pinned = device.type == 'cuda'
        self._host = [self._held(torch.from_numpy(example)) for example in examples]
        self._inputs = [tensor.to(device) for tensor in self._host]
        self._graph: torch.cuda.CUDAGraph | None = None
        with torch.no_grad():
            self._output = function(*self._inputs)
            if self._pinned:
                self._capture()
        self._answer = self._held(self._output.cpu())

    @torch.no_grad()
    def __call__(self, arrays: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        """Run it on arrays with as many rows as the examples, or fewer; returns a new array."""
        count = len(arrays[0])
        for host, tensor, array in zip(self._host, self._inputs, arrays, strict=True):
            host[:count].copy_(torch.from_numpy(array))
            tensor.copy_(host, non_blocking=True)
        if self._graph is None:
            self._output = self._function(*self._inputs)
        else:
            self._graph.replay()
        self._answer.copy_(self._output, non_blocking=True)
        if self._pinned:
            torch.cuda.current_stream(self._device).synchronize()
        return np.array(self._answer[:count].numpy(), np.float32)

    def _held(self, tensor: Tensor) -> Tensor:
        """A copy that stays where it is in memory."""
        return tensor.pin_memory() if self._pinned else tensor.clone()

    def _capture(self) -> None:
        """Warm up on a stream of its own, capture, and compare a replay with the eager run."""
        graph, side = torch.cuda.CUDAGraph(), torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        expected = self._output.clone()
        try:
            side.wait_stream(torch.cuda.current_stream(self._device))
            with torch.backends.cudnn.flags(enabled=True, benchmark=True):
                with torch.cuda.stream(side):
                    for _ in range(_WARM_UPS):
                        self._function(*self._inputs)
                torch.cuda.current_stream(self._device).wait_stream(side)
                with torch.cuda.graph(graph, capture_error_mode='thread_local'):
                    output = self._function(*self._inputs)
            graph.replay()
            if not torch.allclose(output, expected, rtol=_SAME, atol=_SAME):
                raise RuntimeError('a replay does not give the eager numbers')
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError as error:
            self.note = f'no CUDA graph ({error}): kernels are launched one by one'
            _log.warning(self.note)
            return
        self._graph, self._output = graph, output


def _batch_size(count: int) -> int:
    """The batch that serves so many: 1, 2, 4, 8, ...; each size is captured only once."""
    return 1 << max(count - 1, 0).bit_length()
