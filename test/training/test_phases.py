"""The phases' modules: what they train, what they freeze, that they learn."""

import pytest
import torch
from lightning.pytorch import Trainer

from pose_action_ros.data.simulated import SimulatedClips, SimulatedPoses
from pose_action_ros.training.action_module import ActionModule
from pose_action_ros.training.config import ActionPhase, FinetunePhase, PosePhase
from pose_action_ros.training.data_module import PhaseData
from pose_action_ros.training.feature_cache import (
    CachedFeatures,
    clip_features,
    in_newest_crop,
)
from pose_action_ros.training.order import OrderedSamples
from pose_action_ros.training.phase_module import (
    best_weights,
    crop_error,
    to_network_input,
)
from pose_action_ros.training.pose_module import PoseModule
from pose_action_ros.training.shared_batch_norm import SharedBatchNorm, share_batch_norms


def batch_of(source, count):
    return torch.utils.data.default_collate([source[i] for i in range(count)])


def trained_names(module):
    return {name for name, value in module.net.named_parameters() if value.requires_grad}


def quiet(module):
    """A module that logs into nothing and is in its first epoch."""
    module.log = module.log_dict = lambda *args, **kwargs: None
    module.on_train_epoch_start()
    return module


def steps(module, batch, count, rate):
    optimizer = torch.optim.AdamW([p for p in module.parameters() if p.requires_grad], rate)
    losses = []
    for _ in range(count):
        optimizer.zero_grad()
        loss = module.training_step(batch, 0)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_to_network_input_maps_bytes_to_plus_minus_one():
    crop = torch.tensor([0, 51, 255], dtype=torch.uint8).expand(2, 4, 3, 5, 3)
    out = to_network_input(crop, channels_last=True)
    assert out.shape == (8, 3, 5, 3)
    assert out.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(out[3, 1, 2], torch.tensor([-1.0, -0.6, 1.0]))


def test_crop_error_by_hand():
    target = torch.tensor([[[0.1, 0.1, 0.5], [float('nan')] * 3, [0.4, 0.4, 0.5]]])
    found = torch.tensor([[[0.4, 0.5, 0.5], [0.0, 0.0, 0.0], [0.4, 0.4, 0.4]]])
    error, joints = crop_error(found, target)
    assert (error.item(), joints) == (pytest.approx((0.5 + 0.1) / 2), 2)
    assert crop_error(found[..., :2], target)[0].item() == pytest.approx(0.25)
    target[0, 0, 2] = float('nan')  # a joint without depth counts with x and y
    assert crop_error(found, target)[0].item() == pytest.approx((0.5 + 0.1) / 2)
    error, joints = crop_error(found, torch.full_like(target, float('nan')))
    assert (error.item(), joints) == (0.0, 0)


def test_a_batch_that_is_no_number_makes_the_score_none(tiny_net):
    module = PoseModule(tiny_net, PosePhase(), 1e-3)
    for value in (0.5, float('nan'), 0.25):
        module.val_error.update(value, 2)
    assert module.val_error.compute().isnan()


def test_a_depth_that_is_a_hint_counts_less(tiny_net):
    batch = batch_of(SimulatedPoses('val', 2), 2)
    batch['depth_is_hint'] = torch.tensor([True, False])
    module = quiet(PoseModule(tiny_net, PosePhase(depth_hint_weight=0.2), 1e-3))
    weight = module._coordinate_weight(batch)
    assert weight.shape == (2, 1, 3)
    torch.testing.assert_close(weight[:, 0, 2], torch.tensor([0.2, 1.0]))
    assert (weight[..., :2] == 1).all()


def test_the_heat_map_loss_is_added_with_its_weight(tiny_net):
    batch = batch_of(SimulatedPoses('val', 2), 2)
    losses = []
    for weight in (0.0, 0.1, 0.2):
        phase = PosePhase(heat_map_weight=weight)
        module = quiet(PoseModule(tiny_net, phase, 1e-3, half_size=True))
        losses.append(module.training_step(batch, 0).item())
    assert losses[1] > losses[0]
    assert losses[2] - losses[1] == pytest.approx(losses[1] - losses[0], rel=1e-3)


@pytest.mark.filterwarnings('ignore:.*treespec', 'ignore:.*does not have many workers')
def test_the_validation_score_does_not_depend_on_the_batch_size(tiny_net):
    scores = []
    for batch_size in (1, 3):
        phase = PosePhase(epochs=1, steps_per_epoch=1, batch_size=batch_size, learning_rate=0.0)
        data = OrderedSamples(_Sparse(), 0, shuffle=False)
        trainer = Trainer(
            accelerator='cpu', max_epochs=1, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        module = PoseModule(tiny_net, phase, 0.0)
        results = trainer.validate(module, datamodule=PhaseData(data, data, phase), verbose=False)
        scores.append(results[0]['val_error'])
    assert scores[0] == pytest.approx(scores[1], rel=1e-4)
    assert scores[0] > 0.0


class _Sparse:
    """Three samples with 17, 1 and 0 valid joints."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        sample = dict(SimulatedPoses('val', 3)[index])
        joints = sample['joints_crop'].clone()
        joints[(17, 1, 0)[index] :] = float('nan')
        return {**sample, 'joints_crop': joints}


def test_pose_phase_overfits_a_handful_and_leaves_the_heads_alone(tiny_net):
    batch = batch_of(SimulatedPoses('train', 4), 4)
    module = quiet(PoseModule(tiny_net, PosePhase(), 1e-3, half_size=True))
    before = {k: v.clone() for k, v in tiny_net.state_dict().items()}
    losses = steps(module, batch, 60, 1e-2)
    assert losses[-1] < 0.3 * losses[0]
    for name, value in tiny_net.state_dict().items():
        if not name.startswith('pose_net'):
            assert torch.equal(value, before[name]), name
    assert all(name.startswith('pose_net') for name in trained_names(module))


def test_half_size_crops_are_pooled_for_training_and_validation(tiny_net):
    batch = batch_of(SimulatedPoses('train', 2), 2)
    sizes = []
    tiny_net.pose_net.register_forward_pre_hook(lambda net, args: sizes.append(args[0].shape[-1]))
    for half_size in (True, False):
        module = quiet(PoseModule(tiny_net, PosePhase(), 1e-3, half_size=half_size))
        module.training_step(batch, 0)
        module.validation_step(batch, 0)
    assert sizes == [128, 128, 256, 256]


def test_action_phase_overfits_and_leaves_the_pose_network_alone(tiny_net, tmp_path):
    clips = OrderedSamples(SimulatedClips('train', 4, frames=4), 1)
    before = {k: v.clone() for k, v in tiny_net.pose_net.state_dict().items()}
    module = quiet(ActionModule(tiny_net, ActionPhase(), 1e-3))
    assert not any(name.startswith('pose_net') for name in trained_names(module))
    features = CachedFeatures(clips, tmp_path / 'features.npy')
    features.fill(tiny_net)
    module.on_train_epoch_start()
    batch = batch_of(features, 4)
    losses = steps(module, batch, 60, 1e-2)
    assert losses[-1] < 0.2 * losses[0]
    for name, value in tiny_net.pose_net.state_dict().items():
        assert torch.equal(value, before[name])


def test_cached_features_are_those_of_the_clips(tiny_net, tmp_path):
    clips = OrderedSamples(SimulatedClips('train', 2, frames=4), 1)
    features = CachedFeatures(clips, tmp_path / 'features.npy')
    features.fill(tiny_net)
    clip = batch_of(clips.source, 2)
    with torch.no_grad():
        expected = clip_features(tiny_net, clip)
    found = batch_of(features, 2)
    assert torch.equal(found['action'], clip['action'])
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=2e-3, atol=2e-3)  # kept as float16
        assert found[name].dtype == torch.float32
    module = quiet(ActionModule(tiny_net, ActionPhase(), 1e-3))
    module.net.eval()
    torch.testing.assert_close(
        module.training_step(found, 0), module.training_step(clip, 0), rtol=1e-2, atol=1e-2
    )


def test_clip_joints_are_in_the_newest_crop():
    # Frame 0 was cut at (100, 50) with side 200, frame 1 at (150, 50) with side 100.
    crops = torch.eye(3, dtype=torch.float64).repeat(1, 2, 1, 1)
    crops[0, 0, :2] = torch.tensor([[1 / 200, 0, -100 / 200], [0, 1 / 200, -50 / 200]])
    crops[0, 1, :2] = torch.tensor([[1 / 100, 0, -150 / 100], [0, 1 / 100, -50 / 100]])
    joints = torch.tensor([0.5, 0.25, 0.7]).expand(1, 2, 1, 3)  # pixels (200, 100), (200, 75)
    found = in_newest_crop(joints, crops)[0, :, 0]
    torch.testing.assert_close(found, torch.tensor([[0.5, 0.5, 0.7], [0.5, 0.25, 0.7]]))


def test_finetuning_trains_everything(tiny_net):
    module = quiet(ActionModule(tiny_net, FinetunePhase(), 1e-3, train_pose=True))
    assert trained_names(module) == {name for name, _ in tiny_net.named_parameters()}
    batch = batch_of(SimulatedClips('train', 2, frames=4), 2)
    module.training_step(batch, 0).backward()
    without = [name for name, value in tiny_net.named_parameters() if value.grad is None]
    assert without == []


def test_a_frozen_pose_network_keeps_its_statistics_while_clips_pass_through(tiny_net):
    module = quiet(ActionModule(tiny_net, ActionPhase(), 1e-3))
    before = {k: v.clone() for k, v in tiny_net.pose_net.state_dict().items()}
    module.training_step(batch_of(SimulatedClips('train', 2, frames=4), 2), 0).backward()
    for name, value in tiny_net.pose_net.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not tiny_net.pose_net.training
    assert tiny_net.fusion.training


def test_the_visibility_counts_with_its_weight(tiny_net):
    batch = batch_of(SimulatedPoses('val', 2), 2)
    losses = []
    for weight in (0.0, 0.1, 0.2):
        module = quiet(PoseModule(tiny_net, PosePhase(visibility_weight=weight), 1e-3))
        losses.append(module.training_step(batch, 0).item())
    assert losses[1] > losses[0] + 0.01
    assert losses[2] - losses[1] == pytest.approx(losses[1] - losses[0], rel=1e-3)


@pytest.mark.parametrize('name', ['pose_weight', 'visibility_weight'])
def test_finetuning_adds_the_pose_loss_with_its_weights(tiny_net, name):
    batch = batch_of(SimulatedClips('train', 2, frames=4), 2)
    losses = []
    for weight in (0.0, 0.5, 1.0):
        phase = FinetunePhase(**{name: weight})
        module = quiet(ActionModule(tiny_net, phase, 1e-3, train_pose=True))
        losses.append(module.training_step(batch, 0).item())
    assert losses[1] > losses[0] + 0.01
    assert losses[2] - losses[1] == pytest.approx(losses[1] - losses[0], rel=1e-3)


@pytest.mark.parametrize('frozen', [False, True])
def test_freeze_batch_norm_keeps_the_stored_statistics(tiny_net, frozen):
    module = quiet(PoseModule(tiny_net, PosePhase(freeze_batch_norm=frozen), 1e-3))
    before = tiny_net.pose_net.entry_flow.conv1.norm.running_mean.clone()
    module.training_step(batch_of(SimulatedPoses('train', 2), 2), 0)
    after = tiny_net.pose_net.entry_flow.conv1.norm.running_mean
    assert torch.equal(before, after) is frozen
    assert tiny_net.pose_net.training


@pytest.mark.parametrize('frozen', [False, True])
def test_freeze_entry_flow_keeps_it_and_trains_the_rest(tiny_net, frozen):
    phase = PosePhase(freeze_entry_flow=frozen, optimizer='adamw', weight_decay=0.1)
    module = quiet(PoseModule(tiny_net, phase, 1e-3))
    before = {k: v.clone() for k, v in tiny_net.state_dict().items()}
    optimizer = module.configure_optimizers()
    module.training_step(batch_of(SimulatedPoses('train', 2), 2), 0).backward()
    optimizer.step()
    changed = {k for k, v in tiny_net.state_dict().items() if not torch.equal(v, before[k])}
    assert any(k.startswith('pose_net.blocks.') for k in changed)
    assert any(k.startswith('pose_net.entry_flow.') for k in changed) is not frozen


def test_shared_batch_norms_keep_everything_and_are_frozen_too(tiny_net):
    module = PoseModule(tiny_net, PosePhase(freeze_batch_norm=True), 1e-3)
    before = {k: v.clone() for k, v in tiny_net.state_dict().items()}
    crops = torch.rand(1, 3, 64, 64)
    expected = tiny_net.eval().forward_pose(crops)[-1].joints
    share_batch_norms(tiny_net, shared=True)
    assert tiny_net.state_dict().keys() == before.keys()
    assert torch.equal(tiny_net.forward_pose(crops)[-1].joints, expected)
    quiet(module)
    shared = [part for part in tiny_net.pose_net.modules() if isinstance(part, SharedBatchNorm)]
    assert shared
    assert not any(part.training for part in shared)
    share_batch_norms(tiny_net, shared=False)
    assert not any(isinstance(part, SharedBatchNorm) for part in tiny_net.modules())


def test_best_weights_are_the_averaged_ones_where_there_are(tiny_net):
    plain = PoseModule(tiny_net, PosePhase(), 1e-3)
    assert best_weights(plain.state_dict()).keys() == tiny_net.state_dict().keys()
    averaged = PoseModule(tiny_net, PosePhase(ema_decay=0.9), 1e-3)
    with torch.no_grad():
        averaged.average.pose_net.entry_flow.conv1.conv.weight.fill_(7)
    chosen = best_weights(averaged.state_dict())
    assert (chosen['pose_net.entry_flow.conv1.conv.weight'] == 7).all()
    assert chosen.keys() == tiny_net.state_dict().keys()
