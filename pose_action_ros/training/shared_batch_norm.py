"""Batch norms with statistics over all processes together.

Our batch norms have no scale. PyTorch's conversion to `SyncBatchNorm`, which Lightning's
`sync_batchnorm` runs, expects one. These layers also work on any device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import distributed

from pose_action_ros.models.layers import BatchNorm

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ['SharedBatchNorm', 'share_batch_norms']


def share_batch_norms(net: nn.Module, *, shared: bool) -> None:
    """Let all batch norms of a network use the statistics of all processes, or their own again.

    Weights and statistics stay as they are.
    """
    for part in net.modules():
        if isinstance(part, BatchNorm):
            part.__class__ = SharedBatchNorm if shared else BatchNorm


class SharedBatchNorm(BatchNorm):
    """A `BatchNorm` that normalises with the mean and variance over all processes.

    Every process must have the same number of images.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape; B of this process."""
        if not self.training:
            return super().forward(x)
        values = x.float()
        count = values.numel() // values.shape[1] * distributed.get_world_size()
        mean = _Total.apply(values.sum(dim=(0, 2, 3))) / count
        centred = values - mean[:, None, None]
        variance = _Total.apply(centred.square().sum(dim=(0, 2, 3))) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum or 0.0)
            self.running_var.lerp_(variance * count / max(count - 1, 1), self.momentum or 0.0)
        scale = (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)


class _Total(torch.autograd.Function):
    """Sum over all processes: of values forward, and of gradients backward."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total
