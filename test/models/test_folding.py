"""Batch norms folded into convolutions: the same numbers from fewer layers."""

import pytest
import torch

from pose_action_ros.models.folding import fold_batch_norm
from pose_action_ros.models.layers import BatchNorm


@pytest.mark.parametrize('preset', ['compact', 'penn_action'])
def test_the_same_numbers(tiny, filled, preset):
    net = filled(tiny(preset, clip_frames=4))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    folded = fold_batch_norm(net)
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


def test_a_net_in_training_mode_is_folded_for_inference(tiny, filled):
    net = filled(tiny('mpii')).train()
    folded = fold_batch_norm(net)
    assert net.training
    assert not folded.training
    assert not any(parameter.requires_grad for parameter in folded.parameters())
