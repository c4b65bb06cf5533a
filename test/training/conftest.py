"""A network and a run so small that a test may train them."""

import pytest
import torch

from pose_action_ros.models import ModelConfig, MultitaskNet
from pose_action_ros.training.config_file import config_from_mapping

TINY = {
    'blocks': 2,
    'features': 16,
    'depth_maps': 2,
    'clip_frames': 4,
    'pose_stem_features': 2,
    'pose_reduced_features': 4,
    'pose_features': 8,
    'appearance_features': 8,
}


@pytest.fixture
def tiny_net():
    torch.manual_seed(0)
    return MultitaskNet(ModelConfig.preset('compact', **TINY))


@pytest.fixture
def tiny_run(tmp_path):
    """Settings of a run of a few seconds; sections given are merged into it."""

    def make(name='run', **sections):
        phase = {'epochs': 2, 'steps_per_epoch': 2, 'batch_size': 2}
        mapping = {
            'output': str(tmp_path / name),
            'seed': 3,
            'model': {'preset': 'compact', 'changes': TINY},
            'data': {'poses': 6, 'clips': 4, 'val_poses': 2, 'val_clips': 2, 'pool': True},
            'trainer': {'accelerator': 'cpu', 'threads': 1, 'tensorboard': False},
            'half_size': dict(phase, epochs=0),
            'pose': dict(phase, schedule='one_cycle'),
            'action': dict(phase),
            'finetune': dict(phase, epochs=1),
        }
        for section, values in sections.items():
            if isinstance(values, dict):
                mapping[section].update(values)
            else:
                mapping[section] = values
        return config_from_mapping(mapping)

    return make
