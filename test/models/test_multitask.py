"""The whole network on narrow configs: shapes, gradients, and that its parts make the whole."""

import pytest
import torch

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.models import MultitaskNet

PRESETS = {'compact': (17, 3, 15, 8), 'penn_action': (16, 2, 15, 8), 'ntu': (20, 3, 60, 8)}


@pytest.fixture(params=PRESETS)
def net(request, tiny, filled):
    return filled(tiny(request.param, clip_frames=8))


@pytest.fixture
def clip():
    torch.manual_seed(1)
    return torch.rand(1, 8, 3, 256, 256) * 2 - 1


class TestShapes:
    def test_poses(self, net):
        J, D, *_ = PRESETS[net.config.name]
        poses = net.forward_pose(torch.rand(2, 3, 256, 256))
        assert len(poses) == 2
        for pose in poses:
            assert pose.joints.shape == (2, J, D)
            assert pose.visibility.shape == (2, J)
            assert pose.joints.min() >= 0.0
            assert pose.joints.max() <= 1.0

    def test_clips(self, net, clip):
        J, D, A, T = PRESETS[net.config.name]
        with torch.inference_mode():
            found = net.forward_clip(clip)
        assert found.pose.joints.shape == (1, T, J, D)
        assert found.pose.visibility.shape == (1, T, J)
        assert len(found.pose_actions) == len(found.appearance_actions) == 4
        for scores in (*found.pose_actions, *found.appearance_actions, found.actions):
            assert scores.shape == (1, A)
            assert scores.sum().item() == pytest.approx(1.0, abs=1e-5)

    def test_odd_numbers_of_frames_and_joints(self, tiny, filled):
        net = filled(tiny('compact'))
        with torch.inference_mode():
            found = net.forward_actions(
                torch.rand(2, 7, 17, 3), torch.rand(2, 7, 17), torch.rand(2, 7, 17, 32)
            )
        assert found.actions.shape == (2, 15)


class TestParts:
    def test_frames_then_actions_are_the_clip(self, net, clip):
        with torch.inference_mode():
            whole = net.forward_clip(clip)
            frames = [net.forward_frames(frame[None]) for frame in clip[0]]
            joints, _, probability, features = (
                torch.stack(values, dim=1) for values in zip(*frames, strict=True)
            )
            parts = net.forward_actions(joints, probability, features)
        torch.testing.assert_close(joints, whole.pose.joints, atol=1e-5, rtol=0)
        torch.testing.assert_close(probability, whole.pose.visibility, atol=1e-5, rtol=0)
        torch.testing.assert_close(parts.actions, whole.actions, atol=1e-5, rtol=0)
        for found, expected in zip(parts.pose_actions, whole.pose_actions, strict=True):
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)

    def test_the_last_pose_is_that_of_the_frames(self, net, clip):
        with torch.inference_mode():
            pose = net.forward_pose(clip[0, :1])[-1]
            frame = net.forward_frames(clip[0, :1])
        torch.testing.assert_close(pose.joints, frame.joints)
        torch.testing.assert_close(pose.visibility, frame.visibility)
        gain = net.config.probability_gain
        expected = (gain * frame.visibility.logit()).sigmoid()
        torch.testing.assert_close(frame.probability, expected, atol=1e-5, rtol=1e-4)

    def test_one_frame_does_not_depend_on_another(self, net, clip):
        with torch.inference_mode():
            alone = net.forward_pose(clip[0, :1])[-1].joints
            together = net.forward_pose(clip[0, :3])[-1].joints[:1]
        torch.testing.assert_close(alone, together, atol=1e-6, rtol=0)


def test_the_same_input_gives_the_same_numbers(net, clip):
    with torch.inference_mode():
        first, second = net.forward_clip(clip).actions, net.forward_clip(clip).actions
    assert torch.equal(first, second)


def test_scores_depend_on_the_clip(net, clip):
    with torch.inference_mode():
        first, second = net.forward_clip(clip).actions, net.forward_clip(-clip).actions
    assert (first - second).abs().max() > 1e-3


@pytest.mark.parametrize('preset', ['compact', 'penn_action'])
def test_every_parameter_gets_a_gradient(tiny, filled, preset):
    net = filled(tiny(preset, clip_frames=4)).train()
    crops = torch.rand(4, 3, 256, 256)
    loss = sum(
        (pose.joints - 0.3).abs().sum() + pose.visibility.sum() for pose in net.forward_pose(crops)
    )
    found = net.forward_clip(crops[None])
    scores = (*found.pose_actions, *found.appearance_actions, found.actions)
    loss = loss - sum(score[0, 3].log() for score in scores)
    loss.backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0.0, name


@pytest.mark.parametrize('preset', ['mpii', 'h36m'])
def test_a_network_for_poses_alone_says_so(tiny, preset):
    net = MultitaskNet(tiny(preset))
    assert net.pose_action_branch is None
    with pytest.raises(ConfigError, match=f"{preset}' knows poses only"):
        net.forward_clip(torch.zeros(1, 4, 3, 256, 256))
    with pytest.raises(ConfigError, match='presets penn_action, ntu and compact'):
        net.forward_actions(
            torch.zeros(1, 4, 17, 3), torch.zeros(1, 4, 17), torch.zeros(1, 4, 17, 32)
        )


def test_fusion_starts_as_the_sum_of_both_branches(tiny):
    net = MultitaskNet(tiny('compact'))
    pose, appearance = torch.randn(2, 1, 15, 4, 4)
    torch.testing.assert_close(net.fusion(pose, appearance), pose + appearance)


def test_heat_maps_are_read_in_float32_whatever_the_network_runs_in(net):
    crops = torch.rand(1, 3, 64, 64)
    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):
        readings = net.read_blocks(crops)
    assert {reading.joints.dtype for reading in readings} == {torch.float32}
