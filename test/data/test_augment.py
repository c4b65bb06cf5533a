"""Variations: ranges, and that joints, depth and matrices follow the image exactly."""

import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.data.augment import (
    PAPER,
    RELEASED,
    Extent,
    Framing,
    Ranges,
    Variation,
    chosen_ranges,
    varied_window,
)
from pose_action_ros.data.human36m import Human36m
from pose_action_ros.data.recorded import RecordedPoses, as_pose_sample, cut


def draws(ranges, count=400):
    rng = np.random.default_rng(0)
    return [ranges.draw(rng) for _ in range(count)]


def test_the_papers_ranges_are_reached_and_kept():
    found = draws(PAPER)
    for name, low, high in (
        ('angle_deg', -45, 45),
        ('scale', 0.7, 1.3),
        ('shift_x', -40, 40),
        ('shift_y', -40, 40),
    ):
        values = [getattr(variation, name) for variation in found]
        assert low <= min(values) < low + 0.02 * (high - low)
        assert high - 0.02 * (high - low) < max(values) <= high
    assert {variation.stride for variation in found} == {1, 2, 3}


@pytest.mark.parametrize(
    ('name', 'angles', 'scales', 'shift_x', 'shift_y', 'strides'),
    [
        ('mpii', 40, {0.7, 1.0, 1.3}, 0, 0, {1}),
        ('h36m', 10, {0.8, 1.0, 1.2}, 0, 0, {1}),
        ('penn_action_poses', 30, {0.7, 1.0, 1.3, 2.5}, 40, 40, {1, 2}),
        ('penn_action_clips', 30, {0.7, 1.0, 1.3}, 40, 40, {1, 2, 3}),
        ('ntu_poses', 15, {0.8, 1.0, 1.2, 2.0}, 40, 10, {1, 2, 4}),
        ('ntu_clips', 0, {0.7, 1.0, 1.3}, 40, 40, {1, 2, 3}),
    ],
)
def test_released_lists(name, angles, scales, shift_x, shift_y, strides):
    found = draws(RELEASED[name], 1000)
    assert {v.scale for v in found} == scales
    assert {v.stride for v in found} == strides
    for field, limit in (('angle_deg', angles), ('shift_x', shift_x), ('shift_y', shift_y)):
        assert {getattr(v, field) for v in found} == set(range(-limit, limit + 1, 5))


def test_ranges_by_name():
    assert chosen_ranges('paper', 'ntu', 'clips') is PAPER
    assert chosen_ranges('released', 'ntu', 'clips') is RELEASED['ntu_clips']
    assert chosen_ranges('released', 'mpii', 'poses') is RELEASED['mpii']
    assert chosen_ranges('none', 'mpii', 'poses') is None
    with pytest.raises(ConfigError, match='expected paper, released or none'):
        chosen_ranges('strong', 'mpii', 'poses')


def test_ranges_of_ones_own():
    found = chosen_ranges({'angles_deg': [-5, 5], 'uniform': True}, 'h36m', 'poses')
    assert found == Ranges(angles_deg=(-5, 5), uniform=True)
    assert (
        chosen_ranges({'strides': [2]}, 'ntu', 'clips').draw(np.random.default_rng(0)).stride == 2
    )


@pytest.mark.parametrize(
    'values',
    [
        {'angle': [1]},
        {'angles_deg': 5},
        {'angles_deg': []},
        {'angles_deg': ['a']},
        {'uniform': [1]},
        {'scales': True},
        {'scales': [0.0, 1.0]},
        {'strides': [0]},
    ],
)
def test_ranges_that_are_none(values):
    with pytest.raises(ConfigError, match='found augmentation'):
        chosen_ranges(values, 'h36m', 'poses')


@pytest.mark.parametrize(
    'ranges',
    [
        PAPER,
        *RELEASED.values(),
        Framing(),
        Framing(far=0.3, far_scale=(1.3, 4.0)),
        Framing(near=0.5),
    ],
)
def test_no_window_leaves_the_region_of_the_extent(ranges):
    box, shift_px = PersonBox(300.0, 200.0, 120.0), 0.7
    region = ranges.extent.region(box, shift_px)
    low, high = region.center_x - region.size / 2, region.center_x + region.size / 2
    furthest = 0.0
    for variation in draws(ranges, 1000):
        window = varied_window(box, variation, shift_px)
        corners = window.to_image([(0, 0), (1, 0), (1, 1), (0, 1)])
        assert low - 1e-6 <= corners[:, 0].min()
        assert corners[:, 0].max() <= high + 1e-6
        furthest = max(furthest, float(np.abs(corners - (300.0, 200.0)).max()))
        assert ranges.extent.smallest - 1e-9 <= variation.scale <= ranges.extent.largest + 1e-9
    assert furthest > 0.7 * region.size / 2


def test_extents_hold_and_join_one_another():
    wide, narrow = Extent(30.0, 0.7, 2.5, 40.0), Extent(10.0, 0.8, 1.2)
    assert wide.holds(narrow)
    assert wide.holds(wide)
    for name, value in (('angle_deg', 31.0), ('smallest', 0.6), ('largest', 2.6), ('shift', 41.0)):
        assert not wide.holds(Extent(**{**vars(wide), name: value})), name
    assert not wide.holds(Extent(shift=1.0, in_crop_px=True))
    assert wide.holds(Extent(in_crop_px=True))
    assert narrow.joined(wide) == wide == wide.joined(narrow)
    with pytest.raises(ConfigError, match='a cache for each'):
        wide.joined(PAPER.extent)


def test_the_papers_shifts_are_pixels_of_the_crop():
    window = varied_window(PersonBox(0, 0, 512), Variation(shift_x=40.0, in_crop_px=True), 9.0)
    np.testing.assert_allclose(window.to_crop([[80.0, 0.0]]), [[0.5, 0.5]])
    assert all(variation.in_crop_px for variation in draws(PAPER, 3))


def test_a_window_by_hand():
    """Shift 10 at 2 pixels a unit and scale 1.5 is 30 pixels; a quarter turn counter-clockwise."""
    window = varied_window(PersonBox(100, 50, 40), Variation(90.0, 1.5, 10.0, -10.0), 2.0)
    np.testing.assert_allclose(window.to_crop([[130.0, 20.0]]), [[0.5, 0.5]])
    # What lies to the right of the centre goes to the top.
    np.testing.assert_allclose(window.to_crop([[130.0 + 30.0, 20.0]]), [[0.5, 0.0]], atol=1e-12)
    assert varied_window(PersonBox(0, 0, 10), Variation()).size_px == pytest.approx(32.0)


@pytest.mark.parametrize(
    'variation',
    [
        Variation(),
        Variation(angle_deg=33.0),
        Variation(scale=0.8, shift_x=12.0, shift_y=-9.0),
        Variation(-20.0, 1.3, -30.0, 25.0),
    ],
)
def test_everything_follows_the_image(h36m_released, dots, variation):
    library = Human36m(h36m_released, 'test', PA17J)
    track, images = library.track(1, [2]), library.images(1, [2])
    fields = cut(track, images, PA17J, variation)
    sample = as_pose_sample(fields)
    seen = dots(sample, PA17J)
    assert seen == int(sample['visibility'].sum()) >= 12
    # Back through the matrix, the depth and the intrinsics: the joints in space.
    joints = sample['joints_crop'].double().numpy()
    back = np.linalg.inv(sample['image_to_crop'].numpy())
    pixels = joints[:, :2] @ back[:2, :2].T + back[:2, 2]
    valid = np.isfinite(joints).all(1)
    np.testing.assert_allclose(pixels[valid], track.joints_image_px[0][valid], atol=1e-3)
    depth = track.depth_m[0, 0] + 2.0 * variation.scale * (joints[:, 2] - 0.5)
    np.testing.assert_allclose(depth[valid], track.joints_camera_m[0][valid, 2], atol=1e-5)


def test_what_leaves_the_crop_is_unseen(h36m_released):
    library = Human36m(h36m_released, 'test', PA17J)
    fields = cut(library.track(0, [0]), library.images(0, [0]), PA17J, Variation(shift_x=10_000.0))
    assert fields['visibility'].sum() == 0
    assert fields['joints_crop'].isnan().all()
    assert not fields['crop'].any()


def test_varied_samples_are_the_generators(h36m_released):
    samples = RecordedPoses(Human36m(h36m_released, 'train', PA17J), PAPER)
    one, same, other = (samples.varied(3, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (one['crop'] == same['crop']).all()
    assert not (one['image_to_crop'] == other['image_to_crop']).all()
    tidy = RecordedPoses(samples.library)
    assert (tidy.varied(3, np.random.default_rng(1))['crop'] == samples[3]['crop']).all()
    with pytest.raises(IndexError):
        samples[8]


def test_framing_is_reached_and_kept():
    near = draws(Framing(scale=(0.8, 1.25), shift=0.1, angle_deg=10.0))
    assert 0.8 <= min(v.scale for v in near) < 0.82
    assert 1.22 < max(v.scale for v in near) <= 1.25
    assert 0.095 * 256 < max(abs(v.shift_x) for v in near) <= 25.6
    assert 20.0 < max(abs(v.angle_deg) for v in near) <= 25.0
    assert {v.stride for v in near} == {0}  # the data set's own
    far = draws(Framing(far=0.25, far_scale=(2.0, 4.0), far_shift=0.4))
    distant = [v for v in far if v.scale >= 2.0]
    assert 0.18 < len(distant) / len(far) < 0.32
    assert max(v.scale for v in distant) > 3.8
    assert 0.08 * 256 < max(abs(v.shift_x) for v in distant) <= 0.4 * 256
    near = draws(Framing(scale=(0.8, 1.2), near=0.25, near_scale=(0.4, 0.7), near_shift=0.4))
    parts = [v for v in near if v.scale <= 0.7]
    assert 0.18 < len(parts) / len(near) < 0.32
    assert min(v.scale for v in parts) < 0.43
    assert 0.35 * 256 < max(abs(v.shift_x) for v in parts) <= 0.4 * 256


def test_a_share_of_people_is_cut_off():
    found = [v.visible for v in draws(Framing(cut_off=0.25, cut_off_at=(0.3, 0.8)))]
    cut_off = [visible for visible in found if visible < 1.0]
    assert 0.18 < len(cut_off) / len(found) < 0.32
    assert 0.3 <= min(cut_off) < 0.33
    assert 0.77 < max(cut_off) <= 0.8
    assert {v.visible for v in draws(Framing())} == {1.0}


def test_a_picture_that_ends_within_the_person(h36m_released):
    library = Human36m(h36m_released, 'test', PA17J)
    track, images = library.track(0, [0]), library.images(0, [0])
    whole = cut(track, images, PA17J)
    half = cut(track, images, PA17J, Variation(visible=0.5))
    rows = track.joints_image_px[0, :, 1]
    above = rows < rows.min() + 0.5 * (rows.max() - rows.min())
    assert 5 <= above.sum() < len(rows)
    seen = half['visibility'][0].numpy()
    assert (seen[above] == 1.0).all()
    assert (seen[~above] == 0.0).all()
    assert half['joints_crop'][0, ~above].isnan().all()
    # The window is that of the upper part, in which the person is larger, in depth as well.
    extents = [np.ptp(x['joints_crop'][0, above].numpy(), axis=0) for x in (whole, half)]
    larger = extents[1] / extents[0]
    assert larger.min() > 1.2
    np.testing.assert_allclose(larger, larger[1], rtol=0.02)
    # Below the cut there is no picture.
    lowest = float(half['joints_crop'][0, above, 1].max())
    height = half['crop'].shape[-2]
    assert not half['crop'][0, :, int(height * (lowest + 0.25)) :].any()
    few = cut(track, images, PA17J, Variation(visible=0.01))  # too little to learn from
    assert (few['crop'] == whole['crop']).all()
