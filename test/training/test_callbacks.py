"""Numbers that are none: found among many, soon, in all processes alike."""

from types import SimpleNamespace

import pytest
import torch

from pose_action_ros.core.errors import ConfigError, TrainingError
from pose_action_ros.training.callbacks import CommonFolder, FiniteNumbers


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


def one_of_two(is_first, others_see_it=True):
    """The Trainer of one of two processes, whose first one calls its file `.common_1`."""
    strategy = SimpleNamespace(
        broadcast=lambda name: '.common_1' if not is_first else name,
        barrier=lambda _: None,
        reduce_boolean_decision=lambda sees, **_: sees and others_see_it,
    )
    return SimpleNamespace(strategy=strategy, world_size=2, is_global_zero=is_first)


def test_processes_that_see_one_folder_may_begin(tmp_path):
    CommonFolder(tmp_path / 'pose').setup(one_of_two(True), None, 'fit')
    assert list((tmp_path / 'pose').iterdir()) == []
    (tmp_path / 'pose' / '.common_1').touch()
    CommonFolder(tmp_path / 'pose').setup(one_of_two(False), None, 'fit')


def test_a_process_with_another_folder_ends_all_at_once(tmp_path):
    for trainer in (one_of_two(True, others_see_it=False), one_of_two(False)):
        with pytest.raises(ConfigError, match='is not the same folder on all machines'):
            CommonFolder(tmp_path / 'pose').setup(trainer, None, 'fit')


def test_one_process_needs_no_common_folder(tmp_path):
    CommonFolder(tmp_path / 'pose').setup(SimpleNamespace(world_size=1), None, 'fit')
    assert not (tmp_path / 'pose').exists()
