"""Light, saturation, sharpness and covered parts of a crop."""

import numpy as np
import pytest
import torch

from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.data.simulated import SimulatedPoses
from pose_action_ros.training.appearance import Appearance
from pose_action_ros.training.augmentation import Augmentation


@pytest.fixture(scope='module')
def frames():
    """(2, 256, 256, 3) two frames of people."""
    data = SimulatedPoses('val', 2)
    crops = [data[i]['crop'].permute(1, 2, 0).numpy() for i in range(2)]
    return np.ascontiguousarray(np.stack(crops))


def draws(frames, count=40, **settings):
    appearance = Appearance(**settings)
    return [appearance.apply(frames, np.random.default_rng(seed)) for seed in range(count)]


def test_nothing_is_changed_by_default(frames):
    assert not Appearance().changes
    assert np.abs(draws(frames, 1)[0].astype(int) - frames).max() <= 1


def test_light_changes_the_mean_both_ways(frames):
    means = [changed.mean() - frames.mean() for changed in draws(frames, light=0.4)]
    assert min(means) < -15 < 15 < max(means)


def test_saturation_keeps_the_luma_and_sometimes_all_colour_goes(frames):
    found = draws(frames, saturation=0.5)
    luma = np.array([0.299, 0.587, 0.114])
    spread = [np.ptp(f.astype(int), axis=-1).mean() for f in found]
    assert min(spread) < 1.5
    assert max(spread) > np.ptp(frames.astype(int), axis=-1).mean()
    for changed in found[:5]:
        assert np.abs(changed @ luma - frames @ luma).mean() < 3


def test_blur_takes_detail_away(frames):
    def detail(images):
        return np.abs(np.diff(images.astype(int), axis=2)).mean()

    found = [detail(changed) for changed in draws(frames, blur=1.0)]
    assert max(found) < detail(frames)


def test_covered_parts_are_rectangles_of_one_colour(frames):
    differs = [(c != frames).any(-1) for c in draws(frames, covered=1.0)]
    assert all(0.003 < d.mean() < 0.4 for d in differs)
    assert all((d[0] == d[1]).mean() > 0.97 for d in differs)  # the same places in each frame


def test_shares_are_kept(frames):
    changed = [(c != frames).any() for c in draws(frames, 200, covered=0.25)]
    assert 0.15 < np.mean(changed) < 0.36


def test_a_generator_decides(frames):
    settings = {'light': 0.3, 'saturation': 0.4, 'blur': 0.5, 'covered': 0.5}
    one, other = draws(frames, 3, **settings), draws(frames, 3, **settings)
    assert all((a == b).all() for a, b in zip(one, other, strict=True))
    assert (one[0] != one[1]).any()


def test_augmentation_applies_it_to_crops_and_clips():
    sample = SimulatedPoses('val', 1)[0]
    clip = {name: torch.stack([value, value]) for name, value in sample.items()}
    augmentation = Augmentation(PA17J, colour_power=0.0, appearance=Appearance(light=0.5))
    plain = Augmentation(PA17J, colour_power=0.0)
    for one in (sample, clip):
        before = one['crop'].clone()
        changed = augmentation(one, np.random.default_rng(3))
        expected = plain(one, np.random.default_rng(3))
        assert changed['crop'].shape == before.shape
        assert changed['crop'].dtype == torch.uint8
        assert (changed['crop'] != expected['crop']).any()
        assert torch.equal(changed['joints_crop'], expected['joints_crop'])
        assert torch.equal(one['crop'], before)


def test_contrast_turns_about_the_middle_grey():
    greys = np.full((1, 32, 32, 3), 100, np.uint8)
    greys[:, ::2] = 155
    shifts = [changed.mean() - 127.5 for changed in draws(greys, 100, light=0.4)]
    assert 40 < max(np.abs(shifts)) < 0.4 * 127.5 + 1  # brightness alone
