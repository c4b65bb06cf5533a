"""J-HMDB: films, splits, its own joints and label files."""

import numpy as np
import pytest

from pose_action_ros.core.actions import JHMDB_ACTIONS
from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.data.augment import Framing
from pose_action_ros.data.jhmdb import Jhmdb
from pose_action_ros.data.recorded import RecordedClips, RecordedPoses
from pose_action_ros.data.renamed import RenamedLibrary


@pytest.fixture(scope='module')
def root(people, tmp_path_factory):
    folder = tmp_path_factory.mktemp('jhmdb')
    people.write_jhmdb(folder)
    people.write_jhmdb_labels(folder / 'labels.npz')
    return folder


def titles(library):
    return [library.title(i) for i in range(len(library))]


def test_the_official_split(root):
    parts = {split: titles(Jhmdb(root, split, PA17J)) for split in ('train', 'val', 'test')}
    assert parts['test'] == ['golf/d.avi', 'wave/b.avi']
    assert sorted(parts['train'] + parts['val']) == ['golf/c.avi', 'run/e.avi', 'wave/a.avi']
    library = Jhmdb(root, 'test', PA17J)
    assert JHMDB_ACTIONS[library.action(1)] == 'wave'
    assert library.length(0) == 20


@pytest.mark.parametrize('labels', [None, 'labels.npz'])
def test_joints_lie_on_their_dots_in_every_frame(root, dots, labels):
    library = Jhmdb(root, 'test', PA17J, labels=labels and root / labels, every=1)
    samples = RecordedPoses(library)
    assert len(samples) == 40
    expected = 13 if labels else 14  # the data set has a neck, its labels have none
    for index in (0, 3, 20, 33):
        assert dots(samples[index], PA17J, tolerance=70) == expected


def test_joints_between_labelled_frames_are_interpolated(root):
    library = Jhmdb(root, 'test', PA17J, labels=root / 'labels.npz')
    before, between, after = library.track(0, [3, 4, 6]).joints_image_px
    np.testing.assert_allclose(between, before + (after - before) / 3, atol=1e-9)
    np.testing.assert_array_equal(*library.track(0, [18, 19]).joints_image_px)


def test_films_without_sure_joints_are_skipped(root):
    found = [titles(Jhmdb(root, s, PA17J, labels=root / 'labels.npz')) for s in ('train', 'val')]
    assert 'run/e.avi' not in [*found[0], *found[1]]


def test_clips_have_actions_and_hints_of_depth(root):
    clips = RecordedClips(Jhmdb(root, 'test', PA17J, labels=root / 'labels.npz'), 8, Framing())
    clip = clips.varied(1, np.random.default_rng(0))
    assert clip['crop'].shape == (8, 3, 256, 256)
    assert JHMDB_ACTIONS[int(clip['action'])] == 'wave'
    assert bool(clip['depth_is_hint'])
    assert clip['joints_crop'][:, 0, 2].allclose(clip['joints_crop'].new_tensor(0.5))


def test_what_is_missing_or_damaged_is_named(people, tmp_path):
    with pytest.raises(DatasetError, match='has no folder ReCompress_Videos or'):
        Jhmdb(tmp_path, 'train', PA17J)
    people.write_jhmdb(tmp_path)
    with pytest.raises(DatasetError, match=r'has no files \*_test_split3\.txt'):
        Jhmdb(tmp_path, 'train', PA17J, official_split=3)
    library = Jhmdb(tmp_path, 'test', PA17J)
    (tmp_path / 'ReCompress_Videos/wave/a.avi').unlink()
    skipped = {
        k: v for s in ('train', 'val') for k, v in Jhmdb(tmp_path, s, PA17J).skipped.items()
    }
    assert skipped == {'wave/a.avi': 'the splits name it, the film is missing'}
    path = tmp_path / 'ReCompress_Videos/golf/d.avi'
    path.write_bytes(b'damaged')
    assert len(RecordedPoses(library)) == 7  # the other film
    assert 'd.avi cannot be decoded' in library.skipped['golf/d.avi']
    with pytest.raises(DatasetError, match=r'd\.avi cannot be decoded'):
        RecordedClips(library, 8)[0]
    split = tmp_path / 'splits/golf_test_split1.txt'
    split.write_text('c.avi one\n')
    with pytest.raises(DatasetError, match=r"found the line 'c\.avi one'"):
        Jhmdb(tmp_path, 'test', PA17J)
    split.write_text('c.avi 0\nd.avi 0\n')
    joints = tmp_path / 'joint_positions/wave/b/joint_positions.mat'
    joints.write_bytes(b'damaged')
    with pytest.raises(DatasetError, match=r'joint_positions\.mat is not a MATLAB file'):
        Jhmdb(tmp_path, 'test', PA17J).track(0, [0])


def test_classes_get_a_networks_names(root, dots):
    library = Jhmdb(root, 'test', PA17J)
    both = RenamedLibrary(library, ('other', 'greet'), {'wave': 'greet'}, 'other')
    assert [both.actions[both.action(i)] for i in range(len(both))] == ['other', 'greet']
    waving = RenamedLibrary(library, ('other', 'greet'), {'wave': 'greet'})
    assert [waving.title(i) for i in range(len(waving))] == ['wave/b.avi']
    assert (waving.length(0), waving.action(0)) == (20, 1)
    assert dots(RecordedPoses(waving)[0], PA17J, tolerance=70) == 14
    assert int(RecordedClips(waving, 8)[0]['action']) == 1
    with pytest.raises(ConfigError, match='no recording of jhmdb shows an action'):
        RenamedLibrary(library, ('fly',), {})
