"""The common layers of all parts, with the conventions of the authors' Keras code.

Source: supplement, section A; released code (branch cvpr18), `deephar/layers.py`. No convolution
has a bias; batch norm has epsilon 1e-3 and no scale. `order` spells a unit's layers: A activation
(ReLU), B batch norm, C convolution.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pose_action_ros.models.depthwise import depthwise_conv, is_for_training_on_cpu

__all__ = [
    'BatchNorm',
    'ConvUnit',
    'SamePaddedConv',
    'SeparableConv',
    'SeparableResidual',
    'max_min_pool',
    'max_pool',
    'upsample',
]


class BatchNorm(nn.BatchNorm2d):
    """Batch norm without scale: Keras' epsilon and momentum (0.99 there is 0.01 here).

    The running variance receives the unbiased variance, n / (n - 1); Keras 2.1.4 takes
    n / (n - 1.001), which no float32 tells apart at these sizes.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-3, momentum=0.01)
        self.weight: Any
        self.bias: nn.Parameter
        self.running_mean: Tensor
        self.running_var: Tensor
        del self.weight
        self.register_buffer('weight', torch.ones(channels), persistent=False)
        self.num_batches_tracked = None

    def _load_from_state_dict(self, *args: Any) -> None:
        # nn.BatchNorm2d would ask for num_batches_tracked, which is not kept here.
        nn.Module._load_from_state_dict(self, *args)


class SamePaddedConv(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding: the odd pixel goes to the bottom and right.

    Glorot-uniform kernels, as Keras draws them.
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
        inner = (rows // 2, columns // 2) if stride == 1 else (0, 0)  # symmetric, so built in
        super().__init__(
            c_in, c_out, (rows, columns), stride, padding=inner, groups=groups, bias=False
        )

    def reset_parameters(self) -> None:
        """Draw the kernel anew."""
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C_in, H, W) to (B, C_out, ceil(H / stride), ceil(W / stride))."""
        if self.stride[0] > 1:
            bottom, top = _same_padding(x.shape[-2], self.kernel_size[0], self.stride[0])
            right, left = _same_padding(x.shape[-1], self.kernel_size[1], self.stride[1])
            x = F.pad(x, (left, right, top, bottom))
        elif self.groups == self.in_channels > 1 and is_for_training_on_cpu(x, self.weight):
            return depthwise_conv(x, self.weight)
        return super().forward(x)


class SeparableConv(nn.Sequential):
    """Depthwise k x k directly followed by pointwise 1 x 1, nothing between."""

    def __init__(self, c_in: int, c_out: int, kernel: int) -> None:
        super().__init__()
        self.depthwise = SamePaddedConv(c_in, c_in, kernel, groups=c_in)
        self.pointwise = SamePaddedConv(c_in, c_out, 1)


class ConvUnit(nn.Module):
    """A convolution with its batch norm and ReLU, in the order that `order` spells.

    Args:
        c_in: Channels in.
        c_out: Channels out.
        kernel: Size, k or (rows, columns).
        order: CBA, CB, ACB or AC.
        stride: Step in both directions.
        separable: Depthwise and pointwise instead of dense.
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int | tuple[int, int] = 1,
        *,
        order: str,
        stride: int = 1,
        separable: bool = False,
    ) -> None:
        super().__init__()
        self.relu_first = order.startswith('A')
        self.relu_last = order.endswith('A')
        self.conv: nn.Module
        if separable and isinstance(kernel, int):
            self.conv = SeparableConv(c_in, c_out, kernel)
        else:
            self.conv = SamePaddedConv(c_in, c_out, kernel, stride)
        self.norm = BatchNorm(c_out) if 'B' in order else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C_in, H, W) to (B, C_out, H / stride, W / stride)."""
        if self.relu_first:
            x = F.relu(x)  # never in place: x is also the raw shortcut of a residual module
        x = self.norm(self.conv(x))
        return F.relu(x) if self.relu_last else x


class SeparableResidual(nn.Module):
    """Separable residual module (supplement, figure of the SR module): shortcut + ACB."""

    def __init__(self, c_in: int, c_out: int, kernel: int) -> None:
        super().__init__()
        self.main = ConvUnit(c_in, c_out, kernel, order='ACB', separable=True)
        self.shortcut = nn.Identity() if c_in == c_out else ConvUnit(c_in, c_out, order='ACB')

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C_in, H, W) to (B, C_out, H, W)."""
        out: Tensor = self.shortcut(x) + self.main(x)
        return out


def max_pool(x: Tensor, kernel: int = 2) -> Tensor:
    """Max-pool with stride 2; an odd border is pooled over the existing pixels (SAME)."""
    return F.max_pool2d(x, kernel, stride=2, ceil_mode=True)


def max_min_pool(x: Tensor) -> Tensor:
    """Sum of the largest and the smallest value of each 2 x 2 window (supplement, max-min)."""
    return max_pool(x) - max_pool(-x)


def upsample(x: Tensor, like: Tensor) -> Tensor:
    """Double each pixel; if `like` has an odd size, drop the last row or column."""
    doubled = F.interpolate(x, scale_factor=2.0, mode='nearest')
    return doubled[..., : like.shape[-2], : like.shape[-1]]


def _same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """(after, before) of TensorFlow's SAME rule."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total - total // 2, total // 2
