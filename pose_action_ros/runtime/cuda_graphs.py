"""A function of tensors as a CUDA graph: hundreds of small kernels, launched as one.

Python cannot launch small kernels as fast as a GPU runs them. So a function is captured once for
fixed shapes. Arrays are copied from pinned memory, the graph is launched as a whole, the result is
copied back, and only then does the host wait. If a graph can't be captured, or its numbers differ
from an eager run, the function runs eagerly and the reason is kept.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ['Program']

_WARM_UPS = 3  # before a capture, as PyTorch advises
_SAME = 1e-2  # between a replay and the eager program, relative

_log = logging.getLogger(__name__)


class Program:
    """A function of tensors, captured as a CUDA graph; on a CPU it is only called.

    Args:
        function: Tensors of fixed shapes to one float32 tensor, its first axis the batch.
        examples: Arrays of the largest shapes.
        device: The device.

    Attributes:
        note: Why there is no graph; empty if there is one, and on a CPU.
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
        """Run it on arrays with at most as many rows as the examples; returns a new array."""
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
        """Return a copy with a fixed place in memory."""
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
