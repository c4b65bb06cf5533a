"""Numbers that are none: found among many, soon, in all processes alike."""

from types import SimpleNamespace

import pytest
import torch

from pose_action_ros.core.errors import TrainingError
from pose_action_ros.training.callbacks import FiniteNumbers


@pytest.fixture
def trainer():
    decisions = []

    def reduce_boolean_decision(decision, *, all):  # noqa: A002
        assert all
        decisions.append(decision)
        return decision

    strategy = SimpleNamespace(reduce_boolean_decision=reduce_boolean_decision)
    return SimpleNamespace(strategy=strategy, global_step=3, current_epoch=0, decisions=decisions)


def end(callback, trainer, loss, number):
    callback.on_train_batch_end(trainer, None, {'loss': torch.tensor(loss)}, None, number)


@pytest.mark.parametrize('bad', [float('nan'), float('inf')])
def test_one_loss_among_many_is_enough(trainer, bad):
    callback = FiniteNumbers()
    for number, loss in enumerate((1.0, bad, 2.0)):
        end(callback, trainer, loss, number)
    assert trainer.decisions == []  # looking costs time
    with pytest.raises(TrainingError, match='the loss is not finite, at step 3'):
        callback.on_validation_start(trainer, None)


def test_a_long_epoch_is_not_waited_for(trainer):
    callback = FiniteNumbers()
    for number in range(49):
        end(callback, trainer, 1.0 if number != 7 else float('nan'), number)
    with pytest.raises(TrainingError):
        end(callback, trainer, 1.0, 49)


def test_another_process_s_loss_counts_too(trainer):
    trainer.strategy.reduce_boolean_decision = lambda decision, **_: False
    callback = FiniteNumbers()
    end(callback, trainer, 1.0, 0)
    with pytest.raises(TrainingError):
        callback.on_validation_start(trainer, None)


def test_sound_losses_and_scores_pass(trainer):
    callback = FiniteNumbers()
    for number in range(100):
        end(callback, trainer, 1.0, number)
    callback.on_validation_start(trainer, None)
    assert trainer.decisions == [True] * 3
    for score in (0.5, float('nan'), float('inf'), -float('inf')):
        trainer.callback_metrics = {'val_error': torch.tensor(score)}
        if score == 0.5:
            callback.on_validation_end(trainer, None)
        else:
            with pytest.raises(TrainingError, match='val_error is'):
                callback.on_validation_end(trainer, None)
