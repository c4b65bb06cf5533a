"""`pose-action train`: settings shown, mistakes told, a run made."""

import io
import logging
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pose_action_ros.cli.train import start_logging, train
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.models import read_config
from pose_action_ros.training.pose_module import PoseModule

app = typer.Typer()
app.command()(train)


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def test_settings_are_shown_with_their_help():
    result = invoke('--settings')
    assert result.exit_code == 0
    assert 'pose.learning_rate' in result.stdout
    assert '0.001' in result.stdout


def test_settings_of_a_file_with_changes(tmp_path):
    path = tmp_path / 'a.yaml'
    path.write_text('pose: {batch_size: 77}\n')
    result = invoke(path, '--settings', '--set', 'action.batch_size=99')
    assert '77' in result.stdout
    assert '99' in result.stdout


def test_without_a_file_it_says_which():
    with pytest.raises(ConfigError, match=r'demo\.yaml'):
        invoke()


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / 'a.yaml'
    phase = '{epochs: 1, steps_per_epoch: 1, batch_size: 2}'
    path.write_text(
        'model: {changes: {features: 16, clip_frames: 4, depth_maps: 2, pose_features: 8}}\n'
        'data: {val_poses: 1, val_clips: 1}\n'
        'trainer: {accelerator: cpu, threads: 1, tensorboard: false}\n'
        f'pose: {phase}\naction: {phase}\nfinetune: {{epochs: 0}}\n'
    )
    return path


def test_a_run(settings, tmp_path):
    path, output = settings, tmp_path / 'out'
    result = invoke(path, '--output', output, '--quiet')
    assert result.exit_code == 0
    assert f'weights: {output / "weights.safetensors"}' in result.stdout
    assert read_config(Path(output) / 'weights.safetensors').features == 16
    with pytest.raises(ConfigError, match='--resume'):
        invoke(path, '--output', output)
    assert invoke(path, '--output', output, '--resume', '--quiet').exit_code == 0


def interrupt(*_, **__):
    raise KeyboardInterrupt  # as Ctrl-C does


def test_a_run_that_a_scheduler_ends_fails_and_says_how_it_goes_on(
    settings, tmp_path, monkeypatch, capsys
):
    step = PoseModule.training_step

    def terminated(*arguments):
        signal.raise_signal(signal.SIGTERM)
        return step(*arguments)

    monkeypatch.setattr(PoseModule, 'training_step', terminated)
    with pytest.raises(typer.Exit) as caught:
        train(settings, output=tmp_path / 'out', quiet=True)
    assert caught.value.exit_code == 143
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert f'--resume continues after the last complete epoch in {tmp_path / "out"}' in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    'place',
    [
        'pose_action_ros.training.pose_module.PoseModule.training_step',
        'pose_action_ros.training.run.start_network',
    ],
)
def test_an_interrupted_run_says_how_it_goes_on(settings, tmp_path, monkeypatch, capsys, place):
    monkeypatch.setattr(place, interrupt)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(typer.Exit) as caught:
        train(settings, output=tmp_path / 'out', quiet=True)
    assert signal.getsignal(signal.SIGINT) is handler
    assert caught.value.exit_code == 130
    assert f'--resume continues after the last complete epoch in {tmp_path / "out"}' in (
        capsys.readouterr().err
    )


def test_ctrl_c_while_libraries_load(settings, tmp_path):
    """A process that is interrupted before it has imported Lightning."""
    code = (
        'import builtins, sys\n'
        'from pose_action_ros.cli.main import main\n'
        'load = builtins.__import__\n'
        'def stop(name, *rest, **words):\n'
        '    if name.startswith("lightning"): raise KeyboardInterrupt\n'
        '    return load(name, *rest, **words)\n'
        'builtins.__import__ = stop\n'
        f'sys.argv[1:] = ["train", {str(settings)!r}, "--output", {str(tmp_path / "out")!r}]\n'
        'main()\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert done.stderr.startswith('stopped; the same command with --resume')


def test_log_lines_follow_standard_error(capsys, monkeypatch):
    """A progress bar replaces `sys.stderr` while it is shown, to keep lines above it."""
    start_logging()
    monkeypatch.setattr(sys, 'stderr', io.StringIO())
    logging.getLogger('pose_action_ros').info('epoch over')
    assert sys.stderr.getvalue().endswith(' epoch over\n')


def test_an_exit_of_its_own_is_no_interrupt(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(PoseModule, 'training_step', lambda *_: sys.exit(3))
    with pytest.raises(SystemExit) as caught:
        train(settings, output=tmp_path / 'out', quiet=True)
    assert caught.value.code == 3
