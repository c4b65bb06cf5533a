"""Settings files: strict keys, types and ranges; every shipped YAML parses."""

from pathlib import Path

import pytest
import yaml

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.training.config import TrainConfig
from pose_action_ros.training.config_file import (
    config_from_mapping,
    config_to_mapping,
    load_config,
    settings_table,
)

CONFIG_FOLDER = Path(__file__).parents[2] / 'config' / 'train'
SHIPPED = sorted(CONFIG_FOLDER.glob('*.yaml'))


def test_defaults_are_the_paper_s():
    config = config_from_mapping({})
    assert config == TrainConfig()
    pose, action, finetune = config.pose, config.action, config.finetune
    assert (pose.optimizer, pose.learning_rate, pose.batch_size) == ('rmsprop', 1e-3, 24)
    assert (action.optimizer, action.learning_rate, action.batch_size) == ('sgd', 2e-4, 2)
    assert (action.momentum, finetune.momentum) == (0.98, 0.98)
    assert pose.schedule == action.schedule == 'plateau'
    assert pose.factor == action.factor == 0.2
    assert pose.visibility_weight == 0.01
    assert (finetune.epochs, finetune.learning_rate) == (5, None)


def test_there_are_shipped_files_and_the_demo_is_one():
    assert 'demo.yaml' in [path.name for path in SHIPPED]


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.name)
def test_every_shipped_file_parses(path):
    config = load_config(path)
    assert config.name == path.stem
    assert config_from_mapping(yaml.safe_load(yaml.safe_dump(config_to_mapping(config)))) == config


def test_file_only_overrides(tmp_path):
    path = tmp_path / 'run.yaml'
    path.write_text('seed: 7\npose: {learning_rate: 5e-4}\nfinetune:\n', encoding='utf-8')
    config = load_config(path, ['pose.epochs=3', 'trainer.devices=auto', 'data.flip=false'])
    assert config.seed == 7
    assert config.pose.learning_rate == 5e-4
    assert config.pose.epochs == 3
    assert config.pose.batch_size == 24
    assert config.trainer.devices == 'auto'
    assert config.data.flip is False


@pytest.mark.parametrize(
    ('mapping', 'message'),
    [
        ({'pose': {'learning_rte': 1}}, "'pose.learning_rte'; did you mean 'learning_rate'"),
        ({'poze': {}}, "unknown setting 'poze'; did you mean 'pose'"),
        ({'zzz': 1}, 'known are name, seed'),
        ({'pose': {'epochs': 'many'}}, r"pose.epochs is 'many' \(str\); expected int"),
        ({'pose': {'epochs': True}}, 'pose.epochs is True'),
        ({'pose': {'epochs': -1}}, 'pose.epochs is -1; expected at least 0'),
        ({'action': {'momentum': 1.5}}, 'expected 0 to 0.999'),
        ({'pose': {'schedule': 'linear'}}, 'expected one of plateau, steps, cosine'),
        ({'pose': 3}, 'pose: found 3'),
        ({'model': {'preset': None}}, 'expected str'),
    ],
)
def test_mistakes_say_what_to_do(mapping, message):
    with pytest.raises(ConfigError, match=message):
        config_from_mapping(mapping)


def test_unreadable_files(tmp_path):
    with pytest.raises(ConfigError, match=r'demo\.yaml'):
        load_config(tmp_path / 'missing.yaml')
    broken = tmp_path / 'broken.yaml'
    broken.write_text('pose: [1,', encoding='utf-8')
    with pytest.raises(ConfigError, match='not YAML'):
        load_config(broken)
    broken.write_text('- 1\n', encoding='utf-8')
    with pytest.raises(ConfigError, match='holds a list'):
        load_config(broken)


@pytest.mark.parametrize('change', ['pose.epochs', 'seed.x=1'])
def test_malformed_changes(tmp_path, change):
    path = tmp_path / 'run.yaml'
    path.write_text('seed: 7\n', encoding='utf-8')
    with pytest.raises(ConfigError, match=r'expected section\.key=value|not a section'):
        load_config(path, [change])


def test_every_setting_has_a_help_text():
    rows = list(settings_table())
    assert len(rows) > 50
    assert all(len(text) > 5 for _, _, text in rows)
    assert ('pose.batch_size', 24) in [(key, value) for key, value, _ in rows]
