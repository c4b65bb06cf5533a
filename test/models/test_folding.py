"""Networks folded for inference: the same numbers from fewer operations."""

import pytest
import torch

from pose_action_ros.models import ModelConfig
from pose_action_ros.models.complexity import count_complexity
from pose_action_ros.models.folding import fold
from pose_action_ros.models.layers import BatchNorm


@pytest.mark.parametrize('preset', ['compact', 'penn_action'])
def test_the_same_numbers(tiny, filled, preset):
    net = filled(tiny(preset, clip_frames=4))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    folded = fold(net)
    clip = torch.rand(1, 4, 3, 256, 256) * 2 - 1
    with torch.inference_mode():
        expected, found = net.forward_clip(clip), folded.forward_clip(clip)
    for key in ('joints', 'visibility'):
        ours, theirs = getattr(found.pose, key), getattr(expected.pose, key)
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.actions, expected.actions, atol=1e-5, rtol=0)
    assert not any(isinstance(module, BatchNorm) for module in folded.modules())
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), f'{name} was changed'


def test_the_appearance_of_a_joint_is_projected_in_its_frame(tiny, filled):
    net = filled(tiny('ntu', clip_frames=4))
    folded = fold(net)
    frames = torch.rand(4, 3, 256, 256) * 2 - 1
    with torch.inference_mode():
        whole, projected = net.forward_frames(frames), folded.forward_frames(frames)
        first = net.appearance_action_branch.reduce
        expected = first(whole.joint_features.permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    assert whole.joint_features.shape[-1] == net.config.features
    assert projected.joint_features.shape[-1] == net.config.joint_channels < net.config.features
    torch.testing.assert_close(projected.joint_features, expected, atol=1e-5, rtol=0)


def test_the_first_layer_of_the_appearance_branch_is_counted_once_a_frame():
    config = ModelConfig.preset('ntu')
    published, folded = (count_complexity(config, folded=as_run) for as_run in (False, True))
    once = config.num_joints * config.features * config.appearance_features
    assert folded.frame_macs == published.frame_macs + once
    assert folded.clip_macs == published.clip_macs - config.clip_frames * once


def test_a_net_in_training_mode_is_folded_for_inference(tiny, filled):
    net = filled(tiny('mpii')).train()
    folded = fold(net)
    assert net.training
    assert not folded.training
    assert not any(parameter.requires_grad for parameter in folded.parameters())
