"""Whole runs: phases in order, resume to the same numbers, results that say whence."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pose_action_ros.core.errors import CheckpointError, ConfigError, TrainingError
from pose_action_ros.data.simulated import SimulatedPoses
from pose_action_ros.models import load_model, read_metadata, save_model
from pose_action_ros.training import run
from pose_action_ros.training.action_module import ActionModule
from pose_action_ros.training.config_file import config_to_mapping, load_config
from pose_action_ros.training.pose_module import PoseModule
from pose_action_ros.training.run_folder import PhaseResult, RunFolder, load_checkpoint

NO_POOL = {'pool': False, 'poses': 0, 'clips': 0}


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
    assert json.loads(metadata['training_data']) == ['simulated']
    assert [row['phase'] for row in json.loads(metadata['phases'])] == ['pose', 'action']
    assert load_config(Path(config.output) / 'config.yaml') == config
    with pytest.raises(ConfigError, match='already holds a run; add --resume'):
        train(config)
    changed = tiny_run(pose={'epochs': 1, 'learning_rate': 1.0}, action={'epochs': 1})
    with pytest.raises(ConfigError, match=r'other settings: pose\.learning_rate; continue'):
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
    started = run.start_network(config.model)
    assert all(torch.equal(v, tiny_net.state_dict()[k]) for k, v in started.state_dict().items())
    wider = tiny_run(model={'weights': str(path), 'changes': {'features': 64}})
    with pytest.raises(ConfigError, match='tensors only; start from'):
        run.start_network(wider.model)


@pytest.fixture
def no_step(monkeypatch):
    """No phase begins, and no further process is started."""

    def phase(self, name):
        raise AssertionError(f'{name} has begun')

    monkeypatch.setattr(run._Run, 'phase', phase)


def train_in_parts(config, monkeypatch, call):
    """Train; with a `call`, the run is killed in its phase `action` and resumed."""
    if call is not None:
        with monkeypatch.context() as patch:
            kill_at(patch, ActionModule, call)
            with pytest.raises(KilledError):
                train(config)
    train(config, resume=call is not None)


@pytest.mark.parametrize('call', [None, 3])
def test_the_fit_of_a_person_reaches_the_weights(tiny_run, monkeypatch, call):
    monkeypatch.setattr(run, 'fit_person', lambda *_: (1.5, -2.5))
    config = tiny_run()
    train_in_parts(config, monkeypatch, call)
    folder = RunFolder(Path(config.output))
    for path in (folder.phase_weights('pose'), folder.phase_weights('action'), folder.weights):
        found = load_model(path).config
        assert (found.person_gain, found.person_offset) == (1.5, -2.5)


@pytest.mark.parametrize('call', [None, 3])
def test_a_run_without_a_pose_phase_keeps_the_fit_of_its_weights(
    tiny_run, tiny_net, tmp_path, monkeypatch, call
):
    tiny_net.config = replace(tiny_net.config, person_gain=0.5, person_offset=-1.0)
    save_model(tiny_net, tmp_path / 'initial.safetensors')
    weights = {'weights': str(tmp_path / 'initial.safetensors')}
    config = tiny_run(model=weights, pose={'epochs': 0})
    train_in_parts(config, monkeypatch, call)
    found = load_model(RunFolder(Path(config.output)).weights).config
    assert (found.person_gain, found.person_offset) == (0.5, -1.0)


def test_finetuning_without_an_action_phase_needs_a_rate(tiny_run, no_step):
    config = tiny_run(action={'epochs': 0})  # the action phase comes later
    with pytest.raises(ConfigError, match=r'finetune\.learning_rate is null'):
        train(config)
    assert not Path(config.output).exists()


def test_a_first_start_that_failed_blocks_nothing(tiny_run, monkeypatch):
    first = tiny_run(pose={'epochs': 1}, action={'epochs': 0}, finetune={'epochs': 0})
    with monkeypatch.context() as patch:
        kill_at(patch, PoseModule, 1)
        with pytest.raises(KilledError):
            train(first)
    samples = Path(first.output) / 'samples' / 'train_poses.npy'
    assert samples.exists()
    again = tiny_run(
        seed=4, pose={'epochs': 1}, action={'epochs': 0}, finetune={'epochs': 0}, data={'poses': 5}
    )
    assert load_model(train(again)).config == load_model(train(again, resume=True)).config
    assert load_config(Path(first.output) / 'config.yaml') == again
    assert len(np.load(samples, mmap_mode='r')) == 5  # not those of the first start


def test_two_runs_do_not_share_a_folder(tiny_run):
    config = tiny_run()
    folder = RunFolder(Path(config.output))
    with folder.opened(config), pytest.raises(ConfigError, match='another process is training'):
        train(config)


@pytest.mark.parametrize(
    ('where', 'message'), [('loss', 'the loss is not finite'), ('val', 'val_error is')]
)
def test_a_number_that_is_none_ends_the_run(tiny_run, monkeypatch, where, message):
    config = tiny_run(
        data=NO_POOL, pose={'epochs': 2}, action={'epochs': 0}, finetune={'epochs': 0}
    )
    nowhere = float('nan')
    if where == 'loss':
        step = PoseModule.training_step
        monkeypatch.setattr(PoseModule, 'training_step', lambda *args: step(*args) * nowhere)
    else:
        monkeypatch.setattr(SimulatedPoses, '__getitem__', _without_joints)
    with pytest.raises(TrainingError, match=message):
        train(config)
    folder = RunFolder(Path(config.output))
    assert not folder.last('pose').exists()
    assert folder.result('pose') is None


def _without_joints(self, index):
    return {
        'crop': torch.zeros(3, 256, 256, dtype=torch.uint8),
        'joints_crop': torch.full((17, 3), torch.nan),
        'visibility': torch.zeros(17),
        'image_to_crop': torch.eye(3, dtype=torch.float64),
        'joints_camera_m': torch.full((17, 3), torch.nan),
        'depth_is_hint': torch.tensor(False),
    }


def test_parts_of_a_batch_make_the_same_step(tiny_run):
    found = []
    for parts in (1, 2):
        phase = {'epochs': 2, 'freeze_batch_norm': True, 'ema_decay': 0.9, 'optimizer': 'sgd'}
        config = tiny_run(
            str(parts),
            data=NO_POOL,
            trainer={'accumulate_grad_batches': parts, 'options': {'deterministic': 'warn'}},
            pose=phase,
            action={'epochs': 0},
            finetune={'epochs': 0},
        )
        weights = load_model(train(config)).state_dict()
        result = RunFolder(Path(config.output)).result('pose')
        found.append((weights, result.steps, last_losses(config, 'pose')))
    (one, steps, loss), (two, *others) = found
    assert others == [steps, pytest.approx(loss, rel=1e-4)]
    torch.manual_seed(config.seed)
    start = run.start_network(config.model).state_dict()
    moved, apart = (
        sum(float((one[name] - other[name]).square().sum()) for name in one) ** 0.5
        for other in (start, two)
    )
    assert apart < 0.01 * moved


def test_the_rate_is_a_curve(tiny_run):
    config = tiny_run(
        data=NO_POOL,
        pose={'epochs': 3, 'schedule': 'steps', 'milestones': [1, 2], 'factor': 0.5},
        action={'epochs': 0},
        finetune={'epochs': 0},
    )
    train(config)
    (path,) = (Path(config.output) / 'pose' / 'logs').glob('version_*/metrics.csv')
    with path.open() as file:
        rates = [float(row['rate']) for row in csv.DictReader(file) if row['rate']]
    assert rates == pytest.approx([5e-4, 2.5e-4, 2.5e-4])


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
        ({'action': {'learning_rate': None}}, r'action\.learning_rate is null'),
        (
            {'finetune': {'batch_size': 3}, 'trainer': {'accumulate_grad_batches': 2}},
            'finetune: b',
        ),
        ({'finetune': {'batch_size': 3}, 'trainer': {'devices': 2}}, 'finetune: batch_size 3 is'),
        ({'trainer': {'options': {'sync_batchnorm': True}}}, r'options has sync_batchnorm; exp'),
        ({'trainer': {'accelerator': 'abacus'}}, 'Lightning refuses the trainer settings'),
        ({'trainer': {'options': {'max_epochs': 3}}}, r'trainer\.options has max_epochs; exp'),
        ({'data': {'light': 0.1, 'pool': False, 'render_on_device': True}}, 'finished crops'),
        ({'pose': {'epochs': 0}, 'action': {'epochs': 0}, 'finetune': {'epochs': 0}}, 'every ph'),
    ],
)
def test_contradictions_are_told_before_anything_is_written(tiny_run, no_step, sections, message):
    config = tiny_run(**sections)
    with pytest.raises(ConfigError, match=message):
        train(config)
    assert not Path(config.output).exists()


def test_damaged_checkpoints_are_told(tmp_path):
    path = tmp_path / 'last.ckpt'
    path.write_bytes(b'no checkpoint')
    with pytest.raises(CheckpointError, match='not a checkpoint of a run'):
        load_checkpoint(path)


def test_results_of_phases_are_kept(tmp_path):
    folder = RunFolder(tmp_path)
    folder.phase('pose').mkdir()
    assert folder.result('pose') is None
    result = PhaseResult('pose', 4, last_rate=1e-3, best_error=0.5, seconds=2.0, epochs=3)
    folder.write_result(result)
    assert folder.result('pose') == folder.result('pose', 3) == result
    assert folder.result('pose', 4) is None
    folder.write_result(replace(result, epochs=0))  # of a former version
    assert folder.result('pose', 4) is not None
