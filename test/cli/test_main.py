"""The command itself: its verbs, its one line for an expected error, and how fast it starts."""

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from pose_action_ros.cli import main as command_line
from pose_action_ros.core.errors import ConfigError

VERBS = ['predict', 'bag', 'train', 'evaluate', 'fetch-weights', 'convert-weights', 'doctor']
VERBS += ['export']


def test_help_names_every_verb(run):
    status, out, _ = run('--help')
    assert status == 0
    assert all(verb in out for verb in VERBS)


def test_version(run):
    status, out, _ = run('--version')
    assert status == 0
    config = ConfigParser()
    config.read(Path(command_line.__file__).parents[2] / 'setup.cfg')
    assert out in (f'pose-action {config["metadata"]["version"]}\n', 'pose-action of a checkout\n')


def test_completion_knows_the_verbs():
    done = subprocess.run(
        [sys.executable, '-c', 'from pose_action_ros.cli.main import main; main()'],
        env={
            **os.environ,
            **{'_POSE_ACTION_COMPLETE': 'complete_bash', 'COMP_WORDS': 'pose-action pre'},
            'COMP_CWORD': '1',
            '_TYPER_COMPLETE_ARGS': 'pose-action pre',
        },
        **{'capture_output': True, 'text': True, 'check': False},
    )
    assert 'predict' in done.stdout.split()


@pytest.mark.parametrize('verb', VERBS)
def test_every_verb_explains_itself(run, verb):
    status, out, _ = run(verb, '--help')
    assert status == 0
    assert 'Usage' in out


def test_an_expected_error_is_one_line_on_stderr(run, monkeypatch):
    def fail():
        raise ConfigError('found [bold] and\n  a long line ' + 'x' * 300)

    monkeypatch.setattr('pose_action_ros.cli.app.app', fail)
    status, out, err = run()
    assert status == 1
    assert out == ''
    assert err == 'error: found [bold] and a long line ' + 'x' * 300 + '\n'


def test_a_file_that_cannot_be_written_is_one_line_on_stderr(run, monkeypatch):
    def fail():
        raise PermissionError(13, 'Permission denied', '/there')

    monkeypatch.setattr('pose_action_ros.cli.app.app', fail)
    status, out, err = run()
    assert (status, out) == (1, '')
    assert err == "error: [Errno 13] Permission denied: '/there'\n"


def test_an_unexpected_error_is_not_hidden(run, monkeypatch):
    def fail():
        raise ZeroDivisionError

    monkeypatch.setattr('pose_action_ros.cli.app.app', fail)
    with pytest.raises(ZeroDivisionError):
        run()


@pytest.mark.parametrize('arguments', [['fly'], ['doctor', '--modle', 'x'], ['predict']])
def test_misuse(run, arguments):
    status, _, err = run(*arguments)
    assert status == 2
    assert err


def test_help_loads_no_heavy_library():
    code = (
        'import sys; from pose_action_ros.cli import main; '
        'sys.exit(bool({"torch", "lightning", "h5py"} & set(sys.modules)))'
    )
    subprocess.run([sys.executable, '-c', code], check=True)
