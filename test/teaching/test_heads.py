"""What a taught network begins with, and what of its training is kept."""

import pytest
import torch

from pose_action_ros.models import MultitaskNet
from pose_action_ros.teaching import heads
from pose_action_ros.teaching.heads import new_network, steps_of

ACTIONS = ('come', 'go', 'stop')


@pytest.fixture
def base(tiny_net):
    return tiny_net


def test_branches_begin_with_those_of_the_weights_as_far_as_shapes_fit(base, quick):
    net = new_network(base, 'mine', ACTIONS, quick())
    stem = 'pose_action_branch.over_time.conv.weight'
    own, given = net.state_dict(), base.state_dict()
    torch.testing.assert_close(own[stem], given[stem], rtol=0, atol=0)
    maps = 'pose_action_branch.blocks.0.to_maps.conv.weight'
    assert own[maps].shape[0] == len(ACTIONS) != given[maps].shape[0]


def test_fresh_branches_do_not_and_keep_the_pose_network(base, quick):
    net = new_network(base, 'mine', ACTIONS, quick(fresh=True))
    own, given = net.state_dict(), base.state_dict()
    for name, value in given.items():
        if name.startswith('pose_net.'):
            torch.testing.assert_close(own[name], value, rtol=0, atol=0)
    stem = 'pose_action_branch.over_time.conv.weight'
    assert not torch.equal(own[stem], given[stem])


def test_the_seed_decides_what_is_fresh(base, quick):
    first, again, other = (
        new_network(base, 'mine', ACTIONS, quick(seed=seed)).state_dict() for seed in (1, 1, 2)
    )
    maps = 'pose_action_branch.blocks.0.to_maps.conv.weight'
    assert torch.equal(first[maps], again[maps])
    assert not torch.equal(first[maps], other[maps])


def test_a_clip_covers_the_seconds_that_are_asked_for(base, quick):
    def period_s(**changes):
        return new_network(base, 'mine', ACTIONS, quick(**changes)).config.clip_period_s

    assert period_s() == base.config.clip_period_s
    assert period_s(clip_seconds=2.0) == pytest.approx(2.0 / (base.config.clip_frames - 1))


def test_few_films_are_looked_at_often(quick):
    settings = quick(visits=2, batch_size=4)
    assert steps_of(settings, 300) == 150
    assert steps_of(settings, 5) == steps_of(settings, 1) >= 10


def test_the_averaged_weights_are_kept(two_kinds, tmp_path, quick, monkeypatch, tiny_net):
    from pose_action_ros.data.film_folder import read_film_folder
    from pose_action_ros.teaching.film_clips import FilmViews
    from pose_action_ros.teaching.film_features import FeatureFiles

    folder = read_film_folder(two_kinds)
    files = FeatureFiles(tmp_path / 'features', tiny_net, device='cpu', threads=1)
    films = [FilmViews((files.features(folder.films[n]),), n % 2) for n in (0, 6)]
    kept = {}
    original = heads.best_weights

    def best(state):
        kept.update({name: value.clone() for name, value in state.items()})
        return original(state)

    monkeypatch.setattr(heads, 'best_weights', best)
    net = new_network(tiny_net, 'mine', ACTIONS[:2], quick())
    heads.train_heads(net, films, films, quick(epochs=1), tmp_path / 'run')
    assert isinstance(net, MultitaskNet)
    name = 'pose_action_branch.blocks.0.to_maps.conv.weight'
    averaged, last = kept[f'average.{name}'], kept[f'net.{name}']
    assert not torch.equal(averaged, last)
    torch.testing.assert_close(net.state_dict()[name], averaged, rtol=0, atol=0)
    assert not net.training
