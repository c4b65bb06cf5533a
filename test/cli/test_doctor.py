"""`pose-action doctor`: the machine, and a network's figures beside the authors'."""

import os
import subprocess
import sys

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


@pytest.fixture
def broken_library(monkeypatch, tmp_path):
    """A library that is found and whose shared object is not, as torch without its CUDA part."""

    def install(name, code='raise ImportError("libcudnn.so.9: cannot open shared object file")'):
        (tmp_path / f'{name}.py').write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        for module in [key for key in sys.modules if key.partition('.')[0] == name]:
            monkeypatch.delitem(sys.modules, module)

    return install


@pytest.mark.parametrize(
    ('code', 'reason'),
    [
        ('raise ImportError("libcudnn.so.9: no such file")', 'ImportError: libcudnn.so.9'),
        ('raise OSError("libgomp.so.1: no [such] file")', 'OSError: libgomp.so.1: no [such] file'),
        ('import nvidia_of_old', "ModuleNotFoundError: No module named 'nvidia_of_old'"),
    ],
)
def test_a_broken_library_is_named(run, broken_library, code, reason):
    broken_library('rosbags', code)
    status, out, err = run('doctor')
    assert status == 1
    assert 'does not import' in next(line for line in out.splitlines() if 'rosbags' in line)
    assert f'rosbags ({reason}' in err
    assert 'make setup' in err
    assert 'weights demo' in out  # the others are still shown


@pytest.fixture
def run_with_broken(tmp_path):
    """Run `pose-action` as a process of its own whose library of that name is broken."""

    def call(library, *arguments):
        (tmp_path / f'{library}.py').write_text('raise ImportError("libcudnn.so.9: no such file")')
        done = subprocess.run(
            [sys.executable, '-m', 'pose_action_ros.cli.main', *arguments],
            env={**os.environ, 'PYTHONPATH': str(tmp_path), 'COLUMNS': '240'},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert 'Traceback' not in done.stderr
        return done.returncode, done.stdout, done.stderr

    return call


def test_a_broken_torch_hides_only_its_own_rows(run_with_broken):
    status, out, err = run_with_broken('torch', 'doctor')
    assert status == 1
    assert 'torch (ImportError: libcudnn.so.9: no such file)' in err
    assert 'openvino' in out


def test_other_commands_name_a_broken_library_in_one_line(run_with_broken):
    status, _, err = run_with_broken('safetensors', 'doctor', '--weights', 'compact')
    assert status == 1
    assert err.startswith('error: ImportError: libcudnn.so.9')
    assert '`pose-action doctor` names the broken library' in err


def test_a_library_that_is_not_there_is_no_fault(run, monkeypatch):
    monkeypatch.setitem(sys.modules, 'rosbags', None)  # Python's way to say: not installed
    monkeypatch.setattr(doctor, '_version', lambda package: '')
    status, out, _ = run('doctor')
    assert status == 0
    assert 'not installed' in next(line for line in out.splitlines() if 'rosbags' in line)


@pytest.mark.parametrize('preset', doctor.PUBLISHED)
def test_published_networks_agree(run, preset):
    status, out, _ = run('doctor', '--weights', preset)
    assert status == 0
    parameters, giga_macs = doctor.PUBLISHED[preset]
    assert f"the authors' network: {parameters:,} numbers, {giga_macs} G: agrees" in out
    assert '1,312,128' in out  # a reception block


def test_a_difference_is_said(run, monkeypatch):
    monkeypatch.setitem(doctor.PUBLISHED, 'mpii', (14_847_937, 9.833))
    assert 'DIFFERS' in run('doctor', '--weights', 'mpii')[1]


@pytest.mark.parametrize('name', ['compact', 'untrained:compact'])
def test_our_own(run, name):
    status, out, _ = run('doctor', '--weights', name)
    assert status == 0
    assert 'a clip of 16' in out
    assert "authors' network" not in out


def test_a_weights_file(run, tmp_path, tiny, filled):
    net = filled(tiny('ntu'))
    save_model(net, tmp_path / 'mine.safetensors')
    status, out, _ = run('doctor', '--weights', tmp_path / 'mine.safetensors')
    assert status == 0
    numbers = sum(value.numel() for value in net.state_dict().values())
    assert f'parameters: {numbers:,}' in out
    assert "authors' network" not in out  # the name alone does not make it theirs


def test_unknown_model(run):
    status, _, err = run('doctor', '--weights', 'resnet')
    assert status == 1
    assert "no weights named 'resnet'" in err


def test_the_table_names_every_released_preset():
    assert all(ModelConfig.preset(name).name == name for name in doctor.PUBLISHED)
