"""What steers a run: the validation score alone decides on rates, the best epoch and the end."""

from pathlib import Path

import pytest
import torch

from pose_action_ros.models import load_model
from pose_action_ros.training import run
from pose_action_ros.training.action_module import ActionModule
from pose_action_ros.training.optimizers import MONITOR
from pose_action_ros.training.phase_module import best_weights
from pose_action_ros.training.pose_module import PoseModule
from pose_action_ros.training.run_folder import RunFolder, load_checkpoint

NO_POOL = {'pool': False, 'poses': 0, 'clips': 0, 'val_poses': 1, 'val_clips': 1}


def train(config, **options):
    run.train(config, progress=False, **options)
    return RunFolder(Path(config.output))


@pytest.fixture
def score(monkeypatch):
    """Let the validation of each epoch find given errors, and a `val_loss` that always falls."""

    def give(module, errors):
        def validation_step(self, batch, batch_idx):
            epoch = self.current_epoch
            self.log_dict({MONITOR: errors[epoch], 'val_loss': -float(epoch)}, batch_size=1)

        monkeypatch.setattr(module, 'validation_step', validation_step)

    return give


def test_plateau_goes_by_the_score_and_finetuning_by_the_last_rate(tiny_run, score):
    score(ActionModule, [0.5, 0.4, 0.45, 0.45])
    folder = train(
        tiny_run(
            data=NO_POOL,
            pose={'epochs': 0},
            action={'epochs': 4, 'steps_per_epoch': 1, 'patience': 0, 'learning_rate': 2e-4},
            finetune={'epochs': 1, 'steps_per_epoch': 1},
        )
    )
    assert folder.result('action').last_rate == pytest.approx(2e-4 * 0.2**2)
    assert folder.result('finetune').last_rate == pytest.approx(2e-4 * 0.2**2 * 0.1)


def test_the_best_epoch_is_handed_on_and_not_the_last(tiny_run, score):
    score(PoseModule, [0.3, 0.2, 0.4])
    folder = train(
        tiny_run(
            data=NO_POOL,
            pose={'epochs': 3, 'steps_per_epoch': 1},
            action={'epochs': 0},
            finetune={'epochs': 0},
        )
    )
    best, last = (
        best_weights(load_checkpoint(path)['state_dict'])
        for path in (folder.best('pose'), folder.last('pose'))
    )
    name = 'pose_net.entry_flow.conv1.conv.weight'
    assert not torch.equal(best[name], last[name])
    found = load_model(folder.weights).state_dict()
    assert all(torch.equal(found[key], value) for key, value in best.items())
    assert folder.result('pose').best_error == pytest.approx(0.2)


def test_a_run_that_goes_on_remembers_its_best_epoch(tiny_run, score):
    score(PoseModule, [0.3, 0.2, 0.4, 0.35])
    phases = {'data': NO_POOL, 'action': {'epochs': 0}, 'finetune': {'epochs': 0}}
    pose = {'steps_per_epoch': 1, 'schedule': 'constant'}
    train(tiny_run(pose={**pose, 'epochs': 3}, **phases))
    folder = train(tiny_run(pose={**pose, 'epochs': 4}, **phases), resume=True)
    assert folder.result('pose').best_error == pytest.approx(0.2)
    assert folder.result('pose').steps == 4
    states = load_checkpoint(folder.last('pose'))['callbacks']
    assert any(name.startswith('_BestCheckpoint{') for name in states)  # as in runs so far


@pytest.mark.parametrize(('stop_after', 'epochs'), [(2, 4), (0, 6)])
def test_a_phase_ends_early_where_the_score_stagnates(tiny_run, score, stop_after, epochs):
    score(PoseModule, [0.4, 0.3, 0.3, 0.5, 0.3, 0.3])
    folder = train(
        tiny_run(
            data=NO_POOL,
            pose={'epochs': 6, 'steps_per_epoch': 1, 'stop_after': stop_after},
            action={'epochs': 0},
            finetune={'epochs': 0},
        )
    )
    assert folder.result('pose').steps == epochs


def test_a_run_that_goes_on_remembers_how_long_the_score_has_stagnated(tiny_run, score):
    score(PoseModule, [0.5, 0.4, 0.45, 0.45])
    phases = {'data': NO_POOL, 'action': {'epochs': 0}, 'finetune': {'epochs': 0}}
    pose = {'steps_per_epoch': 1, 'schedule': 'plateau', 'patience': 1, 'learning_rate': 1e-3}
    train(tiny_run(pose={**pose, 'epochs': 3}, **phases))
    folder = train(tiny_run(pose={**pose, 'epochs': 4}, **phases), resume=True)
    assert folder.result('pose').last_rate == pytest.approx(2e-4)
