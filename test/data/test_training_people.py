"""config/train/people.yaml on miniature photographs and films: mixes, validation, a short run."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pose_action_ros.core.actions import OTHER, PEOPLE_ACTIONS
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.data.empty_windows import write_candidates
from pose_action_ros.models import ModelConfig, load_model
from pose_action_ros.training.config_file import load_config
from pose_action_ros.training.run import train
from pose_action_ros.training.sources import clip_source, pose_source

CONFIG = Path(__file__).parents[2] / 'config' / 'train' / 'people.yaml'
SMALL = {
    **{'blocks': 1, 'features': 16, 'kernel_size': 3, 'clip_frames': 4, 'pose_features': 8},
    **{'pose_stem_features': 2, 'pose_reduced_features': 4, 'appearance_features': 8},
    **{'depth_maps': 2, 'name': 'people', 'actions': list(PEOPLE_ACTIONS)},
}


@pytest.fixture(scope='module')
def roots(people, tmp_path_factory):
    folder = tmp_path_factory.mktemp('people')
    people.write_coco(folder / 'coco')
    people.write_yolo(folder / 'yolo')
    people.write_lsp(folder / 'lsp', True)
    people.write_lsp_checks(folder / 'lsp_checks.npz')
    people.write_pose_arrays(folder / 'exercises', folder / 'exercises.npz')
    people.write_jhmdb(folder / 'jhmdb', joints=False)
    people.write_jhmdb_labels(folder / 'jhmdb.npz')
    split = {'train': list(range(20)), 'test': list(range(20, 24))}
    (folder / 'split.json').write_text(json.dumps(split))
    write_candidates(folder / 'candidates.json', {})
    return folder


@pytest.fixture
def settings(roots, tmp_path):
    """The file's settings with miniature data, a tiny network and short phases."""

    def make(*more):
        mix, clips = 'data.options.mix', 'data.options.clips'
        given = {
            f'{mix}.actor.count': 4,
            f'{mix}.coco.root': roots / 'yolo',
            f'{mix}.coco.split_file': roots / 'split.json',
            f'{mix}.coco_train.root': roots / 'yolo',
            f'{mix}.lsp.root': roots / 'lsp',
            f'{mix}.lsp.checks': roots / 'lsp_checks.npz',
            f'{mix}.exercises.root': roots / 'exercises',
            f'{mix}.exercises.labels': roots / 'exercises.npz',
            f'{mix}.films.root': roots / 'jhmdb',
            f'{mix}.films.labels': roots / 'jhmdb.npz',
            f'{mix}.nobody.root': roots / 'coco',
            f'{mix}.nobody.annotations': 'null',
            f'{mix}.nobody.split_file': roots / 'split.json',
            f'{mix}.nobody.candidates': roots / 'candidates.json',
            f'{clips}.films.root': roots / 'jhmdb',
            f'{clips}.films.labels': roots / 'jhmdb.npz',
            **{'model.changes': SMALL, 'model.weights': 'null', 'output': tmp_path / 'run'},
            **{'data.clips': 6, 'data.val_poses': 8, 'data.val_clips': 4, 'data.workers': 0},
            **{'trainer.threads': 1, 'trainer.tensorboard': 'false'},
        }
        for phase in ('half_size', 'pose', 'action'):
            given |= {f'{phase}.{key}': 2 for key in ('steps_per_epoch', 'batch_size')}
            given[f'{phase}.epochs'] = 1
        changes = [f'{key}={value}' for key, value in given.items()]
        return load_config(CONFIG, [*changes, *more])

    return make


def model_of(config):
    return ModelConfig.preset('compact', **config.model.changes)


def test_the_whole_recipe_runs(settings):
    net = load_model(train(settings(), progress=False))
    assert net.config.name == 'people'
    assert net.config.actions == PEOPLE_ACTIONS
    for key, value in net.state_dict().items():
        assert value.isfinite().all(), key


def test_every_entry_has_its_share_and_kind(settings, tmp_path):
    config = settings()
    source = pose_source(config.data, model_of(config), 'train', tmp_path)
    labels = list(config.data.options['mix'])
    numbers = [source.locate(position)[0] for position in range(100)]
    shares = {label: numbers.count(i) / 100 for i, label in enumerate(labels)}
    for label, entry in config.data.options['mix'].items():
        assert shares[label] == pytest.approx(entry['share'], abs=0.015)
    samples = {label: source[numbers.index(i)] for i, label in enumerate(labels)}
    assert {tuple(s['joints_crop'].shape) for s in samples.values()} == {(17, 3)}
    assert not samples['actor']['depth_is_hint']
    actors = [source[p] for p, number in enumerate(numbers[:20]) if number == 0]
    assert any(s['joints_crop'][:, 2].isfinite().any() for s in actors)  # some are empty
    assert samples['lsp']['joints_crop'][:, 2].isnan().all()
    assert samples['exercises']['joints_crop'][:, 2].isfinite().any()
    assert (samples['nobody']['visibility'] == 0).all()
    assert (tmp_path / 'train_poses_actor.npy').exists()


def test_empty_windows_lie_at_the_given_candidates(settings, tmp_path):
    option = 'data.options.mix.nobody.candidates'
    images = {f'{n:012d}': [PersonBox(-5000.0, -5000.0, 50.0)] for n in range(1000)}
    write_candidates(tmp_path / 'candidates.json', images)  # outside of the pictures, so black
    black = []
    for more in ([], [f'{option}={tmp_path / "candidates.json"}']):
        config = settings(*more)
        source = pose_source(config.data, model_of(config), 'train', tmp_path / str(len(more)))
        nobody = list(config.data.options['mix']).index('nobody')
        chosen = [p for p in range(300) if source.locate(p)[0] == nobody]
        black.append(np.mean([bool((source[p]['crop'] == 0).all()) for p in chosen]))
    assert black[0] < 0.2
    assert 0.4 < black[1] < 0.9


def test_candidates_of_windows_with_people_are_refused(settings, tmp_path):
    config = settings(f'data.options.mix.coco.candidates={tmp_path / "candidates.json"}')
    with pytest.raises(ConfigError, match=r'coco\.candidates needs `windows: empty`'):
        pose_source(config.data, model_of(config), 'train', tmp_path)


def test_a_position_alone_decides(settings, tmp_path):
    config = settings()
    one, other = (pose_source(config.data, model_of(config), 'train', tmp_path) for _ in range(2))
    for position in (12, 3, 40):
        first, second = one[position], other[position]
        assert all(torch.equal(first[k].nan_to_num(9), second[k].nan_to_num(9)) for k in first)


def test_chosen_entries_validate_with_equal_counts(settings):
    config = settings('data.options.validate=[coco,actor]', 'data.val_poses=4')
    source = pose_source(config.data, model_of(config), 'val')
    depths = [bool(source[i]['joints_crop'][:, 2].isfinite().any()) for i in range(len(source))]
    assert depths == [False, False, True, True]
    config = settings('data.options.validate=[nothing]')
    with pytest.raises(ConfigError, match='validate names nothing'):
        pose_source(config.data, model_of(config), 'val')


def test_clips_of_films_have_our_names(settings):
    config = settings()
    source = clip_source(config.data, model_of(config), 'train')
    names = {PEOPLE_ACTIONS[int(source[i]['action'])] for i in range(len(source))}
    assert len(source) == 6
    assert names & {'wave', OTHER}  # of the two training films with labels
    assert len(names) > 1


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ('mix.actor.count=0', 'needs `count`'),
        ('mix.actor.speed=1', 'data.options.mix.actor has no speed'),
        ('mix.actor.framing={zoom: 1}', 'its keys are'),
        ('mix.coco.windows=full', "windows is 'full'"),
        ('mix.lsp.labels=x', 'data.options.mix.lsp has no labels'),
        ('clips.films.classes={run: fly}', "actions ['fly']"),
    ],
)
def test_settings_that_do_not_fit(settings, change, message):
    config = settings(f'data.options.{change}')
    source = clip_source if change.startswith('clips') else pose_source
    with pytest.raises(ConfigError) as caught:
        source(config.data, model_of(config), 'train')
    assert message in str(caught.value)
