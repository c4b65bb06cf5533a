"""Depthwise convolution for training on a CPU: the same numbers as PyTorch's own, everywhere."""

import copy

import pytest
import torch
from torch.nn import functional as F

from pose_action_ros.models.depthwise import depthwise_conv
from pose_action_ros.models.layers import SamePaddedConv


@pytest.mark.parametrize(
    ('samples', 'channels', 'side', 'kernel'),
    [(2, 160, 32, (5, 5)), (5, 12, 7, (3, 5)), (1, 3, 1, (3, 3)), (9, 80, 16, (5, 5))],
)
@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_gradients_are_those_of_pytorch(
    samples: int, channels: int, side: int, kernel: tuple[int, int], layout: torch.memory_format
) -> None:
    draw = torch.Generator().manual_seed(3)
    x = torch.randn(samples, channels, side, side + 1, generator=draw).contiguous(
        memory_format=layout
    )
    weight = torch.randn(channels, 1, *kernel, generator=draw)
    slopes = torch.randn(x.shape, generator=draw)
    results = []
    for conv in (depthwise_conv, _reference):
        inputs = [x.clone().requires_grad_(), weight.clone().requires_grad_()]
        output = conv(*inputs)
        gradients = torch.autograd.grad(output, inputs, slopes)
        results.append([output.detach(), *gradients])
    for ours, theirs in zip(*results, strict=True):
        assert ours.shape == theirs.shape
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4 * float(theirs.abs().max()))


def test_the_kernel_learns_through_autocast_as_without_it() -> None:
    conv = SamePaddedConv(16, 16, 5, groups=16)
    twin = copy.deepcopy(conv)
    x = torch.randn(3, 16, 20, 20, generator=torch.Generator().manual_seed(1))
    with torch.autocast('cpu', torch.bfloat16):
        output = conv(x)
    assert output.dtype == torch.bfloat16
    output.float().square().sum().backward()
    _reference(x, twin.weight).square().sum().backward()
    assert conv.weight.grad is not None
    assert conv.weight.grad.dtype == torch.float32
    assert twin.weight.grad is not None
    scale = float(twin.weight.grad.abs().max())
    torch.testing.assert_close(conv.weight.grad, twin.weight.grad, rtol=0, atol=0.05 * scale)


def test_training_on_a_cpu_takes_it_and_everything_else_does_not() -> None:
    conv = SamePaddedConv(4, 4, 5, groups=4)
    x = torch.zeros(1, 4, 8, 8)
    assert 'DepthwiseConv' in type(conv(x).grad_fn).__name__
    with torch.no_grad():
        assert conv(x).grad_fn is None
    conv.requires_grad_(False)
    assert 'DepthwiseConv' not in type(conv(x.clone().requires_grad_()).grad_fn).__name__
    dense = SamePaddedConv(4, 8, 5)
    assert 'DepthwiseConv' not in type(dense(x).grad_fn).__name__


def _reference(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    rows, columns = weight.shape[-2:]
    return F.conv2d(x, weight, padding=(rows // 2, columns // 2), groups=len(weight))
