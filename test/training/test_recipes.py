"""Settings files that claim to be the paper's, or the released code's: they are."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pose_action_ros.core.actions import SIMULATED_ACTIONS
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.data.augment import PAPER, Ranges
from pose_action_ros.data.simulated import SimulatedClips, SimulatedPoses
from pose_action_ros.models import ModelConfig
from pose_action_ros.training.config import PosePhase
from pose_action_ros.training.config_file import load_config
from pose_action_ros.training.losses import pose_loss
from pose_action_ros.training.pose_module import PoseModule
from pose_action_ros.training.sources import clip_source, pose_source

CONFIG = Path(__file__).parents[2] / 'config' / 'train'


def network(config):
    return ModelConfig.preset(config.model.preset, **config.model.changes)


def test_the_simulated_recipe_is_the_papers():
    config = load_config(CONFIG / 'paper_simulated.yaml')
    model = network(config)
    assert (model.blocks, model.depth_maps, model.layout) == (4, 16, 'pa17j')
    assert model.actions == SIMULATED_ACTIONS
    assert config.data.colour_power == 0.0
    assert config.data.flip
    pose, action, finetune = config.pose, config.action, config.finetune
    assert (pose.optimizer, pose.learning_rate, pose.batch_size) == ('rmsprop', 1e-3, 24)
    assert (action.optimizer, action.learning_rate, action.batch_size) == ('sgd', 2e-4, 2)
    assert action.momentum == finetune.momentum == 0.98
    assert pose.schedule == action.schedule == 'plateau'
    assert pose.factor == action.factor == 0.2
    assert (finetune.epochs, finetune.learning_rate) == (5, None)
    assert pose_source(config.data, model, 'train')._framing == PAPER
    assert clip_source(config.data, model, 'train')._ranges == PAPER
    assert clip_source(config.data, model, 'val')._ranges is None


def test_windows_of_the_actor_follow_the_ranges():
    ranges = Ranges((-30.0, 30.0), (0.8, 1.2), uniform=True, strides=(1, 3))
    clips = SimulatedClips('train', 8, frames=4, ranges=ranges)
    for index in range(8):
        affine = clips[index]['image_to_crop'][:, :2, :2]
        angles = torch.rad2deg(torch.atan2(affine[:, 0, 1], affine[:, 0, 0]))
        torch.testing.assert_close(angles, angles[:1].expand(4))  # of one clip all alike
        assert angles[0].abs() <= 30.001
    poses = SimulatedPoses('train', 12, framing=ranges)
    angles = [
        float(torch.atan2(p['image_to_crop'][0, 1], p['image_to_crop'][0, 0])) for p in poses
    ]
    assert np.ptp(np.rad2deg(angles)) > 15
    assert all(p['joints_crop'][:, 2].isfinite().any() for p in poses)  # no empty windows


def test_a_wider_stride_shows_more_motion():
    moved = []
    for stride in (1, 3):
        clips = SimulatedClips('train', 15, frames=8, ranges=Ranges(strides=(stride,)))
        joints = torch.stack([clips[i]['joints_camera_m'] for i in (2, 8)])  # run, clap
        moved.append(float((joints[:, 1:] - joints[:, :-1]).norm(dim=-1).mean()))
    assert moved[1] > 1.7 * moved[0]


@pytest.mark.parametrize(('name', 'films'), [('ntu', 40_091), ('penn_action', 1258)])
def test_fine_tuning_is_five_passes(name, films):
    phase = load_config(CONFIG / f'{name}.yaml').finetune
    passes = phase.epochs * phase.steps_per_epoch * phase.batch_size / films
    assert 5.0 <= passes < 5.1


def test_the_released_recipe_of_mpii():
    config = load_config(CONFIG / 'mpii_released.yaml')
    pose = config.pose
    assert (pose.schedule, pose.milestones, pose.factor) == ('steps', [80, 100], 0.2)
    assert (pose.coordinate_weight, pose.normaliser) == (0.01, 'coordinate')
    assert (pose.visibility_weight, pose.epochs, pose.batch_size) == (0.01, 120, 24)
    assert config.data.options['augmentation'] == 'released'


def test_the_released_loss_is_a_setting(tiny_net):
    batch = torch.utils.data.default_collate([SimulatedPoses('val', 2)[i] for i in range(2)])
    phase = PosePhase(coordinate_weight=0.3, normaliser='sample', visibility_weight=0.2)
    module = PoseModule(tiny_net.eval(), phase, 1e-3)
    outputs = tiny_net.forward_pose(torch.zeros(2, 3, 64, 64))
    found = module._loss(outputs, batch)
    expected = pose_loss(
        outputs, batch['joints_crop'], batch['visibility'],
        visibility_weight=0.2, coordinate_weight=0.3, per='sample',
    )  # fmt: skip
    torch.testing.assert_close(found, expected)
    plain = PoseModule(tiny_net, PosePhase(visibility_weight=0.2), 1e-3)._loss(outputs, batch)
    assert found > 2 * plain


def test_ranges_of_the_actor_are_a_setting():
    config = load_config(
        CONFIG / 'paper_simulated.yaml',
        ['data.options.augmentation={angles_deg: [-5, 5], uniform: true}'],
    )
    expected = Ranges(angles_deg=(-5, 5), uniform=True)
    assert pose_source(config.data, network(config), 'train')._framing == expected
    both = load_config(CONFIG / 'paper_simulated.yaml', ['data.options.framing={shift: 0.1}'])
    with pytest.raises(ConfigError, match='give one of them'):
        pose_source(both.data, network(both), 'train')


@pytest.mark.parametrize('kind', [SimulatedPoses, SimulatedClips])
def test_the_seed_rules_the_actor_in_training_alone(kind):
    def crops(split, seed):
        return kind(split, 3, seed=seed)[1]['crop']

    assert torch.equal(crops('train', 5), crops('train', 5))
    assert not torch.equal(crops('train', 5), crops('train', 0))
    assert torch.equal(crops('val', 5), crops('val', 0))
