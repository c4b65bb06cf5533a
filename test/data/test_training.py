"""Every YAML of a recorded data set trains two steps, resumes and writes weights."""

from pathlib import Path

import pytest
import torch

from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.models import ModelConfig, load_model
from pose_action_ros.training.config_file import load_config
from pose_action_ros.training.phase_samples import PhaseSamples
from pose_action_ros.training.pose_module import PoseModule
from pose_action_ros.training.run import train
from pose_action_ros.training.sources import clip_source, pose_source

CONFIG = Path(__file__).parents[2] / 'config' / 'train'
SMALL = {
    **{'blocks': 1, 'features': 16, 'kernel_size': 3, 'clip_frames': 4, 'pose_features': 8},
    **{'pose_stem_features': 2, 'pose_reduced_features': 4, 'appearance_features': 8},
}
ROOTS = {
    'mpii': 'mpii_official',
    'h36m': 'h36m_released',
    'penn_action': 'penn_official',
    'ntu': 'ntu_official',
}
FILES = {
    'mpii': ('mpii', ()),
    'mpii_released': ('mpii', ()),
    'h36m': ('h36m', ()),
    'h36m_mpii': ('h36m', ('mpii',)),
    'penn_action': ('penn_action', ('mpii',)),
    'ntu': ('ntu', ('mpii', 'h36m')),
}


class KilledError(Exception):
    """As if the process had been ended."""


@pytest.fixture
def miniature_run(request, tmp_path):
    """A file's settings, with miniature data, a tiny network and short phases."""

    def make(name, *more):
        own, others = FILES[name]
        roots = {n: request.getfixturevalue(ROOTS[n]) for n in (own, *others)}
        config = load_config(CONFIG / f'{name}.yaml')
        shape = {**SMALL, 'depth_maps': 2} if own in ('h36m', 'ntu') else SMALL
        changes = [f'model.changes={shape}', f'output={tmp_path / name}']
        changes += [f'data.root={roots[own]}']
        changes += [f'data.options.mix.{n}.root={roots[n]}' for n in others]
        changes += ['data.workers=0', 'data.val_poses=2', 'data.val_clips=1']
        changes += ['trainer.accelerator=cpu', 'trainer.threads=1', 'trainer.tensorboard=false']
        for phase in ('pose', 'action', 'finetune'):
            epochs = min(1, getattr(config, phase).epochs)
            changes += [f'{phase}.epochs={epochs}', f'{phase}.steps_per_epoch=2']
            changes += [f'{phase}.batch_size=2']
        return load_config(CONFIG / f'{name}.yaml', [*changes, *more])

    return make


@pytest.mark.parametrize('name', FILES)
def test_each_file_trains_two_steps(miniature_run, name):
    weights = train(miniature_run(name), progress=False)
    net = load_model(weights)
    assert net.config.layout == ModelConfig.preset(FILES[name][0]).layout
    for key, value in net.state_dict().items():
        assert value.isfinite().all(), key


@pytest.mark.parametrize(
    ('on_test', 'expected'), [(False, 'val, held out of training'), (True, 'test, the test set')]
)
@pytest.mark.parametrize('name', ['h36m', 'penn_action', 'ntu'])
def test_a_run_says_by_what_the_best_epoch_is_chosen(
    miniature_run, caplog, name, on_test, expected
):
    options = f'data.options.validate_on_test={str(on_test).lower()}'
    with caplog.at_level('INFO'):
        train(miniature_run(name, options), progress=False)
    texts = [record.getMessage() for record in caplog.records]
    phases = ['pose'] if name == 'h36m' else ['pose', 'action', 'finetune']
    for phase in phases:
        assert f'phase {phase}: best epoch by {name} {expected}' in texts


def test_a_run_that_was_killed_goes_on_with_the_same_samples(miniature_run, monkeypatch, tmp_path):
    options = ('pose.epochs=2', 'pose.batch_size=3')
    expected = load_model(train(miniature_run('h36m_mpii', *options), progress=False))
    config = miniature_run('h36m_mpii', *options, f'output={tmp_path / "cut"}')
    step, calls = PoseModule.training_step, []

    def killed(self, batch, batch_idx):
        calls.append(1)
        if len(calls) == 4:
            raise KilledError
        return step(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(PoseModule, 'training_step', killed)
        with pytest.raises(KilledError):
            train(config, progress=False)
    again = load_model(train(config, resume=True, progress=False)).state_dict()
    for key, value in expected.state_dict().items():
        assert torch.equal(again[key], value), key


def test_mixed_batches_have_one_layout_and_ignore_what_is_absent(miniature_run):
    config = miniature_run('ntu')
    model = ModelConfig.preset('ntu', **config.model.changes)
    source = pose_source(config.data, model, 'train')
    batch = [source[position] for position in range(20)]
    assert {tuple(sample['joints_crop'].shape) for sample in batch} == {(20, 3)}
    flat = [bool(sample['joints_crop'][:, 2].isnan().all()) for sample in batch]
    assert sum(flat) == 9  # MPII's share of 20: no depth
    hands = [bool(sample['visibility'][10:12].isnan().all()) for sample in batch]
    assert sum(hands) == 9


def test_the_same_settings_give_the_same_samples(miniature_run):
    config = miniature_run('penn_action')
    model = ModelConfig.preset('penn_action', **config.model.changes)
    for source in (pose_source, clip_source):
        one, other = (source(config.data, model, 'train') for _ in range(2))
        for position in (0, 7):
            assert torch.equal(one[position]['crop'], other[position]['crop'])
        changed = miniature_run('penn_action', 'data.options.seed=9').data
        other_run = source(config.data, model, 'train', seed=9)
        assert any(
            not torch.equal(one[p]['crop'], other_run[p]['crop']) for p in range(2)
        )  # the seed of the run
        differs = [
            not torch.equal(one[p]['crop'], source(changed, model, 'train')[p]['crop'])
            for p in range(2)
        ]
        assert any(differs)


def test_the_seed_of_the_run_rules_recorded_samples(miniature_run, tmp_path):
    model = ModelConfig.preset('penn_action', **miniature_run('penn_action').model.changes)
    found = []
    for seed in (1, 1, 2):
        samples = PhaseSamples(miniature_run('penn_action', f'seed={seed}'), model, tmp_path)
        sources = [samples.of(phase).train.source for phase in ('pose', 'action')]
        found.append([[source[p]['crop'] for p in range(2)] for source in sources])
    for kind in range(2):
        one, same, other = ([run[kind][p] for p in range(2)] for run in found)
        assert all(map(torch.equal, one, same))
        assert not all(map(torch.equal, one, other))


def test_pictures_that_cannot_be_read_are_found_before_the_first_step(
    miniature_run, tmp_path, miniatures
):
    root = tmp_path / 'mpii'
    miniatures.write_mpii(root, True)
    for path in (root / 'images').iterdir():
        path.write_bytes(b'damaged')
    config = miniature_run('h36m_mpii', f'data.options.mix.mpii.root={root}')
    with pytest.raises(DatasetError, match='samples in a row cannot be read'):
        train(config, progress=False)
    assert not Path(config.output).exists()


def test_samples_can_be_kept_and_are_as_many_as_asked_for(miniature_run, tmp_path):
    config = miniature_run('mpii', 'data.pool=true', 'data.poses=3')
    model = ModelConfig.preset('mpii')
    kept = pose_source(config.data, model, 'train', tmp_path)
    assert len(kept) == 3
    assert torch.equal(kept[2]['crop'], pose_source(config.data, model, 'train')[2]['crop'])
    assert len(pose_source(config.data, model, 'val', tmp_path)) == 2


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (['data.root=null'], 'the folder of mpii is not set'),
        (['data.options.augmentation=strong'], 'expected paper, released or none'),
        (['data.options.strength=1'], 'data.options has no strength'),
        (['data.options.mix.mpii.part=1'], 'data.options.mix.mpii has no part'),
        (['data.options.mix.h36m.share=0.5'], 'the folder of h36m is not set'),
        (['data.options.mix.h36m=0.5'], 'data.options.mix.h36m is 0.5'),
        (['data.options.view=true'], 'data.options has no view'),
    ],
)
def test_settings_that_do_not_fit(miniature_run, changes, message):
    config = miniature_run('mpii', *changes)
    with pytest.raises(ConfigError, match=message.replace('.', r'\.')):
        pose_source(config.data, ModelConfig.preset('mpii'), 'train')


def test_actions_must_be_the_networks(miniature_run):
    config = miniature_run('penn_action')
    with pytest.raises(ConfigError, match='knows 60 actions, penn_action has 15'):
        clip_source(config.data, ModelConfig.preset('ntu'), 'train')


@pytest.mark.parametrize('damage', ['cut film', 'no film', 'empty skeleton', 'foreign skeleton'])
def test_one_damaged_recording_does_not_end_a_run(
    miniature_run, tmp_path, caplog, miniatures, damage
):
    """It is skipped and counted, in the pose phase and in that of actions."""
    root = tmp_path / 'ntu'
    miniatures.write_ntu(root)
    name = miniatures.NTU_TRAIN[0]
    film = root / 'nturgb+d_rgb' / f'{name}_rgb.avi'
    skeleton = root / 'nturgb+d_skeletons' / f'{name}.skeleton'
    if damage == 'cut film':
        film.write_bytes(film.read_bytes()[: film.stat().st_size // 3])
    elif damage == 'no film':
        film.unlink()
    elif damage == 'empty skeleton':
        skeleton.write_bytes(b'')
    else:
        skeleton.with_name(f'{name[:-3]}061.skeleton').write_bytes(bytes(900))
    config = miniature_run(
        'ntu', f'data.root={root}', 'data.options.mix={ntu: {}}', 'pose.batch_size=6'
    )
    with caplog.at_level('WARNING'):
        train(config, progress=False)
    texts = [record.getMessage() for record in caplog.records]
    assert max(map(len, texts)) < 3000
    if damage == 'foreign skeleton':
        assert any('1 skipped: not an action of NTU RGB+D 60' in text for text in texts)
    else:
        assert any('phase pose: 1 samples of ntu train' in text for text in texts), texts
        assert any(name in text and 'is skipped' in text for text in texts)
