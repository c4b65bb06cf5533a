"""`pose-action doctor`: the machine, and a network's figures beside the authors'."""

import pytest

from pose_action_ros.cli import doctor
from pose_action_ros.models import ModelConfig, checkpoint, save_model


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoint, 'cache_folder', lambda: tmp_path)
    return tmp_path


def test_the_machine(run, cache, tiny, filled, monkeypatch):
    save_model(filled(tiny('mpii')), cache / 'mpii.safetensors')
    monkeypatch.setenv('ROS_DISTRO', 'kilted')
    status, out, _ = run('doctor')
    assert status == 0
    rows = {
        cells[1].strip(): cells[2].strip()
        for cells in (line.split('│') for line in out.splitlines())
        if len(cells) == 4
    }
    assert rows['Python'].startswith('3.')
    assert rows['torch']
    assert rows['torch'] != 'not installed'
    assert 'cores' in rows['CPU']
    assert rows['ROS 2'].startswith('kilted; rclpy')
    assert rows['weights mpii'] == str(cache / 'mpii.safetensors')
    assert rows['weights ntu'] == 'not here'


@pytest.mark.parametrize('preset', doctor.PUBLISHED)
def test_published_networks_agree(run, preset):
    status, out, _ = run('doctor', '--model', preset)
    assert status == 0
    parameters, giga_macs = doctor.PUBLISHED[preset]
    assert f"the authors' network: {parameters:,} numbers, {giga_macs} G: agrees" in out
    assert '1,312,128' in out  # a reception block


def test_a_difference_is_said(run, monkeypatch):
    monkeypatch.setitem(doctor.PUBLISHED, 'mpii', (14_847_937, 9.833))
    assert 'DIFFERS' in run('doctor', '--model', 'mpii')[1]


@pytest.mark.parametrize('name', ['compact', 'untrained:compact'])
def test_our_own(run, name):
    status, out, _ = run('doctor', '--model', name)
    assert status == 0
    assert 'a clip of 16' in out
    assert "authors' network" not in out


def test_a_weights_file(run, tmp_path, tiny, filled):
    net = filled(tiny('ntu'))
    save_model(net, tmp_path / 'mine.safetensors')
    status, out, _ = run('doctor', '--model', tmp_path / 'mine.safetensors')
    assert status == 0
    numbers = sum(value.numel() for value in net.state_dict().values())
    assert f'parameters: {numbers:,}' in out
    assert "authors' network" not in out  # the name alone does not make it theirs


def test_unknown_model(run):
    status, _, err = run('doctor', '--model', 'resnet')
    assert status == 1
    assert "no weights named 'resnet'" in err


def test_the_table_names_every_released_preset():
    assert all(ModelConfig.preset(name).name == name for name in doctor.PUBLISHED)
