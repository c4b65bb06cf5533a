"""The network's config: presets, what cannot be built, and the way through a file."""

import json
from dataclasses import replace

import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.models.config import PRESETS, ModelConfig


@pytest.mark.parametrize(
    ('name', 'joints', 'heat_maps', 'actions', 'frames'),
    [
        ('mpii', 16, 48, 0, 16),
        ('h36m', 17, 272, 0, 16),
        ('penn_action', 16, 48, 15, 16),
        ('ntu', 20, 160, 60, 20),
        ('compact', 17, 136, 15, 16),
    ],
)
def test_presets(name, joints, heat_maps, actions, frames):
    config = ModelConfig.preset(name)
    assert config.name == name
    assert (config.num_joints, config.heat_maps) == (joints, heat_maps)
    assert (len(config.actions), config.clip_frames) == (actions, frames)
    assert len(set(config.actions)) == actions


def test_periods_of_the_clips_are_those_of_training():
    # Penn Action and NTU: every second frame of a film at 30 Hz.
    assert ModelConfig.preset('penn_action').clip_period_s == pytest.approx(1 / 15)
    assert ModelConfig.preset('ntu').clip_period_s == pytest.approx(1 / 15)
    assert ModelConfig.preset('compact').clip_period_s == pytest.approx(1 / 15)


@pytest.mark.parametrize('name', PRESETS)
def test_json_round_trip(name):
    config = ModelConfig.preset(name)
    assert ModelConfig.from_json(config.to_json()) == config
    assert '\n' not in config.to_json()


def test_a_preset_with_changes():
    config = ModelConfig.preset('mpii', blocks=2, actions=['jump', 'run'])
    assert config == replace(PRESETS['mpii'], blocks=2, actions=('jump', 'run'))
    hash(config)


def test_unknown_preset_or_field():
    with pytest.raises(ConfigError, match=r"'mpi'; known: mpii, h36m.* did you mean mpii"):
        ModelConfig.preset('mpi')
    with pytest.raises(ConfigError, match='no field block; it has name, layout'):
        ModelConfig.preset('mpii', block=2)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'blocks': 0}, 'blocks must be >= 1; found 0'),
        ({'blocks': 2.5}, 'blocks must be a whole number; found 2.5'),
        ({'blocks': True}, 'blocks must be a whole number'),
        ({'features': 10**9}, 'features must be at most'),
        ({'blocks': 10**9}, 'blocks must be at most'),
        ({'clip_period_s': float('inf')}, 'clip_period_s must be finite'),
        ({'clip_period_s': float('nan')}, 'clip_period_s must be'),
        ({'features': 33}, 'features must be even'),
        ({'kernel_size': 4}, 'kernel_size odd'),
        ({'dimensions': 4}, 'must be 2 or 3'),
        ({'depth_maps': 8}, '2D network has context maps'),
        ({'dimensions': 3}, '3D network depth maps'),
        ({'dimensions': 3, 'context_maps': 0, 'depth_maps': 1}, 'depth_maps >= 2'),
        ({'context_maps': -1}, 'context_maps must be >= 0'),
        ({'layout': 'coco18'}, "unknown joint layout 'coco18'"),
        ({'actions': ('run', 'run')}, 'run'),
        ({'actions': ('run', 3)}, 'actions'),
    ],
)
def test_what_cannot_be_built(changes, message):
    with pytest.raises(ConfigError, match=message):
        ModelConfig.preset('mpii', **changes)


@pytest.mark.parametrize(
    'text',
    [
        *('', 'null', '[]', '{}', '"text"', '{"actions": []}', '{"actions": null}'),
        json.dumps({**json.loads(PRESETS['mpii'].to_json()), 'colour': 'red'}),
        json.dumps({**json.loads(PRESETS['mpii'].to_json()), 'blocks': 'eight'}),
        json.dumps({**json.loads(PRESETS['mpii'].to_json()), 'layout': ['pa16j']}),
        '[' * 100_000,
    ],
)
def test_json_that_is_no_config(text):
    with pytest.raises(ConfigError):
        ModelConfig.from_json(text)
