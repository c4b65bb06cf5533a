"""`pose-action train`: settings shown, mistakes told, a run made."""

import signal
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pose_action_ros.cli.train import train
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


def test_an_interrupted_run_says_how_it_goes_on(settings, tmp_path, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt  # as Ctrl-C does, in the middle of an epoch

    monkeypatch.setattr(PoseModule, 'training_step', interrupt)
    handler = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(typer.Exit) as caught:
            train(settings, output=tmp_path / 'out', quiet=True)
    finally:
        signal.signal(signal.SIGINT, handler)  # Lightning ignores it from then on
    assert caught.value.exit_code == 130
    assert '--resume' in capsys.readouterr().err


def test_an_exit_of_its_own_is_no_interrupt(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(PoseModule, 'training_step', lambda *_: sys.exit(3))
    with pytest.raises(SystemExit) as caught:
        train(settings, output=tmp_path / 'out', quiet=True)
    assert caught.value.code == 3
