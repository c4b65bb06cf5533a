"""`make setup`: which torch, which ROS, and words where it can't go on."""

import importlib.util
import os
import subprocess
import sys
from argparse import Namespace
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


@pytest.fixture
def set_up():
    spec = importlib.util.spec_from_file_location('set_up', ROOT / '.ci/set_up.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def options():
    return Namespace(ros='kilted', torch='cpu')


@pytest.fixture
def pip_calls(set_up, monkeypatch):
    calls = []
    monkeypatch.setattr(set_up, '_pip', lambda venv, expected, *rest: calls.append(rest))
    return calls


def dry_run(*arguments, path=None, **variables):
    """What `make` would run, and its status."""
    hidden = {
        'MAKEFLAGS',
        'MAKELEVEL',
        'MFLAGS',
        'MAKEOVERRIDES',
        'ROS_DISTRO',
        'ROS',
        'TORCH',
        'VENV',
    }
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    env |= {'PATH': f'{path}:{os.environ["PATH"]}'} if path else {}
    done = subprocess.run(
        ['make', '-n', '-B', 'setup', *arguments],
        **{'cwd': ROOT, 'env': env | variables, 'capture_output': True, 'text': True},
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


class TestChoices:
    def test_torch_follows_the_gpu(self, tmp_path):
        tool = tmp_path / 'nvidia-smi'
        for answer, build in (('echo GPU 0', 'cuda'), ('exit 9', 'cpu')):
            tool.write_text(f'#!/bin/sh\n{answer}\n')
            tool.chmod(0o755)
            assert f'--torch {build}' in dry_run(path=tmp_path)[1]

    def test_torch_as_asked_for(self):
        for build in ('cpu', 'cuda'):
            assert f'--torch {build}' in dry_run(f'TORCH={build}')[1]

    def test_each_distribution_has_a_lock_and_an_environment(self):
        for ros, folder in (('kilted', '.venv'), ('jazzy', '.venv-jazzy')):
            assert f'--venv {folder} --ros {ros} ' in dry_run(f'ROS={ros}')[1]
            lines = (ROOT / f'requirements-{ros}.lock').read_text().splitlines()
            assert any(line.startswith('ros-rclpy==') for line in lines)

    def test_a_sourced_distribution_is_used(self):
        assert '--ros sourced' in dry_run(ROS_DISTRO='jazzy')[1]
        status, out = dry_run('ROS=kilted', ROS_DISTRO='jazzy')
        assert status
        assert 'ROS 2 jazzy is sourced and ROS=kilted asks for wheels' in out


class TestLocks:
    """`make lock` writes them; a requirement that was added without it is missing."""

    def locked(self, *names):
        lines = [line for name in names for line in (ROOT / name).read_text().splitlines()]
        pairs = [line.split('==') for line in lines if '==' in line]
        return {canonicalize_name(name): version for name, version in pairs}

    def missing(self, texts, locked):
        wanted = [Requirement(line) for line in texts.split('\n') if line.strip()]
        return [
            str(each)
            for each in wanted
            if not each.specifier.contains(locked.get(canonicalize_name(each.name), '0'))
            or canonicalize_name(each.name) not in locked
        ]

    @pytest.fixture
    def config(self):
        config = ConfigParser()
        config.read(ROOT / 'setup.cfg')
        return config

    @pytest.mark.parametrize(
        'extra', ['', 'train', 'bag', 'openvino', 'export', 'film', 'view', 'cluster', 'dev']
    )
    def test_libraries(self, config, extra):
        options = config['options.extras_require']
        texts = options[extra] if extra else config['options']['install_requires']
        assert self.missing(texts, self.locked('requirements.lock')) == []

    @pytest.mark.parametrize('ros', ['kilted', 'jazzy'])
    def test_wheels_of_ros(self, config, ros):
        # The names ros-DISTRIBUTION-X only choose a release of ros-X.
        texts = config['options.extras_require'][ros].replace(f'ros-{ros}-', 'ros-')
        locked = self.locked('requirements.lock', f'requirements-{ros}.lock')
        assert self.missing(texts, locked) == []

    def test_a_sourced_distribution_gets_the_tools_of_the_build(self):
        assert {'cmake', 'ninja', 'catkin-pkg'} <= set(self.locked('requirements.lock'))


class TestTorch:
    releases = ('numpy==2.0', 'torch==2.13.0')

    def install(self, set_up, build):
        set_up._install_torch(Path('venv'), build, Path('locked.txt'), self.releases)

    def test_comes_with_what_it_needs(self, set_up, pip_calls, monkeypatch):
        monkeypatch.setattr(set_up, '_answers', lambda url: True)
        self.install(set_up, 'cpu')
        assert pip_calls == [
            ('torch==2.13.0', '--constraint', 'locked.txt', '--extra-index-url', set_up.TORCH_CPU)
        ]

    def test_without_the_index_of_cpu_builds(self, set_up, pip_calls, monkeypatch, capsys):
        monkeypatch.setattr(set_up, '_answers', lambda url: False)
        self.install(set_up, 'cpu')
        assert pip_calls == [('torch==2.13.0', '--constraint', 'locked.txt')]
        assert 'does not answer' in capsys.readouterr().out

    def test_a_gpu_is_never_given_the_index_of_cpu_builds(self, set_up, pip_calls, monkeypatch):
        monkeypatch.setattr(set_up, '_answers', lambda url: True)
        monkeypatch.setattr(set_up, '_python', lambda venv: 'true')  # prints no CUDA version
        with pytest.raises(set_up.SetupError, match='a build without CUDA'):
            self.install(set_up, 'cuda')
        assert pip_calls == [('torch==2.13.0', '--constraint', 'locked.txt')]


class TestEnvironment:
    @pytest.mark.parametrize('version', [(3, 10), (3, 14)])
    def test_another_python(self, set_up, options, monkeypatch, version):
        monkeypatch.setattr(set_up.sys, 'version_info', (*version, 0))
        with pytest.raises(set_up.SetupError, match=r'need 3.11 to 3.13.* PYTHON=python3.11'):
            set_up._check_machine(Path('venv'), options)

    def test_no_compiler(self, set_up, options, monkeypatch):
        monkeypatch.setattr(set_up.shutil, 'which', lambda name: None)
        with pytest.raises(set_up.SetupError, match=r'install g\+\+'):
            set_up._check_machine(Path('venv'), options)

    def test_a_folder_of_something_else_is_left_alone(self, set_up, options, tmp_path):
        (tmp_path / 'thesis.tex').write_text('years of work')
        with pytest.raises(set_up.SetupError, match='is no virtual environment'):
            set_up._make_venv(tmp_path, options)
        assert (tmp_path / 'thesis.tex').read_text() == 'years of work'

    def test_another_choice_starts_anew(self, set_up, options, monkeypatch, tmp_path):
        monkeypatch.setattr(set_up.subprocess, 'run', lambda command, **_: commands.append(command)
                            or Namespace(returncode=0))  # fmt: skip
        (tmp_path / 'pyvenv.cfg').touch()
        commands = []
        (tmp_path / '.choice').write_text(set_up._choice(options))
        set_up._make_venv(tmp_path, options)
        options.torch = 'cuda'
        set_up._make_venv(tmp_path, options)
        assert ['--clear' in command for command in commands] == [False, True]

    def test_a_failing_pip_is_quoted(self, set_up, monkeypatch, tmp_path):
        monkeypatch.setattr(set_up, '_python', lambda venv: sys.executable)
        with pytest.raises(set_up.SetupError, match=r'(?s)its last lines.*no-such-option'):
            set_up._pip(tmp_path, 1, '--no-such-option')

    def test_progress(self, set_up, tmp_path):
        log = tmp_path / 'pip.log'
        log.write_text('Collecting a\nCollecting b\n')
        assert set_up._progress(tmp_path, log, 3) == 'fetched 2/3'
        (tmp_path / 'lib/python3.11/site-packages/a-1.dist-info').mkdir(parents=True)
        log.write_text('Collecting a\nInstalling collected packages: a, b, c\n')
        assert set_up._progress(tmp_path, log, 3) == 'installed 1/3'

    def test_activation_shows_ros_and_deactivation_restores(self, set_up, tmp_path):
        subprocess.run([sys.executable, '-m', 'venv', '--without-pip', tmp_path], check=True)
        for _ in range(2):
            set_up._let_activation_show_ros(tmp_path)
        script = (
            f'. {tmp_path}/bin/activate; echo $AMENT_PREFIX_PATH $CMAKE_PREFIX_PATH; '
            'deactivate; echo $AMENT_PREFIX_PATH "[$CMAKE_PREFIX_PATH]"'
        )
        for shell in ('bash', 'sh'):
            out = subprocess.run(
                [shell, '-euc' if shell == 'bash' else '-ec', script],
                env={'PATH': os.environ['PATH'], 'AMENT_PREFIX_PATH': '/opt/ros'},
                **{'capture_output': True, 'text': True, 'check': True},
            ).stdout
            assert out == f'{tmp_path}:/opt/ros {tmp_path}\n/opt/ros []\n'

    def test_cmake_files_of_wheels_name_this_machine(self, set_up, monkeypatch, tmp_path):
        monkeypatch.setattr(set_up, '_python', lambda venv: sys.executable)
        file = tmp_path / 'share/a/targets.cmake'
        file.parent.mkdir(parents=True)
        file.write_text(
            '"/opt/python/cp311-cp311/include/python3.11;'
            '/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include"'
        )
        set_up._point_cmake_files_here(tmp_path)
        python_include, numpy_include = file.read_text().strip('"').split(';')
        assert (Path(python_include) / 'Python.h').is_file()
        assert (Path(numpy_include) / 'numpy/arrayobject.h').is_file()
