"""The layers' conventions, by hand: padding, batch norm, initial kernels, shortcuts, pooling."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pose_action_ros.models.layers import (
    BatchNorm,
    ConvUnit,
    SamePaddedConv,
    SeparableConv,
    SeparableResidual,
    max_min_pool,
    max_pool,
    upsample,
)


def row(*values):
    return torch.tensor(values, dtype=torch.float32).reshape(1, 1, 1, -1)


def ones_conv(kernel, stride=1):
    conv = SamePaddedConv(1, 1, kernel, stride)
    torch.nn.init.ones_(conv.weight)
    return conv


class TestPadding:
    def test_stride_2_on_an_even_size_pads_at_the_end_alone(self):
        # Windows 1 2 3 and 3 4 0; with a pixel before they would be 0 1 2 and 2 3 4.
        found = ones_conv((1, 3), stride=2)(row(1, 2, 3, 4))
        assert found.flatten().tolist() == [6, 7]

    def test_stride_2_on_an_odd_size_pads_both_ends(self):
        found = ones_conv((1, 3), stride=2)(row(1, 2, 3, 4, 5))
        assert found.flatten().tolist() == [3, 9, 9]

    def test_rows_as_columns(self):
        conv = ones_conv(3, stride=2)
        x = torch.arange(16.0).reshape(1, 1, 4, 4)
        # Top left window: rows 0 to 2, columns 0 to 2.
        assert conv(x)[0, 0, 0, 0] == 0 + 1 + 2 + 4 + 5 + 6 + 8 + 9 + 10
        assert conv(x)[0, 0, 1, 1] == 10 + 11 + 14 + 15

    def test_stride_1_keeps_the_size(self):
        found = ones_conv((1, 5))(row(1, 2, 3, 4))
        assert found.flatten().tolist() == [6, 10, 10, 9]

    @pytest.mark.parametrize('size', [7, 8, 9])
    @pytest.mark.parametrize('kernel', [1, 3, 5])
    @pytest.mark.parametrize('stride', [1, 2])
    def test_size_out(self, size, kernel, stride):
        found = ones_conv(kernel, stride)(torch.zeros(1, 1, size, size))
        assert found.shape[-2:] == (-(-size // stride),) * 2


class TestBatchNorm:
    def test_epsilon_and_no_scale(self):
        norm = BatchNorm(1).eval()
        norm.running_mean[:] = 1.0
        norm.running_var[:] = 0.003
        with torch.no_grad():
            norm.bias[:] = 0.5
        assert norm(row(3.0)).item() == pytest.approx(2.0 / np.sqrt(0.004) + 0.5, rel=1e-6)
        assert [name for name, _ in norm.named_parameters()] == ['bias']

    def test_momentum(self):
        norm = BatchNorm(1).train()
        norm(row(0.0, 2.0))  # mean 1, unbiased variance 2
        assert norm.running_mean.item() == pytest.approx(0.01)
        assert norm.running_var.item() == pytest.approx(0.99 + 0.02)

    def test_only_bias_and_statistics_are_kept(self):
        assert set(BatchNorm(3).state_dict()) == {'bias', 'running_mean', 'running_var'}


class TestInitialKernels:
    # Glorot's limit, sqrt(6 / (fan in + fan out)), reached but not passed by many draws.
    @pytest.mark.parametrize(
        ('conv', 'limit'),
        [
            (SamePaddedConv(32, 64, 3), np.sqrt(6 / (9 * 32 + 9 * 64))),
            (SamePaddedConv(64, 32, 1), np.sqrt(6 / (64 + 32))),
            (SeparableConv(64, 8, 5).depthwise, np.sqrt(6 / (25 * (64 + 1)))),
        ],
    )
    def test_limit(self, conv, limit):
        largest = conv.weight.abs().max().item()
        assert 0.98 * limit < largest <= limit
        assert conv.bias is None


class TestUnits:
    def test_orders(self):
        x = row(-2.0, 3.0)
        units = {order: ConvUnit(1, 1, order=order).eval() for order in ('CBA', 'CB', 'ACB', 'AC')}
        for unit in units.values():
            torch.nn.init.constant_(unit.conv.weight, -1.0)
        shrunk = 1 / np.sqrt(1.001)
        expected = {
            'CBA': [2 * shrunk, 0],
            'CB': [2 * shrunk, -3 * shrunk],
            'ACB': [0, -3 * shrunk],
            'AC': [0, -3],
        }
        for order, unit in units.items():
            np.testing.assert_allclose(unit(x).flatten().tolist(), expected[order], rtol=1e-6)

    def test_identity_shortcut_carries_the_raw_input(self):
        residual = SeparableResidual(4, 4, 3).eval()
        for parameter in residual.parameters():
            torch.nn.init.zeros_(parameter)
        x = torch.randn(1, 4, 5, 5)
        kept = x.clone()
        torch.testing.assert_close(residual(x), kept)  # negative values too
        torch.testing.assert_close(x, kept)

    def test_other_widths_have_a_convolved_shortcut(self):
        residual = SeparableResidual(2, 4, 3)
        assert residual(torch.randn(1, 2, 6, 6)).shape == (1, 4, 6, 6)
        assert residual.shortcut.relu_first
        assert not residual.shortcut.relu_last

    def test_separable_is_depthwise_then_pointwise(self):
        separable = SeparableConv(2, 3, 3)
        x = torch.randn(1, 2, 5, 5)
        depthwise, pointwise = separable.depthwise.weight, separable.pointwise.weight
        dense = pointwise * depthwise.transpose(0, 1)  # (3, 2, 3, 3)
        torch.testing.assert_close(separable(x), F.conv2d(x, dense, padding=1))


class TestPools:
    def test_max_min(self):
        x = torch.tensor([[1.0, -5.0, 2.0], [0.0, 3.0, 4.0]]).reshape(1, 1, 2, 3)
        assert max_min_pool(x).flatten().tolist() == [3 - 5, 4 + 2]

    def test_max_of_3_starts_at_the_first_pixel(self):
        x = torch.arange(36.0).reshape(1, 1, 6, 6)
        assert max_pool(x, 3)[0, 0].tolist() == [[14, 16, 17], [26, 28, 29], [32, 34, 35]]

    def test_max_never_sees_padding(self):
        assert max_pool(row(-1, -2, -3)).flatten().tolist() == [-1, -3]

    def test_nearest_neighbour(self):
        assert upsample(row(1, 2), like=row(0, 0, 0, 0)[..., :3]).flatten().tolist() == [1, 1, 2]
