"""Depthwise convolution whose kernel gradient is fast on a CPU.

oneDNN computes that gradient for channels-last maps about 20 times slower than the convolution
itself, in bfloat16 about 40 times. It was more than a third of a training step. Here it is a
convolution too: each channel of the input with the same channel of the output's gradient as the
kernel. `python benchmarks/depthwise.py` compares the two.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

__all__ = ['depthwise_conv', 'is_for_training_on_cpu']

_ELEMENTS = 2**18
"""Elements that one convolution of the kernel's gradient reads; they stay in the cache."""


def is_for_training_on_cpu(x: Tensor, kernel: Tensor) -> bool:
    """Return whether the gradient of `kernel` will be computed on a CPU."""
    return (
        torch.is_grad_enabled()
        and kernel.requires_grad
        and x.device.type == 'cpu'
        and not torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        and not torch.compiler.is_compiling()
    )


def depthwise_conv(x: Tensor, kernel: Tensor) -> Tensor:
    """Convolve each channel with a kernel of its own, at stride 1, padded to the same size.

    Args:
        x: (B, C, H, W).
        kernel: (C, 1, R, S) with odd R and S.

    Returns:
        (B, C, H, W), in autocast's type where autocast is on.
    """
    if torch.is_autocast_enabled('cpu'):
        dtype = torch.get_autocast_dtype('cpu')
        x, kernel = x.to(dtype), kernel.to(dtype)
    output: Tensor = _DepthwiseConv.apply(x, kernel)  # type: ignore[no-untyped-call]
    return output


class _DepthwiseConv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor) -> Tensor:
        ctx.save_for_backward(x, kernel)
        return _same_conv(x, kernel)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor]:
        x, kernel = ctx.saved_tensors
        wanted = ctx.needs_input_grad[0]
        of_x = _same_conv(gradient, kernel.flip(2, 3)) if wanted else None
        return of_x, _kernel_gradient(x, gradient, kernel)


def _same_conv(x: Tensor, kernel: Tensor) -> Tensor:
    rows, columns = kernel.shape[-2:]
    return F.conv2d(x, kernel, padding=(rows // 2, columns // 2), groups=len(kernel))


def _kernel_gradient(x: Tensor, gradient: Tensor, kernel: Tensor) -> Tensor:
    channels, _, rows, columns = kernel.shape
    height, width = x.shape[-2:]
    padded = F.pad(x, (columns // 2, columns // 2, rows // 2, rows // 2))
    total = kernel.new_zeros(channels, rows, columns, dtype=torch.float32)
    together = max(1, _ELEMENTS // (channels * height * width))
    for maps, slopes in zip(
        torch.split(padded, together), torch.split(gradient, together), strict=True
    ):
        maps = maps.reshape(1, -1, *maps.shape[-2:])
        if together > 1:
            maps = maps.contiguous(memory_format=torch.channels_last)
        slopes = slopes.reshape(-1, 1, height, width)
        parts = F.conv2d(maps, slopes, groups=len(slopes))
        total += parts.view(-1, channels, rows, columns).float().sum(0)
    return total[:, None].to(kernel.dtype)
