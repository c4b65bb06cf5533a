"""Runs in two processes on the CPU (gloo): as one process would have done."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from pose_action_ros.models import load_model
from pose_action_ros.training import run
from pose_action_ros.training.config_file import config_to_mapping
from pose_action_ros.training.run_folder import RunFolder

ROOT = Path(__file__).parents[2]
# Results are written late, so that a process which does not wait for them finds none.
SCRIPT = """
import time
import typer
from pose_action_ros.cli.train import train
from pose_action_ros.training.run_folder import RunFolder

write = RunFolder.write_result
RunFolder.write_result = lambda self, result: (time.sleep(2), write(self, result))
if __name__ == '__main__':
    typer.run(train)
"""
PAIR = {'devices': 2, 'strategy': 'ddp'}


@pytest.fixture
def train_in_two(tmp_path):
    def start(config):
        process = _begin(tmp_path, config)
        stdout, stderr = process.communicate(timeout=850)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    return start


def _begin(folder, config, **variables):
    script, settings = folder / 'run.py', folder / f'{Path(config.output).name}.yaml'
    script.write_text(SCRIPT)
    settings.write_text(json.dumps(config_to_mapping(config)))
    plain = {'PYTHONPATH': str(ROOT), 'PATH': '', 'OMP_NUM_THREADS': '1', 'HOME': str(folder)}
    return subprocess.Popen(
        [sys.executable, script, settings, '--quiet'],
        cwd=ROOT,
        env={**plain, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_two_processes_find_what_one_finds(tiny_run, train_in_two):
    """Nothing is learned, so every score is that of the same network on the same samples."""
    still = {'learning_rate': 0.0, 'freeze_batch_norm': True, 'epochs': 1}
    sections = {
        'data': {'val_poses': 3, 'val_clips': 1},  # uneven; one process has no clip at all
        'pose': still,
        'action': {**still, 'cache_features': True},
        'finetune': {'learning_rate': None, 'freeze_batch_norm': True},
    }
    config = tiny_run('ddp', trainer=PAIR, **sections)
    done = train_in_two(config)
    assert done.returncode == 0, done.stderr
    single = tiny_run('single', **sections)
    run.train(single, progress=False)
    ours, theirs = (RunFolder(Path(c.output)) for c in (config, single))
    for phase in ('pose', 'action', 'finetune'):
        found, expected = ours.result(phase), theirs.result(phase)
        assert found.best_error == pytest.approx(expected.best_error, rel=1e-5), phase
        assert (found.steps, found.last_rate) == (expected.steps, expected.last_rate)
    for split in ('train', 'val'):
        features = [np.load(f.phase('action') / f'features_{split}.npy') for f in (ours, theirs)]
        for name in ('joints', 'joint_features', 'action', 'stored'):
            np.testing.assert_array_equal(features[0][name], features[1][name], err_msg=name)
        assert features[0]['stored'].all()
    assert done.stdout.count('weights:') == 1
    for text in ('pose 1/1: loss', 'phase finetune: 1 epochs'):
        assert done.stderr.count(text) == 1, done.stderr


@pytest.mark.slow
def test_two_processes_learn_as_one(tiny_run, train_in_two):
    """Each takes every second position of the row that one process would have taken."""
    phase = {'epochs': 2, 'optimizer': 'sgd', 'learning_rate': 1e-3}
    sections = {'pose': phase, 'action': {'epochs': 0}, 'finetune': {'epochs': 0}}
    shared = {**PAIR, 'sync_batchnorm': True}
    config, single = tiny_run('ddp', trainer=shared, **sections), tiny_run('single', **sections)
    done = train_in_two(config)
    assert done.returncode == 0, done.stderr
    run.train(single, progress=False)
    ours, theirs = (load_model(Path(c.output) / 'weights.safetensors') for c in (config, single))
    torch.manual_seed(single.seed)
    start = _of(run.start_network(single.model))
    names = [name for name, value in start.items() if not torch.equal(value, _of(theirs)[name])]
    assert len(names) > 50
    moved, apart = (
        sum(float((_of(theirs)[name] - other[name]).square().sum()) for name in names) ** 0.5
        for other in (start, _of(ours))
    )
    assert (
        apart < 0.01 * moved
    )  # rounding; with statistics of each process it is several times more


def _of(net):
    return net.state_dict()


@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_both_processes(tiny_run, train_in_two):
    config = tiny_run(
        'ddp',
        trainer=PAIR,
        pose={'optimizer': 'sgd', 'learning_rate': 1e30, 'epochs': 3, 'schedule': 'constant'},
    )
    done = train_in_two(config)
    assert done.returncode != 0
    assert 'not finite' in done.stderr or 'val_error is' in done.stderr
    assert not (Path(config.output) / 'weights.safetensors').exists()


@pytest.mark.slow
@pytest.mark.parametrize('names', [('one', 'one'), ('one', 'two')])
def test_two_machines_train_in_one_folder_and_not_in_two(tiny_run, tmp_path, names):
    """Started on each machine, as Lightning has it; the first one alone writes and logs."""
    sections = {'pose': {'epochs': 1}, 'action': {'epochs': 0}, 'finetune': {'epochs': 0}}
    trainer = {'devices': 1, 'num_nodes': 2, 'strategy': 'ddp'}
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = str(free.getsockname()[1])
    machines = [
        _begin(
            tmp_path,
            tiny_run(name, trainer=trainer, **sections),
            NODE_RANK=str(number),
            MASTER_ADDR='127.0.0.1',
            MASTER_PORT=port,
        )
        for number, name in enumerate(names)
    ]
    (out, log), (other_out, other_log) = (one.communicate(timeout=400) for one in machines)
    if names == ('one', 'one'):
        assert [one.returncode for one in machines] == [0, 0], log + other_log
        assert (out.count('weights:'), other_out) == (1, '')
        assert log.count('phase pose: 1 epochs') == 1
        assert 'phase pose' not in other_log
    else:
        assert all(one.returncode for one in machines)
        for text in (log, other_log):
            assert 'ConfigError' in text, text
        assert not (tmp_path / 'one' / 'pose' / 'last.ckpt').exists()
