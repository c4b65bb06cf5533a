"""Parameters and multiply-adds, against the figures counted on the authors' own networks."""

import functools

import pytest
import torch

from pose_action_ros.models import ModelConfig, MultitaskNet, complexity

count_complexity = functools.cache(complexity.count_complexity)


@pytest.mark.parametrize(
    ('preset', 'changes', 'in_file', 'fixed', 'giga_macs'),
    [
        ('mpii', {}, 14_847_936, 101_376, 9.833),
        ('h36m', {}, 16_721_938, 40_018, 11.815),
        ('mpii', {'blocks': 2}, 4_545_600, 101_376, 4.083),
        ('h36m', {'blocks': 2}, 4_871_314, 40_018, 4.479),
        ('penn_action', {}, 12_906_496, 101_376, 96.33),
        ('ntu', {}, 16_988_568, 44_960, 130.11),
    ],
)
def test_whole_networks(preset, changes, in_file, fixed, giga_macs):
    config = ModelConfig.preset(preset, **changes)
    found = count_complexity(config)
    assert found.parameters + found.fixed_grids == in_file
    assert found.fixed_grids == fixed
    frames = config.clip_frames if config.actions else 1
    total = (frames * found.frame_macs + found.clip_macs) / 1e9
    # The authors' soft-argmax kernels are among their multiply-adds: below 0.001 G a frame.
    assert total == pytest.approx(giga_macs, abs=0.005 if config.actions else 0.001)


def test_learnable():
    assert count_complexity(ModelConfig.preset('mpii')).learnable == 14_669_952
    assert count_complexity(ModelConfig.preset('h36m')).learnable == 16_605_312


@pytest.mark.parametrize(
    ('preset', 'part', 'parameters', 'giga_macs'),
    [
        ('mpii', 'pose_net.entry_flow', 1_039_488, 2.194),
        ('mpii', 'pose_net.blocks.0.reception', 1_312_128, 0.547),
        ('mpii', 'pose_net.blocks.7.separable', 347_904, 0.354),
        ('mpii', 'pose_net.blocks.7.to_maps', 27_648, 0.028),
        ('mpii', 'pose_net.blocks.6.from_maps', 29_376, 0.028),
        ('h36m', 'pose_net.blocks.0.to_maps', 156_672, 0.160),
        ('h36m', 'pose_net.blocks.0.from_maps', 158_400, 0.160),
        ('ntu', 'pose_net.blocks.0.to_maps', 92_160, 0.094),
        ('ntu', 'pose_net.blocks.0.from_maps', 93_888, 0.094),
        ('penn_action', 'pose_action_branch', 856_160, 0.060),
        ('penn_action', 'appearance_action_branch', 4_070_144, 0.281),
        ('ntu', 'pose_action_branch', 3_810_464, 0.387),
        ('ntu', 'appearance_action_branch', 4_795_904, 0.481),
    ],
)
def test_parts(preset, part, parameters, giga_macs):
    found = count_complexity(ModelConfig.preset(preset))
    assert found.parts[part] / 1e9 == pytest.approx(giga_macs, abs=0.0006)
    assert found.part_parameters[part] == parameters


def test_parts_add_up(tiny):
    config = tiny('compact')
    found = count_complexity(config)
    assert sum(found.parts.values()) == found.frame_macs + found.clip_macs
    assert sum(found.part_parameters.values()) == found.parameters
    assert list(found.part_parameters) == list(found.parts)
    net = MultitaskNet(config)
    assert found.parameters == sum(value.numel() for value in net.state_dict().values())
    assert found.learnable == sum(value.numel() for value in net.parameters())


def test_a_convolution_by_hand(tiny):
    config = tiny('compact')
    conv = MultitaskNet(config).pose_net.entry_flow.conv1.conv
    outputs = conv(torch.zeros(1, 3, 256, 256)).numel()
    assert conv.weight[0].numel() == 27
    entry = count_complexity(config).parts['pose_net.entry_flow']
    assert entry > 27 * outputs


def test_compact_is_small():
    found = count_complexity(ModelConfig.preset('compact'))
    assert found.parameters < 2_000_000
    assert found.frame_macs < 0.5e9
