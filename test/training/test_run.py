"""Whole runs: phases in order, resume to the same numbers, results that say whence."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pose_action_ros.core.errors import CheckpointError, ConfigError
from pose_action_ros.models import load_model, read_metadata, save_model
from pose_action_ros.training import run
from pose_action_ros.training.action_module import ActionModule
from pose_action_ros.training.config_file import config_to_mapping, load_config
from pose_action_ros.training.pose_module import PoseModule
from pose_action_ros.training.run_folder import PhaseResult, RunFolder, load_checkpoint

ROOT = Path(__file__).parents[2]


class KilledError(Exception):
    """As if the process had been ended."""


def train(config, **options):
    return run.train(config, progress=False, **options)


def last_losses(config, phase):
    rows = []
    for path in sorted((Path(config.output) / phase / 'logs').glob('version_*/metrics.csv')):
        with path.open() as file:
            rows += [row for row in csv.DictReader(file) if row['loss']]
    return float(rows[-1]['loss'])


def kill_at(monkeypatch, module, call):
    """Make the training step raise at its call number `call`, in the middle of an epoch."""
    step, calls = module.training_step, []

    def training_step(self, batch, batch_idx):
        calls.append(1)
        if len(calls) == call:
            raise KilledError
        return step(self, batch, batch_idx)

    monkeypatch.setattr(module, 'training_step', training_step)


@pytest.mark.parametrize(
    ('sections', 'module', 'call'),
    [
        (
            {'half_size': {'epochs': 1}, 'pose': {'ema_decay': 0.9, 'optimizer': 'adamw'}},
            PoseModule,
            4,
        ),
        ({'action': {'patience': 0, 'cache_features': True}}, ActionModule, 4),
        (
            {'data': {'pool': False, 'poses': 0, 'clips': 0, 'render_on_device': True}},
            PoseModule,
            4,
        ),
    ],
    ids=[
        'in pose, one_cycle and average',
        'in action, plateau and cache',
        'in pose, rendered on the device',
    ],
)
def test_a_run_killed_and_resumed_ends_like_one_that_was_not(
    tiny_run, monkeypatch, sections, module, call
):
    whole, cut = (tiny_run(name, **sections) for name in ('whole', 'cut'))
    expected = load_model(train(whole)).state_dict()
    with monkeypatch.context() as patch:
        kill_at(patch, module, call)
        with pytest.raises(KilledError):
            train(cut)
    assert not (Path(cut.output) / 'weights.safetensors').exists()
    found = load_model(train(cut, resume=True)).state_dict()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name
    for phase in ('pose', 'action', 'finetune'):
        assert last_losses(cut, phase) == last_losses(whole, phase)


@pytest.mark.parametrize('cached', [False, True])
def test_clips_rendered_on_the_device_train_the_same_network(tiny_run, cached):
    phases = {
        'pose': {'epochs': 0},
        'action': {'epochs': 1, 'cache_features': cached},
        'finetune': {'epochs': 0},
    }
    runs = [
        tiny_run(str(there), data={'pool': False, 'render_on_device': there}, **phases)
        for there in (False, True)
    ]
    weights = [load_model(train(config)).state_dict() for config in runs]
    for name, value in weights[0].items():
        assert torch.equal(weights[1][name], value), name


def test_the_result_says_where_it_comes_from_and_is_not_overwritten(tiny_run):
    config = tiny_run(finetune={'epochs': 0}, action={'epochs': 1}, pose={'epochs': 1})
    weights = train(config)
    metadata = read_metadata(weights)
    assert metadata['seed'] == '3'
    assert json.loads(metadata['settings']) == config_to_mapping(config)
    assert [row['phase'] for row in json.loads(metadata['phases'])] == ['pose', 'action']
    assert load_config(Path(config.output) / 'config.yaml') == config
    with pytest.raises(ConfigError, match='holds a run already; add --resume'):
        train(config)
    changed = tiny_run(pose={'epochs': 1, 'learning_rate': 1.0}, action={'epochs': 1})
    with pytest.raises(
        ConfigError, match=r'other settings: pose\.learning_rate, finetune\.epochs'
    ):
        train(changed, resume=True)
    best = load_checkpoint(RunFolder(Path(config.output)).best('action'))
    pose_net = load_model(weights).pose_net.state_dict()
    assert all(
        torch.equal(v, best['state_dict'][f'net.pose_net.{k}']) for k, v in pose_net.items()
    )


def test_starting_weights(tiny_run, tiny_net, tmp_path):
    path = tmp_path / 'start.safetensors'
    save_model(tiny_net, path)
    config = tiny_run(model={'weights': str(path)})
    started = run._start_network(config)
    assert all(torch.equal(v, tiny_net.state_dict()[k]) for k, v in started.state_dict().items())
    wider = tiny_run(model={'weights': str(path), 'changes': {'features': 64}})
    with pytest.raises(ConfigError, match='tensors only; start from'):
        run._start_network(wider)


def test_finetuning_without_an_action_phase_needs_a_rate(tiny_run):
    config = tiny_run(pose={'epochs': 0}, action={'epochs': 0})
    with pytest.raises(ConfigError, match=r'finetune\.learning_rate is null'):
        train(config)


@pytest.mark.parametrize(
    ('sections', 'message'),
    [
        ({'data': {'name': 'cocoa'}}, "unknown data set 'cocoa'"),
        ({'data': {'poses': 0}}, r'set data\.poses above 0'),
        ({'data': {'render_on_device': True}}, r'data\.pool keeps finished samples'),
        (
            {'data': {'name': 'mpii', 'render_on_device': True}},
            r'for the simulated actor; mpii has pictures',
        ),
        ({'data': {'options': {'colour': 1}}}, 'framing and photographs; found colour'),
        ({'model': {'preset': 'mpii', 'changes': {}}}, 'joints of pa17j'),
        ({'pose': {'epochs': 0}, 'model': {'preset': 'h36m', 'changes': {}}}, 'has no action'),
        (
            {'pose': {'epochs': 0}, 'data': {'pool': False, 'clips': 0}}
            | {'action': {'cache_features': True}},
            r'set data\.clips above 0',
        ),
    ],
)
def test_contradictions_are_told(tiny_run, sections, message):
    with pytest.raises(ConfigError, match=message):
        train(tiny_run(**sections))


def test_damaged_checkpoints_are_told(tmp_path):
    path = tmp_path / 'last.ckpt'
    path.write_bytes(b'no checkpoint')
    with pytest.raises(CheckpointError, match='no checkpoint of a run'):
        load_checkpoint(path)


def test_results_of_phases_are_kept(tmp_path):
    folder = RunFolder(tmp_path)
    folder.phase('pose').mkdir()
    assert folder.result('pose') is None
    result = PhaseResult('pose', steps=4, last_rate=1e-3, best_error=0.5, seconds=2.0)
    folder.write_result(result)
    assert folder.result('pose') == result


@pytest.mark.slow
def test_two_processes_train_as_one(tiny_run, tmp_path):
    config = tiny_run('ddp', trainer={'devices': 2, 'strategy': 'ddp'}, finetune={'epochs': 0})
    script, settings = tmp_path / 'run.py', tmp_path / 'ddp.yaml'
    script.write_text(
        'import typer\nfrom pose_action_ros.cli.train import train\n'
        'if __name__ == "__main__":\n    typer.run(train)\n'
    )
    settings.write_text(json.dumps(config_to_mapping(config)))
    done = subprocess.run(
        [sys.executable, script, settings, '--quiet'],
        cwd=ROOT,
        env={'PYTHONPATH': str(ROOT), 'PATH': '', 'OMP_NUM_THREADS': '1', 'HOME': str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    weights = load_model(Path(config.output) / 'weights.safetensors').state_dict()
    assert all(value.isfinite().all() for value in weights.values())
    assert done.stdout.count('weights:') == 1
    # Each process took every second position of the row that one process would have taken.
    single = tiny_run('single', finetune={'epochs': 0})
    train(single)
    ours = torch.tensor([last_losses(c, 'pose') for c in (config, single)])
    assert ours[0] == pytest.approx(float(ours[1]), rel=0.25)
