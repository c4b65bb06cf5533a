"""Clips that are drawn from films: which moments, which people, how they vary."""

import numpy as np
import pytest
import torch

from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.geometry import crop_transform
from pose_action_ros.models import ModelConfig
from pose_action_ros.teaching.film_clips import (
    DrawnClip,
    FilmViews,
    TaughtFilms,
    clip_at,
    clip_ends,
)
from pose_action_ros.teaching.film_features import FilmFeatures
from pose_action_ros.teaching.settings import TeachSettings

RATE_HZ = 15.0
CONFIG = ModelConfig.preset('compact', clip_frames=4, clip_period_s=1 / RATE_HZ)
STILL = {'speed': 0.0, 'shift': 0.0, 'scale': 0.0, 'hidden': 0.0}


def film(frames=12, tracks=None, sign=1.0):
    """A film whose joint features are the frame's number, with a sign."""
    numbers = np.arange(frames, dtype=np.float32)
    joints = np.zeros((frames, 17, 3), np.float32)
    joints[..., 0] = 30.0 + numbers[:, None]
    joints[..., 1] = 40.0 + np.arange(17)
    return FilmFeatures(
        times_s=numbers / RATE_HZ,
        tracks=np.ones(frames, np.int64) if tracks is None else np.array(tracks),
        windows=np.tile([50.0, 50.0, 100.0], (frames, 1)),
        joints_image=joints,
        probability=np.ones((frames, 17), np.float32),
        joint_features=(sign * numbers[:, None, None] * np.ones((1, 17, 8))).astype(np.float16),
        shown=frames,
        last_s=float(numbers[-1]) / RATE_HZ,
    )


def frames_of(clip):
    """Numbers of the frames that a drawn clip is made of."""
    return clip['joint_features'][:, 0, 0].tolist()


def drawn(views, count, **changes):
    settings = TeachSettings(**{**STILL, **changes})
    draw = DrawnClip(CONFIG, settings)
    return [draw(FilmViews(views, 3), np.random.default_rng(n)) for n in range(count)]


def test_a_clip_ends_where_a_person_was_followed_for_its_length():
    assert clip_ends(film(6), CONFIG) == [3, 4, 5]
    assert clip_ends(film(8, [1, 1, 1, 2, 2, 2, 2, 2]), CONFIG) == [6, 7]
    assert clip_ends(film(2), CONFIG) == [1]  # too short: its last frame


def test_a_clip_shows_one_person():
    seen = film(8, [1, 1, 1, 2, 2, 2, 2, 2])
    assert clip_at(seen, 4, CONFIG).joint_features[:, 0, 0].tolist() == [3, 3, 3, 4]
    assert clip_at(seen, 7, CONFIG).joint_features[:, 0, 0].tolist() == [4, 5, 6, 7]


def test_clips_end_all_along_the_film():
    clips = drawn((film(),), 60)
    assert {frames_of(clip)[-1] for clip in clips} == set(range(3, 12))
    assert all(frames_of(c) == [frames_of(c)[-1] - back for back in (3, 2, 1, 0)] for c in clips)
    assert all(int(clip['action']) == 3 for clip in clips)


def test_mirrored_films_are_drawn_as_often():
    clips = drawn((film(), film(sign=-1.0)), 200)
    assert 60 < sum(frames_of(clip)[-1] < 0 for clip in clips) < 140


def test_clips_are_drawn_faster_and_slower():
    spans = {frames_of(c)[-1] - frames_of(c)[0] for c in drawn((film(),), 60, speed=0.5)}
    assert min(spans) < 3 < max(spans)


def test_joints_are_shifted_and_scaled_about_the_middle_of_the_window():
    box = crop_transform(PersonBox(50.0, 50.0, 100.0))
    plain = torch.from_numpy(box.to_crop(film().joints_image[11]).astype(np.float32))[:, 1]
    factors = []
    for clip in drawn((film(),), 40, scale=0.3):
        y = clip['clip_joints'][-1, :, 1]
        factor = (y[-1] - y[0]) / (plain[-1] - plain[0])
        torch.testing.assert_close(y, 0.5 + factor * (plain - 0.5))
        factors.append(float(factor))
    assert 0.7 <= min(factors) < 0.85
    assert 1.15 < max(factors) <= 1.3
    moved = [
        float((c['clip_joints'][-1, :, 1] - plain).mean()) for c in drawn((film(),), 40, shift=0.2)
    ]
    assert -0.2 <= min(moved) < -0.1
    assert 0.1 < max(moved) <= 0.2


def test_hidden_joints_have_neither_probability_nor_features():
    clips = drawn((film(),), 40, hidden=0.5)
    shown = torch.stack([clip['probability'] for clip in clips]) > 0
    features = torch.stack([clip['joint_features'] for clip in clips])
    assert (shown == shown[:, :1]).all()  # for the whole clip
    assert 0.4 < shown.float().mean() < 0.6
    assert not features[~shown].any()
    assert features[shown][1:].any()


@pytest.mark.parametrize(('per_class', 'expected'), [(0, 3), (2, 2)])
def test_every_class_comes_equally_often(per_class, expected):
    films = [FilmViews((film(),), action) for action in (0, 0, 0, 4)]
    drawn_films = TaughtFilms(films, per_class)
    actions = [drawn_films[i].action for i in range(len(drawn_films))]
    assert sorted(actions) == [0] * expected + [4] * expected
