"""Time the gradient of depthwise convolutions on a CPU: PyTorch's own against ours.

    python benchmarks/depthwise.py

Takes both in turns, with the shapes of the preset `compact` at full and half size. The bound is
the time of the two convolutions forward, because each gradient takes as many multiplications.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from pose_action_ros.models.depthwise import depthwise_conv

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

SHAPES = ((16, 160, 32, 32), (16, 80, 16, 16), (32, 160, 16, 16), (32, 80, 8, 8))
ROUNDS = 9


def main() -> None:
    """Print a table of milliseconds and ratios."""
    torch.set_num_threads(1)
    print(f'{"type":>9} {"B, C, H, W":>18} {"PyTorch":>8} {"ours":>6} {"ratio":>6} {"bound":>6}')
    for dtype in (torch.float32, torch.bfloat16):
        for shape in SHAPES:
            theirs, ours, bound = _times(dtype, shape)
            name, dimensions = str(dtype).removeprefix('torch.'), ', '.join(map(str, shape))
            print(
                f'{name:>9} {dimensions:>18} {theirs:8.2f} {ours:6.2f} {theirs / ours:6.2f} '
                f'{bound:6.2f}'
            )


def _times(dtype: torch.dtype, shape: tuple[int, ...]) -> list[float]:
    x = torch.rand(shape, dtype=dtype).contiguous(memory_format=torch.channels_last)
    kernel = torch.rand(shape[1], 1, 5, 5, dtype=dtype)
    x.requires_grad_()
    kernel.requires_grad_()

    def reference(x: Tensor, kernel: Tensor) -> Tensor:
        return F.conv2d(x, kernel, padding=2, groups=len(kernel))

    def backward(conv: Callable[[Tensor, Tensor], Tensor]) -> float:
        output = conv(x, kernel)
        slopes = torch.ones_like(output)
        start = time.perf_counter()
        torch.autograd.grad(output, (x, kernel), slopes)
        return time.perf_counter() - start

    def two_forward() -> float:
        with torch.no_grad():
            start = time.perf_counter()
            reference(x, kernel)
            reference(x, kernel)
        return time.perf_counter() - start

    rounds = [
        (backward(reference), backward(depthwise_conv), two_forward()) for _ in range(ROUNDS)
    ]
    return [1e3 * min(column) for column in zip(*rounds, strict=True)]


if __name__ == '__main__':
    main()
