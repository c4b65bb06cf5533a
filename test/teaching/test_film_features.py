"""What training sees of a film is what the node will see of it."""

import numpy as np
import pytest
import torch

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.data.film_folder import read_film_folder
from pose_action_ros.inference import PoseActionStream
from pose_action_ros.models.finder import FinderConfig, PersonFinder, open_finder, save_finder
from pose_action_ros.runtime import Engine
from pose_action_ros.runtime.finder_engine import FinderEngine
from pose_action_ros.teaching import film_features
from pose_action_ros.teaching.film_clips import clip_at, clip_ends, clip_tensors
from pose_action_ros.teaching.film_features import FeatureFiles, Watcher

_INPUTS = ('clip_joints', 'probability', 'joint_features')


@pytest.fixture
def film(two_kinds):
    return read_film_folder(two_kinds).films[0]


def test_windows_and_scores_are_those_of_the_stream(tiny_net, film):
    seen = Watcher(tiny_net, 'cpu', 1, backend='torch').watch(film.frames())
    stream = PoseActionStream(Engine(tiny_net, 'cpu', 1, backend='torch', precision='float32'))
    frames = [stream.process(image, round(t * 1e9)) for t, image in film.frames()]
    assert len(seen) == seen.shown == len(frames) == 16
    boxes = [(p.box.center_x, p.box.center_y, p.box.size) for f in frames for p in f.persons]
    np.testing.assert_allclose(seen.windows, boxes, rtol=1e-4, atol=1e-3)
    valid = [i for i, frame in enumerate(frames) if frame.persons[0].action.valid]
    assert clip_ends(seen, tiny_net.config) == valid
    assert 3 in valid
    for end in valid:
        clip = clip_tensors(clip_at(seen, end, tiny_net.config))
        scores = tiny_net.forward_actions(*(clip[name][None] for name in _INPUTS)).actions
        expected = frames[end].persons[0].action.scores
        np.testing.assert_allclose(scores[0].detach().numpy(), expected, atol=2e-3)


def test_given_boxes_are_the_windows(tiny_net, film):
    boxes = {0: (0.0, 0.0, 20.0, 40.0), 10: (30.0, 0.0, 50.0, 40.0)}
    watcher = Watcher(tiny_net, 'cpu', 1, backend='torch')
    seen = watcher.watch(film.frames(), boxes)
    expected = [(10.0, 20.0, 40.0)] * 6 + [(40.0, 20.0, 40.0)] * 10
    np.testing.assert_allclose(seen.windows, expected)
    mirrored = watcher.watch(film.frames(), boxes, mirrored=True)
    np.testing.assert_allclose(mirrored.windows[:, 0], [54.0] * 6 + [24.0] * 10)
    assert not np.array_equal(mirrored.joint_features, seen.joint_features)


def test_a_film_is_watched_once(tiny_net, film, tmp_path, monkeypatch, write_film):
    watched = []
    original = Watcher.watch

    def watch(self, *args, **options):
        watched.append(options)
        return original(self, *args, **options)

    monkeypatch.setattr(film_features.Watcher, 'watch', watch)

    def features(**options):
        files = FeatureFiles(tmp_path / 'features', tiny_net, device='cpu', threads=1)
        return files.features(film, **options)

    first = features()
    again = features()
    assert len(watched) == 1
    for name, value in vars(first).items():
        np.testing.assert_array_equal(getattr(again, name), value)
    features(mirrored=True)
    features(boxes={0: (0.0, 0.0, 20.0, 40.0)})
    assert len(watched) == 3
    for path in (tmp_path / 'features').iterdir():
        path.write_bytes(path.read_bytes()[:100])
    features()
    assert len(watched) == 4
    write_film(film.path, 100, frames=9)
    assert len(features()) == 9
    with torch.no_grad():
        next(tiny_net.pose_net.parameters()).mul_(1.1)
    features()
    assert len(watched) == 6


def test_a_finder_finds_people_as_the_node_does(tiny_net, film, tmp_path):
    torch.manual_seed(0)
    path = tmp_path / 'finder.safetensors'
    small = FinderConfig(features=16, eighth=8, sixteenth=8, long_px=64, short_px=32)
    save_finder(PersonFinder(small).eval(), path, {'source': 'a test'})
    options = {'device': 'cpu', 'threads': 1}
    for finder in ('', str(path)):
        FeatureFiles(tmp_path / 'seen', tiny_net, finder=finder, **options).features(film)
    assert len(list((tmp_path / 'seen').iterdir())) == 2
    seen = Watcher(tiny_net, 'cpu', 1, finder=str(path), backend='torch').watch(film.frames())
    stream = PoseActionStream(
        Engine(tiny_net, 'cpu', 1, backend='torch', precision='float32'),
        finder=FinderEngine(open_finder(path), 'cpu', 1, backend='torch'),
    )
    frames = [stream.process(image, round(t * 1e9)).persons for t, image in film.frames()]
    boxes = {(p.box.center_x, p.box.center_y, p.box.size) for people in frames for p in people}
    assert len(seen) == sum(bool(people) for people in frames)
    for window in seen.windows:
        assert np.abs(np.array(list(boxes)) - window).max(axis=1).min() < 0.1


def test_a_damaged_film_is_named(tiny_net, film, tmp_path):
    film.path.write_text('no film')
    files = FeatureFiles(tmp_path / 'features', tiny_net, device='cpu', threads=1)
    with pytest.raises(DatasetError, match=r'bright/bright_0\.avi: .* cannot be read as a video'):
        files.features(film)
    assert not list((tmp_path).glob('features/*'))


def test_of_several_people_the_one_who_is_seen_most_counts():
    def row(time_s, track, side):
        return (time_s, track, (0.0, 0.0, side))

    rows = [
        row(0.0, 1, 9.0),
        row(0.0, 2, 5.0),
        row(0.1, 2, 5.0),
        row(0.2, 3, 4.0),
        row(0.2, 4, 8.0),
    ]
    kept = film_features._main_person(rows)
    assert [(time_s, track) for time_s, track, _ in kept] == [(0.0, 2), (0.1, 2), (0.2, 4)]
