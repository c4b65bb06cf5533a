"""The fast cache: the same samples as from the originals, resumed, in settings and commands."""

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from pose_action_ros.cli.data import data_app
from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.data.augment import (
    PAPER,
    RELEASED,
    Framing,
    Variation,
    chosen_ranges,
)
from pose_action_ros.data.opening import open_library, reader_named
from pose_action_ros.data.prepared import (
    is_prepared,
    prepare_recording,
    require_extent,
    start_cache,
)
from pose_action_ros.data.recorded import RecordedClips, RecordedPoses, cut

app = typer.Typer()
app.add_typer(data_app, name='data')
ROOTS = {
    'mpii': 'mpii_official',
    'h36m': 'h36m_released',
    'penn_action': 'penn_released',
    'ntu': 'ntu_official',
}


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def both(name, root, cache, split='train'):
    """The split from the originals and from the cache."""
    skeleton = get_skeleton(reader_named(name).layout)
    original = open_library(name, root, split, skeleton)
    return original, open_library(name, root, split, skeleton, prepared=cache)


@pytest.mark.parametrize('name', ROOTS)
def test_samples_are_those_of_the_originals(request, tmp_path, name):
    root = request.getfixturevalue(ROOTS[name])
    result = invoke('data', 'prepare', name, root, tmp_path / 'cache', '--quiet')
    assert result.exit_code == 0
    original, cached = both(name, root, tmp_path / 'cache')
    assert (len(cached), cached.name, cached.every) == (len(original), name, original.every)
    poses = RecordedPoses(original), RecordedPoses(cached)
    index = len(poses[0]) - 1
    one, other = (samples[index] for samples in poses)
    assert np.abs(one['crop'].numpy().astype(int) - other['crop'].numpy()).mean() < 4
    for key in ('joints_crop', 'visibility', 'joints_camera_m'):
        np.testing.assert_allclose(other[key], one[key], atol=1e-5)
    # The same place of the original under another matrix: rays through it agree.
    point = np.array([0.3, 0.6, 1.0])
    for sample in (one, other):
        pixel = np.linalg.inv(sample['image_to_crop'].numpy()) @ point
        fx, fy, cx, cy = sample['intrinsics'].numpy()
        sample['ray'] = (pixel[:2] - (cx, cy)) / (fx, fy)
    np.testing.assert_allclose(other['ray'], one['ray'], atol=1e-4)
    variation = Variation(20.0, 0.8, 12.0, -8.0)
    joints = [
        cut(lib.track(0, [0]), lib.images(0, [0]), lib.skeleton, variation)['joints_crop']
        for lib in (original, cached)
    ]
    np.testing.assert_allclose(joints[1], joints[0], atol=1e-5)


def test_clips_come_from_the_cache_too(penn_released, tmp_path, dots):
    invoke('data', 'prepare', 'penn_action', penn_released, tmp_path, '--quiet')
    original, cached = both('penn_action', penn_released, tmp_path, 'test')
    clip = RecordedClips(cached, 8)[1]
    np.testing.assert_allclose(
        clip['joints_crop'], RecordedClips(original, 8)[1]['joints_crop'], atol=1e-5
    )
    frame = {key: clip[key][3] for key in ('crop', 'joints_crop')}
    assert dots(frame, original.skeleton, tolerance=60) == 13


@pytest.mark.parametrize(('name', 'setting'), [('penn_action', 'released'), ('h36m', 'paper')])
def test_the_furthest_windows_of_training_see_what_the_original_shows(
    request, tmp_path, name, setting
):
    root = request.getfixturevalue(ROOTS[name])
    options = ('--augmentation', setting, '--quiet')
    invoke('data', 'prepare', name, root, tmp_path, *options)
    original, cached = both(name, root, tmp_path)
    extent = chosen_ranges(setting, name, 'poses').extent
    for angle, scale, x, y in (
        (1, 'largest', 1, 1),
        (-1, 'largest', -1, 1),
        (0, 'smallest', 1, -1),
    ):
        variation = Variation(
            angle * extent.angle_deg,
            getattr(extent, scale),
            x * extent.shift,
            y * extent.shift,
            in_crop_px=extent.in_crop_px,
        )
        crops = [
            cut(lib.track(0, [0]), lib.images(0, [0]), lib.skeleton, variation)['crop'].numpy()
            for lib in (original, cached)
        ]
        assert np.abs(crops[0].astype(int) - crops[1]).mean() < 6
        dark = [(crop.max(axis=1) < 8).mean() for crop in crops]
        assert dark[1] <= dark[0] + 0.02  # nothing is lost to black


def test_training_that_reaches_beyond_the_cache_is_refused(penn_released, tmp_path):
    invoke('data', 'prepare', 'penn_action', penn_released, tmp_path, '--quiet')
    _, cached = both('penn_action', penn_released, tmp_path)
    require_extent(cached, PAPER)
    require_extent(cached, None)
    require_extent(cached, Framing())
    with pytest.raises(ConfigError, match='the cache of penn_action shows windows within'):
        require_extent(cached, RELEASED['penn_action_poses'])
    with pytest.raises(DatasetError, match='choose another folder'):
        invoke(
            *('data', 'prepare', 'penn_action', penn_released, tmp_path, '--quiet'),
            *('--augmentation', '{angles_deg: [-60, 60]}'),
        )
    (tmp_path / 'train' / 'extent.json').unlink()  # as caches of older versions
    _, old = both('penn_action', penn_released, tmp_path)
    with pytest.raises(ConfigError, match='within None'):
        require_extent(old, PAPER)


def test_a_framing_says_how_much_is_kept(penn_released, tmp_path):
    framing = Framing(scale=(0.8, 2.0), shift=0.2)
    text = '{scale: [0.8, 2.0], shift: 0.2}'
    options = ('--augmentation', text, '--quiet')
    invoke('data', 'prepare', 'penn_action', penn_released, tmp_path, *options)
    _, cached = both('penn_action', penn_released, tmp_path)
    assert cached.extent == framing.extent


def test_large_pictures_become_small(h36m_released, tmp_path):
    original, _ = both('h36m', h36m_released, None)
    folder = tmp_path / 'train'
    size = prepare_recording(folder, original, 0, start_cache(folder, PAPER.extent))
    _, cached = both('h36m', h36m_released, tmp_path)
    image = cached.images(0, [0])[0]
    window = cached.track(0, [0]).box.size
    assert window == pytest.approx(256 / 0.7, rel=0.02)  # sharp at the closest zoom
    assert image.shape[0] < original.images(0, [0])[0].shape[0]
    assert 0 < size == sum(path.stat().st_size for path in tmp_path.rglob('*.jpgs'))


def test_preparing_goes_on_where_it_was_stopped(mpii_official, tmp_path):
    original, _ = both('mpii', mpii_official, None)
    extent = start_cache(tmp_path / 'train', PAPER.extent)
    for index in range(2):
        prepare_recording(tmp_path / 'train', original, index, extent)
    there = [is_prepared(tmp_path / 'train', original, i) for i in range(4)]
    assert there == [True, True, False, False]
    result = invoke('data', 'prepare', 'mpii', mpii_official, tmp_path, '--quiet')
    assert 'train: 2 recordings prepared, 2 were there' in result.stdout
    result = invoke('data', 'prepare', 'mpii', mpii_official, tmp_path, '--quiet')
    assert 'val: 0 recordings prepared, 2 were there' in result.stdout
    assert not list(tmp_path.rglob('*.part*'))


def test_processes_make_the_same_cache(mpii_official, tmp_path):
    for name, workers in (('one', 1), ('two', 2)):
        invoke(
            *('data', 'prepare', 'mpii', mpii_official, tmp_path / name, '--quiet'),
            *('--workers', workers),
        )
    one, two = (sorted((tmp_path / n).rglob('*.j*')) for n in ('one', 'two'))
    assert len(one) == len(two) == 12 + 2  # of six persons, and how far windows vary
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]


def test_what_is_wrong_is_named(tmp_path, miniatures, mpii_official):
    with pytest.raises(DatasetError, match='no such cache; make it with `pose-action data prep'):
        both('mpii', mpii_official, tmp_path / 'none')
    root, cache = tmp_path / 'root', tmp_path / 'cache'
    miniatures.write_mpii(root, False)
    (root / 'images' / '000000002.jpg').write_bytes(b'damaged')
    with pytest.raises(DatasetError, match=r'1 faults: .*000000002\.jpg cannot be read'):
        invoke('data', 'prepare', 'mpii', root, cache, '--quiet')
    _, cached = both('mpii', root, cache)
    cached.images(1, [0])
    with pytest.raises(DatasetError, match=r'000002_000000002\.json cannot be read'):
        cached.track(2, [0])
    next((cache / 'train').rglob('000000_*.jpgs')).write_bytes(b'')
    with pytest.raises(DatasetError, match=r'000000_000000000\.jpgs cannot be read'):
        cached.images(0, [0])
    with pytest.raises(DatasetError, match='does not hold frame 7'):
        cached.images(1, [7])


def test_an_absurd_window_is_named_before_it_fills_the_memory(tmp_path, people):
    people.write_pose_arrays(tmp_path, tmp_path / 'labels.npz')
    with np.load(tmp_path / 'labels.npz') as stored:
        values = dict(stored)
    values['xy'][3, 0] = 60_000.0
    np.savez(tmp_path / 'labels.npz', **values)
    labels = ('--option', f'labels={tmp_path / "labels.npz"}')
    with pytest.raises(DatasetError, match=r'1 faults: moves/3/0\.jpg: its windows cover'):
        invoke('data', 'prepare', 'pose_arrays', tmp_path, tmp_path / 'cache', '--quiet', *labels)
