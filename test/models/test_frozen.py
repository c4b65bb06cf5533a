"""The network's numbers, kept: outputs stored after parity with the authors' own was shown.

Weights and pictures come from seeds, so the files hold outputs alone. `pytest --freeze` writes
them anew, which is right only after `make parity` has passed.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from pose_action_ros.models import ModelConfig
from pose_action_ros.models.layers import BatchNorm

FOLDER = Path(__file__).parents[1] / 'fixtures'
NARROW = {'features': 64, 'pose_features': 32, 'appearance_features': 48}
CASES = {
    'pose_2d': ModelConfig.preset('mpii', blocks=2),
    'pose_3d': ModelConfig.preset('h36m', blocks=2),
    'clip_2d': ModelConfig.preset('penn_action', blocks=2, **NARROW),
    'clip_3d': ModelConfig.preset('ntu', blocks=2, **NARROW),
    'compact': ModelConfig.preset('compact'),
}


def pictures(count):
    """(count, 3, 256, 256) patches of colour under noise, from a seed."""
    rng = np.random.default_rng(7)
    patches = rng.integers(0, 200, (count, 3, 8, 8)).repeat(32, axis=2).repeat(32, axis=3)
    pixels = patches + rng.integers(0, 56, (count, 3, 256, 256))
    return torch.from_numpy(2 * (pixels.astype(np.float32) / np.float32(255) - np.float32(0.5)))


@torch.inference_mode()
def outputs(net):
    """Every output by name."""
    if not net.config.actions:
        poses = net.forward_pose(pictures(2))
        return {
            f'{name}_{block}': value.numpy()
            for block, pose in enumerate(poses, start=1)
            for name, value in pose._asdict().items()
        }
    clip = net.forward_clip(pictures(net.config.clip_frames)[None])
    found = {'joints': clip.pose.joints, 'visibility': clip.pose.visibility}
    for branch in ('pose', 'appearance'):
        for number, scores in enumerate(getattr(clip, f'{branch}_actions'), start=1):
            found[f'{branch}_actions_{number}'] = scores
    found['actions'] = clip.actions
    return {name: value.numpy() for name, value in found.items()}


def differences(case, net):
    with np.load(FOLDER / f'models_{case}.npz') as file:
        found = outputs(net)
        assert set(found) == set(file)
        return {name: np.abs(found[name] - file[name]).max() for name in file}


@pytest.mark.parametrize('case', CASES)
def test_outputs(pytestconfig, filled, case):
    net = filled(CASES[case], seed=3)
    if pytestconfig.getoption('--freeze'):
        np.savez_compressed(FOLDER / f'models_{case}.npz', **outputs(net))
    for name, difference in differences(case, net).items():
        assert difference < (1e-5 if name.startswith('joints') else 1e-4), name


@pytest.mark.parametrize('case', ['pose_3d', 'clip_2d'])
def test_a_mistake_is_found(filled, case):
    net = filled(CASES[case], seed=3)
    for module in net.modules():
        if isinstance(module, BatchNorm):
            module.eps = 1e-5
    found = differences(case, net)
    assert max(found.values()) > 10 * 1e-4, found


def test_outputs_are_spread(filled):
    """Frozen numbers guard nothing where they are all the same, 0 or 1."""
    found = outputs(filled(CASES['compact'], seed=3))
    assert found['joints'].std(axis=(0, 1)).max() > 0.01
    assert np.ptp(found['visibility']) > 0.1
    assert found['actions'].max() < 0.95
    assert np.ptp(found['actions']) > 0.02


def test_the_files_are_small():
    assert sum(path.stat().st_size for path in FOLDER.glob('models_*.npz')) < 300_000
