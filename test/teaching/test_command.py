"""`pose-action teach` and `pose-action evaluate folder`, from the command line."""

import json

import pytest
from typer.testing import CliRunner

from pose_action_ros.cli.app import app
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.models import open_model
from pose_action_ros.teaching import lesson


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_folder_is_taught_and_judged(two_kinds, tmp_path, tiny_weights):
    output = tmp_path / 'out'
    options = ['--weights', tiny_weights, '--output', output, '--device', 'cpu', '--threads', 1]
    done = call('teach', two_kinds, '--name', 'mine', '--epochs', 1, *options)
    assert done.exit_code == 0, done.output
    assert f'report: {output}/report.md' in done.output
    assert f'weights:={output}/mine.safetensors' in done.output
    weights, scores = output / 'mine.safetensors', tmp_path / 'scores.json'
    again = ['--features', output / 'features', '--plots', tmp_path / 'plots']
    done = call('evaluate', 'folder', two_kinds, '--weights', weights, '--json', scores, *again)
    assert done.exit_code == 0, done.output
    judged = json.loads(scores.read_text())['val']
    report = json.loads((output / 'report.json').read_text())
    assert judged == report['scores']['val']
    assert (tmp_path / 'plots' / 'confusion.png').exists()
    done = call(
        'evaluate', 'folder', two_kinds, '--weights', weights, '--split', 'all', '--json', scores
    )
    assert done.exit_code == 0, done.output
    assert json.loads(scores.read_text())['all']['films'] == 12


def test_a_folder_that_is_filmed_with_the_simulated_actor_is_taught(tmp_path, tiny_weights):
    root, output = tmp_path / 'my_actions', tmp_path / 'out'
    for label in ('wave', 'squat'):
        filming = ['--folder', root, '--source', 'simulated', '--count', 3, '--seconds', 0.5]
        done = call('record', label, *filming)
        assert done.exit_code == 0, done.output
    options = ['--weights', tiny_weights, '--output', output, '--device', 'cpu', '--threads', 1]
    done = call('teach', root, '--epochs', 1, *options)
    assert done.exit_code == 0, done.output
    assert open_model(output / 'my_actions.safetensors').config.actions == ('squat', 'wave')
    table = json.loads((output / 'report.json').read_text())
    assert table['scores']['val']['films'] == 2


def test_a_network_that_does_not_know_the_sub_folders_is_refused(two_kinds, tiny_weights):
    done = call('evaluate', 'folder', two_kinds, '--weights', tiny_weights)
    assert isinstance(done.exception, ConfigError)
    assert 'does not know bright, dark, which are sub-folders of' in str(done.exception)


@pytest.mark.parametrize(('stop', 'code'), [(KeyboardInterrupt(), 130), (SystemExit(143), 143)])
def test_a_signal_says_how_it_goes_on(two_kinds, tmp_path, tiny_weights, monkeypatch, stop, code):
    def interrupt(*_, **__):
        raise stop

    monkeypatch.setattr(lesson, 'train_heads', interrupt)
    options = ['--weights', tiny_weights, '--output', tmp_path / 'out', '--device', 'cpu']
    done = call('teach', two_kinds, *options)
    assert done.exit_code == code
    assert 'stopped; the same command continues from here' in done.output


def test_a_result_that_cannot_be_written_is_refused_before_any_work(two_kinds, tiny_weights):
    options = ['--weights', tiny_weights, '--device', 'cpu']
    for given in (['--name', 'a/b'], ['--output', two_kinds / 'bright' / 'res']):
        done = call('teach', two_kinds, *given, *options)
        assert isinstance(done.exception, ConfigError)
        assert given[0] in str(done.exception)
        assert not (two_kinds / 'bright' / 'res').exists()
