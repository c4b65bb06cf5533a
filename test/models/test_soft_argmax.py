"""From heat maps to joints, by hand: sharp maps, both ends of the grid, context and depth."""

import numpy as np
import pytest
import torch

from pose_action_ros.models import ModelConfig
from pose_action_ros.models.soft_argmax import (
    CONTEXT_ALPHA,
    read_heat_maps,
    soft_argmax_1d,
    soft_argmax_2d,
    spatial_softmax,
)

PEAK = 60.0  # so high that the softmax is one-hot in float32


def peaks(*cells, size=32):
    """(N, H, W) maps with one peak each; cells are (row, column)."""
    maps = torch.zeros(len(cells), size, size)
    for index, (row, column) in enumerate(cells):
        maps[index, row, column] = PEAK
    return maps


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class TestSoftArgmax:
    @pytest.mark.parametrize(
        ('cell', 'xy'),
        [
            ((0, 0), (0.0, 0.0)),
            ((31, 31), (1.0, 1.0)),
            ((0, 31), (1.0, 0.0)),
            ((10, 20), (20 / 31, 10 / 31)),
        ],
    )
    def test_a_peak(self, cell, xy):
        found = soft_argmax_2d(spatial_softmax(peaks(cell)), 32, 32)
        np.testing.assert_allclose(found[0], xy, atol=1e-6)

    def test_two_equal_peaks_and_a_flat_map(self):
        two = peaks((0, 0)) + peaks((0, 30))
        assert soft_argmax_2d(spatial_softmax(two), 32, 32)[0].tolist() == pytest.approx(
            [15 / 31, 0], abs=1e-6
        )
        flat = soft_argmax_2d(spatial_softmax(torch.zeros(1, 4, 6)), 4, 6)
        assert flat[0].tolist() == pytest.approx([0.5, 0.5])

    def test_wide_and_high_maps(self):
        maps = torch.zeros(1, 3, 5)
        maps[0, 1, 4] = PEAK
        found = soft_argmax_2d(spatial_softmax(maps), 3, 5)
        assert found[0].tolist() == pytest.approx([1.0, 0.5], abs=1e-6)

    def test_weights_of_a_soft_map(self):
        logits = torch.log(torch.tensor([[[1.0, 3.0]]]))
        assert soft_argmax_2d(spatial_softmax(logits), 1, 2)[0, 0].item() == pytest.approx(0.75)

    def test_depth(self):
        logits = torch.tensor([[PEAK, 0, 0, 0], [0, 0, 0, PEAK], [0, PEAK, 0, 0], [0, 0, 0, 0]])
        assert soft_argmax_1d(logits).tolist() == pytest.approx([0, 1, 1 / 3, 0.5], abs=1e-6)


class TestContext:
    @pytest.fixture
    def config(self):
        return ModelConfig.preset('mpii')

    def test_own_map_and_visibility(self, config):
        maps = torch.zeros(1, 48, 32, 32)
        maps[0, 3] = peaks((5, 7))[0]
        reading = read_heat_maps(maps, config)
        # All context maps are flat: their expectation is the centre.
        expected = CONTEXT_ALPHA * np.array([7, 5]) / 31 + (1 - CONTEXT_ALPHA) * 0.5
        np.testing.assert_allclose(reading.joints[0, 3], expected, atol=1e-6)
        assert reading.logit[0, 3] == PEAK
        assert reading.logit[0, 4] == 0

    def test_context_maps_lie_joint_after_joint(self, config):
        maps = torch.zeros(1, 48, 32, 32)
        near = 60.0
        maps[0, 16 + 2 * 3, 0, 31] = near  # joint 3, its first map: x 1, y 0
        maps[0, 16 + 2 * 3 + 1, 0, 0] = near  # its second: x 0, y 0
        joints = read_heat_maps(maps, config).joints[0]
        own = CONTEXT_ALPHA * 0.5
        np.testing.assert_allclose(joints[3], [own + 0.2 * 0.5, own], atol=1e-6)
        np.testing.assert_allclose(joints[4], [0.5, 0.5], atol=1e-6)

    def test_context_is_weighted_by_its_probability(self, config):
        maps = torch.full((1, 48, 32, 32), -40.0)
        maps[0, 16, 0, 31] = 1.0  # joint 0: x 1 with sigmoid(1)
        maps[0, 17, 0, 0] = -2.0  # x 0 with sigmoid(-2)
        x = read_heat_maps(maps, config).joints[0, 0, 0].item()
        share = sigmoid(1.0) / (sigmoid(1.0) + sigmoid(-2.0))
        assert x == pytest.approx(CONTEXT_ALPHA * 0.5 + (1 - CONTEXT_ALPHA) * share, abs=1e-6)

    def test_without_context(self):
        config = ModelConfig.preset('mpii', context_maps=0)
        maps = peaks(*[(2, 9)] * 16)[None]
        joints = read_heat_maps(maps, config).joints
        np.testing.assert_allclose(joints[0, 5], [9 / 31, 2 / 31], atol=1e-6)


class TestDepth:
    @pytest.fixture
    def config(self):
        return ModelConfig.preset('h36m')

    def test_channels_run_depth_after_depth(self, config):
        # Peaks so high that they survive the means over depth (16) and cells (1024).
        maps = torch.zeros(1, 272, 32, 32)
        depth, joint, row, column = 4, 11, 6, 25
        maps[0, depth * 17 + joint, row, column] = 60.0 * 1024
        reading = read_heat_maps(maps, config)
        np.testing.assert_allclose(
            reading.joints[0, joint], [column / 31, row / 31, depth / 15], atol=1e-6
        )
        np.testing.assert_allclose(reading.joints[0, joint - 1], 0.5, atol=1e-6)

    def test_both_ends_of_the_depth_box(self, config):
        maps = torch.zeros(1, 272, 32, 32)
        maps[0, 0 * 17 + 2] = 60.0
        maps[0, 15 * 17 + 3] = 60.0
        z = read_heat_maps(maps, config).joints[0, :, 2]
        assert z[2].item() == pytest.approx(0.0, abs=1e-6)
        assert z[3].item() == pytest.approx(1.0, abs=1e-6)

    def test_visibility_adds_both_maxima(self, config):
        maps = torch.zeros(1, 272, 32, 32)
        maps[0, 5 * 17 + 7, 1, 2] = 64.0
        logit = read_heat_maps(maps, config).logit[0]
        assert logit[7].item() == pytest.approx(64 / 16 + 64 / 1024)
        assert logit[8].item() == 0.0

    def test_softmax_comes_after_the_mean(self, config):
        maps = torch.zeros(1, 272, 32, 32)
        maps[0, 0, 0, 31] = 16 * np.log(1023.0)  # mean over depth: log 1023, so half the weight
        x = read_heat_maps(maps, config).joints[0, 0, 0].item()
        others = (0.5 - 1 / 1024) * 1024 / 1023
        assert x == pytest.approx(0.5 * 1.0 + 0.5 * others, abs=1e-5)
