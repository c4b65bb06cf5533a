"""Weights files: the way there and back, and every way in which a file can be wrong."""

import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pose_action_ros.core.errors import CheckpointError, ConfigError
from pose_action_ros.models import (
    checkpoint,
    find_weights,
    load_model,
    open_model,
    read_config,
    read_metadata,
    save_model,
)


@pytest.fixture
def net(tiny, filled):
    return filled(tiny('compact'))


@pytest.fixture
def path(net, tmp_path):
    save_model(net, tmp_path / 'net.safetensors', {'seed': '0'})
    return tmp_path / 'net.safetensors'


def rewrite(path, change, metadata=None):
    """Write a file again with its tensors changed in place."""
    tensors, kept = load_file(path), read_metadata(path)
    change(tensors)
    save_file(tensors, path, kept if metadata is None else metadata)


class TestRoundTrip:
    def test_numbers_config_and_origin(self, net, path):
        loaded = load_model(path)
        assert loaded.config == net.config == read_config(path)
        assert not loaded.training
        expected = net.state_dict()
        assert set(loaded.state_dict()) == set(expected)
        for name, value in loaded.state_dict().items():
            assert torch.equal(value, expected[name]), name
        assert read_metadata(path)['seed'] == '0'

    def test_loaded_it_computes(self, net, path):
        crops = torch.rand(1, 3, 256, 256)
        with torch.inference_mode():
            found = load_model(path).forward_pose(crops)[-1]
            expected = net.forward_pose(crops)[-1]
        assert torch.equal(found.joints, expected.joints)

    def test_half_precision_becomes_float32(self, net, path):
        rewrite(path, lambda tensors: tensors.update({k: v.half() for k, v in tensors.items()}))
        loaded = load_model(path)
        assert {value.dtype for value in loaded.state_dict().values()} == {torch.float32}

    def test_nothing_but_the_file_is_left(self, path):
        assert [entry.name for entry in path.parent.iterdir()] == ['net.safetensors']

    def test_others_may_read_it_as_any_other_file(self, path):
        other = path.with_name('other')
        other.touch()
        assert path.stat().st_mode == other.stat().st_mode

    def test_the_origin_can_not_overwrite_the_config(self, net, path):
        save_model(net, path, {checkpoint.CONFIG_KEY: 'something'})
        assert read_config(path) == net.config


class TestWrongFiles:
    def test_missing(self, tmp_path):
        with pytest.raises(CheckpointError, match=r'no weights file .*none\.safetensors'):
            load_model(tmp_path / 'none.safetensors')

    @pytest.mark.parametrize('size', [0, 4, 100, 20_000])
    def test_truncated(self, path, size):
        path.write_bytes(path.read_bytes()[:size])
        with pytest.raises(CheckpointError, match='damaged'):
            load_model(path)

    def test_garbage(self, path):
        path.write_bytes(bytes(range(256)) * 50)
        with pytest.raises(CheckpointError, match='damaged'):
            load_model(path)

    def test_a_header_that_points_beyond_the_file(self, path):
        header = {'x': {'dtype': 'F32', 'shape': [10**9], 'data_offsets': [0, 4 * 10**9]}}
        text = json.dumps(header).encode()
        path.write_bytes(struct.pack('<Q', len(text)) + text)
        with pytest.raises(CheckpointError, match='damaged'):
            load_model(path)

    def test_no_config(self, path):
        rewrite(path, lambda _: None, metadata={'format': 'pt'})
        with pytest.raises(CheckpointError, match='not a network of this package'):
            load_model(path)

    @pytest.mark.parametrize('text', ['{}', 'nonsense', '[1]'])
    def test_a_config_that_is_none(self, path, text):
        rewrite(path, lambda _: None, metadata={checkpoint.CONFIG_KEY: text})
        with pytest.raises(CheckpointError, match=r'net\.safetensors: not the config'):
            load_model(path)

    def test_a_config_that_asks_for_much_more(self, net, path):
        text = net.config.to_json().replace('"features": 32', '"features": 8192')
        rewrite(path, lambda _: None, metadata={checkpoint.CONFIG_KEY: text})
        with pytest.raises(CheckpointError, match='expected'):
            load_model(path)

    def test_missing_tensor(self, path):
        rewrite(path, lambda tensors: tensors.pop('fusion.pose.pointwise.weight'))
        with pytest.raises(CheckpointError, match=r'missing fusion\.pose\.pointwise\.weight,'):
            load_model(path)

    def test_extra_tensor(self, path):
        rewrite(path, lambda tensors: tensors.update(more=torch.zeros(1)))
        with pytest.raises(CheckpointError, match='unexpected more;'):
            load_model(path)

    def test_wrong_shape(self, path):
        name = 'pose_net.entry_flow.conv1.conv.weight'
        rewrite(path, lambda tensors: tensors.update({name: torch.zeros(8, 3, 5, 5)}))
        with pytest.raises(CheckpointError, match=r'conv1.*\(8, 3, 5, 5\).*\(8, 3, 3, 3\)'):
            load_model(path)

    def test_wrong_type(self, path):
        name = 'pose_net.entry_flow.conv1.norm.bias'
        rewrite(path, lambda tensors: tensors.update({name: tensors[name].int()}))
        with pytest.raises(CheckpointError, match='floats'):
            load_model(path)

    @pytest.mark.parametrize('value', [float('nan'), float('inf')])
    def test_not_finite(self, path, value):
        def spoil(tensors):
            tensors['pose_net.blocks.1.to_maps.conv.weight'][0, 0] = value

        rewrite(path, spoil)
        with pytest.raises(CheckpointError, match=r'blocks\.1\.to_maps.* NaN or infinity'):
            load_model(path)


class TestFinding:
    @pytest.fixture(autouse=True)
    def cache(self, monkeypatch, tmp_path):
        folder = tmp_path / 'cache'
        folder.mkdir()
        monkeypatch.setattr(checkpoint, 'cache_folder', lambda: folder)
        return folder

    def test_a_path(self, path):
        assert find_weights(path) == path
        assert find_weights(str(path)) == path

    def test_a_path_that_is_not_there(self, tmp_path):
        with pytest.raises(CheckpointError, match='there is no weights file'):
            find_weights(tmp_path / 'other.safetensors')
        with pytest.raises(CheckpointError, match='there is no weights file'):
            find_weights('folder/name')
        with pytest.raises(CheckpointError, match='there is no weights file'):
            find_weights('film.mp4')

    def test_a_file_of_another_kind_is_not_taken_for_a_name(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path('film.mp4').write_bytes(b'no weights')
        with pytest.raises(
            CheckpointError, match=r'film\.mp4 is damaged or not a safetensors file'
        ):
            open_model('film.mp4')

    def test_a_fetched_preset(self, cache, net):
        save_model(net, cache / 'mpii.safetensors')
        assert find_weights('mpii') == cache / 'mpii.safetensors'
        assert open_model('mpii').config == net.config

    def test_a_preset_that_was_not_fetched(self, cache):
        with pytest.raises(CheckpointError, match='fetch-weights ntu') as caught:
            find_weights('ntu')
        assert str(cache) in str(caught.value)

    def test_a_name_that_is_none(self):
        with pytest.raises(CheckpointError, match="no weights named 'typo'"):
            open_model('typo')

    @pytest.mark.parametrize(
        ('typed', 'meant'), [('demoo', 'demo'), ('pen_action', 'penn_action')]
    )
    def test_a_mistyped_name(self, typed, meant):
        with pytest.raises(CheckpointError, match=f'did you mean {meant}\\?'):
            open_model(typed)

    def test_an_install_prefix(self, monkeypatch, net, tmp_path):
        share = tmp_path / 'prefix/share/pose_action_ros/weights'
        share.mkdir(parents=True)
        save_model(net, share / 'mine.safetensors')
        monkeypatch.setenv('AMENT_PREFIX_PATH', f'/nowhere:{tmp_path / "prefix"}')
        assert find_weights('mine') == share / 'mine.safetensors'


class TestUntrained:
    def test_the_same_every_time_and_no_other_draw_is_disturbed(self):
        torch.manual_seed(5)
        before = torch.rand(3)
        torch.manual_seed(5)
        first = open_model('untrained:compact').state_dict()
        assert torch.equal(torch.rand(3), before)
        second = open_model('untrained:compact').state_dict()
        assert all(torch.equal(first[name], second[name]) for name in first)

    def test_unknown_preset(self):
        with pytest.raises(ConfigError, match="unknown preset 'huge'"):
            open_model('untrained:huge')
