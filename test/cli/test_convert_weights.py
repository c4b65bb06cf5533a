"""`pose-action convert-weights`: a file of the authors becomes one of ours."""

import pytest
import torch

from pose_action_ros.models import load_model, read_metadata
from pose_action_ros.models.config import PRESETS


@pytest.fixture
def net(tiny, filled, monkeypatch):
    """A narrow network that goes by the name of a preset."""
    net = filled(tiny('mpii'))
    monkeypatch.setitem(PRESETS, 'mpii', net.config)
    return net


@pytest.fixture
def source(net, write, keras_arrays, tmp_path):
    return write(tmp_path / 'authors.h5', keras_arrays(net))


def test_conversion(run, net, source, tmp_path):
    target = tmp_path / 'ours.safetensors'
    status, out, _ = run('convert-weights', 'mpii', source, target)
    assert status == 0
    numbers = sum(value.numel() for value in net.state_dict().values())
    assert f'{numbers:,} numbers' in out
    loaded = load_model(target)
    for name, value in net.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)
    assert 'authors.h5' in read_metadata(target)['source']


def test_another_depth(run, tiny, filled, write, keras_arrays, tmp_path, net):
    deep = filled(tiny('mpii', blocks=3))
    source = write(tmp_path / 'deep.h5', keras_arrays(deep))
    target = tmp_path / 'ours.safetensors'
    status, _, err = run('convert-weights', 'mpii', source, target)
    assert status == 1
    assert 'unexpected groups RegMap3' in err
    assert not target.exists()
    status, _, _ = run('convert-weights', 'mpii', '--blocks', 3, source, target)
    assert status == 0
    assert load_model(target).config.blocks == 3


def test_errors_are_one_line(run, source, tmp_path):
    target = tmp_path / 'ours.safetensors'
    source.write_bytes(source.read_bytes()[:3000])
    status, out, err = run('convert-weights', 'mpii', source, target)
    assert (status, out, err.count('\n')) == (1, '', 1)
    assert f'{source} cannot be read' in err
    assert not target.exists()


def test_a_film_is_named_as_what_it_is_not(run, write_film, tmp_path):
    film = write_film(tmp_path / 'film.mp4')
    status, _, err = run('convert-weights', 'mpii', film, tmp_path / 'ours.safetensors')
    assert status == 1
    assert f'{film} cannot be read: it is not an HDF5 file' in err
    assert '.h5' in err


@pytest.mark.parametrize(
    ('given', 'advice'), [('film.mp4', ''), ('penn-action', '; did you mean penn_action?')]
)
def test_an_unknown_preset(run, given, advice):
    status, _, err = run('convert-weights', given, 'IN.h5', 'OUT.safetensors')
    assert status == 2
    expected = f"'{given}' is not one of mpii, h36m, penn_action, ntu{advice}"
    assert f"Invalid value for 'PRESET': {expected}" in ' '.join(err.split())


@pytest.mark.parametrize('name', ['ours.pt', 'no/such/folder/ours.safetensors'])
def test_targets_that_cannot_be(run, source, tmp_path, name):
    status, _, err = run('convert-weights', 'mpii', source, tmp_path / name)
    assert status == 1
    assert 'ends in .safetensors' in err


@pytest.mark.parametrize('preset', ['compact', 'resnet'])
def test_presets_without_released_weights(run, source, tmp_path, preset):
    status, _, err = run('convert-weights', preset, source, tmp_path / 'x.safetensors')
    assert status == 2
    assert preset in err
