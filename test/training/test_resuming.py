"""What may change when a run goes on, and what would change its past."""

from pathlib import Path

import pytest
import torch

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.models import load_model
from pose_action_ros.training import run
from pose_action_ros.training.config_file import config_from_mapping
from pose_action_ros.training.resuming import forbidden_changes
from pose_action_ros.training.run_folder import RunFolder

BEGUN = ('pose',)
MIX = {'coco': {'root': 'a', 'split_file': 'a/split.json', 'share': 0.5}}


def changed(before, now, begun=BEGUN):
    return forbidden_changes(config_from_mapping(before), config_from_mapping(now), begun)


@pytest.mark.parametrize(
    ('before', 'now'),
    [
        ({'output': 'a', 'name': 'a'}, {'output': 'b', 'name': 'b'}),
        ({}, {'trainer': {'devices': 4, 'accumulate_grad_batches': 2, 'options': {'x': 1}}}),
        ({'data': {'root': 'a', 'workers': 1}}, {'data': {'root': 'b', 'workers': 8}}),
        ({}, {'data': {'options': {'prepared': '/cache'}}}),
        (
            {'data': {'options': {'mix': MIX}}},
            {'data': {'options': {'mix': {'coco': {**MIX['coco'], 'root': 'b'}}}}},
        ),
        (
            {'data': {'options': {'mix': MIX}}},
            {
                'data': {
                    'options': {'mix': {'coco': {**MIX['coco'], 'split_file': 'b/split.json'}}}
                }
            },
        ),
        ({'model': {'weights': 'a/w.safetensors'}}, {'model': {'weights': 'b/w.safetensors'}}),
        ({}, {'action': {'learning_rate': 1.0, 'epochs': 7}, 'finetune': {'epochs': 0}}),
        ({}, {'data': {'clips': 7, 'val_clips': 9, 'options': {'clips': {'actor': {}}}}}),
        ({'pose': {'epochs': 2}}, {'pose': {'epochs': 3}}),
        ({}, {'pose': {'gradient_clip': 1.0, 'stop_after': 9}}),
    ],
)
def test_what_does_not_change_the_past_is_accepted(before, now):
    assert changed(before, now) == []


@pytest.mark.parametrize(
    ('before', 'now', 'keys'),
    [
        ({}, {'seed': 2}, ['seed']),
        ({}, {'pose': {'batch_size': 12}}, ['pose.batch_size']),
        ({}, {'pose': {'learning_rate': 1.0}}, ['pose.learning_rate']),
        ({}, {'half_size': {'epochs': 3}}, ['half_size.epochs']),
        ({'pose': {'epochs': 3}}, {'pose': {'epochs': 2}}, ['pose.epochs']),
        (
            {'pose': {'epochs': 2, 'schedule': 'one_cycle'}},
            {'pose': {'epochs': 3, 'schedule': 'one_cycle'}},
            ['pose.epochs'],
        ),
        ({}, {'data': {'flip': False}}, ['data.flip']),
        ({}, {'data': {'options': {'mix': {'mpii': {}}}}}, ['data.options.mix.mpii']),
        ({}, {'data': {'val_poses': 7}}, ['data.val_poses']),
        ({}, {'model': {'changes': {'blocks': 3}}}, ['model.changes.blocks']),
        (
            {'data': {'options': {'mix': MIX}}},
            {
                'data': {
                    'options': {'mix': {'coco': {**MIX['coco'], 'split_file': 'a/other.json'}}}
                }
            },
            ['data.options.mix.coco.split_file'],
        ),
        (
            {'data': {'options': {'mix': MIX}}},
            {'data': {'options': {'mix': {'coco': {**MIX['coco'], 'share': 0.6}}}}},
            ['data.options.mix.coco.share'],
        ),
    ],
)
def test_what_changes_the_past_is_named(before, now, keys):
    assert changed(before, now) == keys


def test_epochs_of_a_phase_stay_once_a_later_one_has_begun():
    assert changed({}, {'pose': {'epochs': 200}}, ('pose', 'action')) == ['pose.epochs']
    assert changed({}, {'data': {'clips': 7}}, ('pose', 'action')) == ['data.clips']
    assert changed({}, {'finetune': {'epochs': 9}}, ('pose', 'action')) == []


def test_nothing_is_past_before_the_first_epoch():
    assert changed({}, {'seed': 2, 'pose': {'batch_size': 12}}, ()) == []


def test_more_epochs_and_a_further_phase_go_on_from_the_weights_so_far(tiny_run, tmp_path):
    """As one run that had them from the start."""
    data = {'pool': False, 'poses': 0, 'clips': 0, 'val_poses': 1, 'val_clips': 1}
    steps = {'steps_per_epoch': 1, 'schedule': 'plateau'}
    most = {'pose': {**steps, 'epochs': 2}, 'action': {**steps, 'epochs': 1}}
    least = {'pose': {**steps, 'epochs': 1}, 'action': {'epochs': 0}}
    for phases in (most, least):
        phases |= {'data': data, 'finetune': {'epochs': 0}}
    expected = load_model(run.train(tiny_run('whole', **most), progress=False)).state_dict()
    first = tiny_run('parts', **least)
    run.train(first, progress=False)
    folder = RunFolder(Path(first.output))
    assert folder.result('pose').steps == 1
    after = load_model(folder.phase_weights('pose')).state_dict()
    found = load_model(
        run.train(tiny_run('parts', **most), progress=False, resume=True)
    ).state_dict()
    assert folder.result('pose').steps == 2
    for name, value in expected.items():
        assert torch.equal(found[name], value), name
    # Weights of a phase are a start for another run.
    started = run.start_network(
        tiny_run(model={'weights': str(folder.phase_weights('pose'))}).model
    )
    now = load_model(folder.phase_weights('pose')).state_dict()
    assert all(torch.equal(v, now[k]) for k, v in started.state_dict().items())
    assert after.keys() == now.keys()
    more = tiny_run('parts', **{**most, 'pose': {**steps, 'epochs': 3}})
    with pytest.raises(ConfigError, match=r'other settings: pose\.epochs'):
        run.train(more, progress=False, resume=True)


def test_what_was_kept_for_a_phase_ahead_goes_with_its_settings(tiny_run):
    config = tiny_run()
    folder = RunFolder(Path(config.output))
    with folder.opened(config):
        pass
    for path in (folder.last('pose'), folder.phase('action') / 'features_train.npy'):
        path.parent.mkdir()
        path.touch()
    folder.samples.mkdir()
    for kind in ('poses', 'clips'):
        (folder.samples / f'train_{kind}.npy').touch()
    folder.check(config, resume=True)
    with folder.opened(config):
        assert (folder.phase('action') / 'features_train.npy').exists()
    other = tiny_run(data={'clips': 3})
    folder.check(other, resume=True)
    with folder.opened(other):
        assert not folder.phase('action').exists()
        assert [path.name for path in folder.samples.iterdir()] == ['train_poses.npy']
        assert folder.last('pose').exists()
