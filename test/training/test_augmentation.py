"""Augmentation: joints, matrices and names follow the picture."""

import numpy as np
import pytest
import torch

from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.training.augmentation import Augmentation

SIDE = 256
POINTS = np.array([[0.5, 0.5], [0.25, 0.4], [0.7, 0.3], [0.45, 0.8]])


def dots(leading=(), shown=(0, 1, 2, 3)):
    """A crop with a bright 5 x 5 dot at each of the first joints; pixel centre (i + 0.5) / 256."""
    crop = np.zeros((3, SIDE, SIDE), np.uint8)
    joints = np.full((17, 3), np.nan, np.float32)
    for j, (x, y) in enumerate(POINTS):
        column, row = int(x * SIDE), int(y * SIDE)
        if j in shown:
            crop[:, row - 2 : row + 3, column - 2 : column + 3] = 60 + 60 * j
        joints[j] = ((column + 0.5) / SIDE, (row + 0.5) / SIDE, 0.5 + 0.01 * j)
    visibility = np.where(np.isnan(joints[:, 0]), np.nan, 1.0).astype(np.float32)
    camera = np.arange(51, dtype=np.float32).reshape(17, 3)
    sample = {
        'crop': crop,
        'joints_crop': joints,
        'visibility': visibility,
        'image_to_crop': np.diag([1 / 500, 1 / 500, 1.0]),
        'joints_camera_m': camera,
    }
    return {
        name: torch.from_numpy(np.broadcast_to(value, (*leading, *value.shape)).copy())
        for name, value in sample.items()
    }


def centre_of_dot(crop):
    level = crop[0].numpy().astype(float)
    rows, columns = np.indices(level.shape) + 0.5
    return np.array([(columns * level).sum(), (rows * level).sum()]) / level.sum() / SIDE


def augment(sample, seed, **settings):
    return Augmentation(PA17J, **settings)(sample, np.random.default_rng(seed))


@pytest.mark.parametrize('seed', range(4))
def test_joints_stay_on_the_picture_when_it_turns_and_grows(seed):
    for j in range(4):
        out = augment(dots(shown=[j]), seed, flip=False, colour_power=0.0, zoom=0.2, turn_deg=30)
        found = centre_of_dot(out['crop'])
        np.testing.assert_allclose(out['joints_crop'][j, :2], found, atol=0.1 / SIDE)
    # The matrix maps the same source pixel to the joint's new place.
    source = np.append(500 * dots()['joints_crop'][3, :2].numpy().astype(float), 1)
    mapped = out['image_to_crop'].numpy() @ source
    np.testing.assert_allclose(mapped[:2], out['joints_crop'][3, :2], atol=1e-6)
    assert out['joints_crop'][3, 2] == pytest.approx(0.53)


def seed_that_mirrors(wanted):
    return next(s for s in range(20) if (np.random.default_rng(s).random() < 0.5) == wanted)


def test_mirror_swaps_names_and_keeps_places():
    sample = dots()
    out = augment(sample, seed_that_mirrors(True), colour_power=0.0)
    assert torch.equal(out['crop'], sample['crop'].flip(-1))
    for j, source in enumerate(PA17J.flip):
        torch.testing.assert_close(
            out['joints_crop'][j, 0], 1 - sample['joints_crop'][source, 0], equal_nan=True
        )
        assert torch.equal(out['joints_camera_m'][j], sample['joints_camera_m'][source])
    assert (out['image_to_crop'] @ torch.tensor([0.0, 0.0, 1.0]).double()).tolist() == [1, 0, 1]
    left = augment(sample, seed_that_mirrors(False), colour_power=0.0)
    assert torch.equal(left['crop'], sample['crop'])


def test_mirror_swaps_what_is_seen_with_the_names():
    sample = dots()
    left, right = PA17J.index('left_wrist'), PA17J.index('right_wrist')
    sample['visibility'][left], sample['visibility'][right] = 1.0, 0.0
    out = augment(sample, seed_that_mirrors(True), colour_power=0.0)
    assert (out['visibility'][left], out['visibility'][right]) == (0.0, 1.0)
    assert (sample['visibility'][left], sample['visibility'][right]) == (1.0, 0.0)


def test_what_leaves_the_crop_is_unknown_and_not_visible():
    sample = dots()
    sample['joints_crop'][4] = torch.tensor([0.99, 0.99, 0.5])
    sample['visibility'][4] = 1
    out = next(
        augment(sample, s, flip=False, colour_power=0.0, zoom=0.3)
        for s in range(50)
        if np.random.default_rng(s).random(5)[4] > 0.7  # the fifth draw is the zoom
    )
    assert out['joints_crop'][4].isnan().all()
    assert out['visibility'][4] == 0
    assert out['visibility'][0] == 1
    assert out['visibility'][9].isnan()  # not annotated before, unknown after


def test_colours_change_per_channel_and_the_sample_is_left_alone():
    sample = dots()
    before = {name: value.clone() for name, value in sample.items()}
    out = augment(sample, 5, flip=False, colour_power=0.3)
    levels = out['crop'][:, int(0.8 * SIDE), int(0.45 * SIDE)]
    assert len(set(levels.tolist())) == 3
    assert all(abs(int(level) - 240) < 25 for level in levels)
    for name, value in before.items():
        torch.testing.assert_close(sample[name], value, equal_nan=True)


def test_frames_of_a_clip_change_alike():
    one = augment(dots(), 2, zoom=0.2, turn_deg=20)
    clip = augment(dots((3,)), 2, zoom=0.2, turn_deg=20)
    for name, value in one.items():
        for frame in range(3):
            torch.testing.assert_close(clip[name][frame], value, equal_nan=True)


def test_nothing_is_mirrored_where_sides_matter():
    for seed in range(8):
        assert not augment({'joints_crop': torch.zeros(17, 3)}, seed, flip=False)['look'].mirrored
