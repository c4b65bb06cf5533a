"""NTU RGB+D: skeletons and videos as distributed, the authors' arrays, splits, broken samples."""

import numpy as np
import pytest

from pose_action_ros.core.actions import NTU60_ACTIONS
from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.skeleton import PA20J, PA21J
from pose_action_ros.data.layouts import named_joints
from pose_action_ros.data.ntu import HELD_OUT_SUBJECTS, TRAIN_SUBJECTS, Ntu, read_broken_list
from pose_action_ros.data.recorded import RecordedClips, RecordedPoses, skipped_files


@pytest.fixture(params=['ntu_official', 'ntu_released'])
def root(request):
    return request.getfixturevalue(request.param)


def titles(library):
    return tuple(library.title(i) for i in range(len(library)))


def test_cross_subject(root, miniatures):
    assert titles(Ntu(root, 'train', PA20J)) == miniatures.NTU_TRAIN
    test = Ntu(root, 'test', PA20J)
    assert titles(test) == miniatures.NTU_TEST
    assert NTU60_ACTIONS[test.action(1)] == 'hand waving'
    assert len(TRAIN_SUBJECTS) == 20


@pytest.mark.parametrize('view', [False, True])
def test_subjects_are_held_out_for_validation(root, miniatures, view):
    def found(split, **options):
        return set(titles(Ntu(root, split, PA20J, view=view, **options)))

    held_out, test = set(miniatures.NTU_VAL), found('test')
    assert found('val') == held_out
    assert not held_out & (found('train') | test)
    assert found('train', validate_on_test=True) == found('train') | held_out
    assert found('val', validate_on_test=True) == found('test', validate_on_test=True) == test
    assert set(HELD_OUT_SUBJECTS) < set(TRAIN_SUBJECTS)


def test_cross_view(root, miniatures):
    """Cameras 2 and 3 are for training, camera 1 for test."""
    assert titles(Ntu(root, 'train', PA20J, view=True)) == ('S001C002P002R001A010',)
    assert len(Ntu(root, 'test', PA20J, view=True)) == 4


def test_joints_and_depth(root, miniatures):
    library = Ntu(root, 'train', PA20J)
    track = library.track(1, [7])
    joints = named_joints(
        PA20J, PA21J.joint_names, miniatures.person(7, miniatures.ntu_seed(library.title(1)))
    )
    np.testing.assert_allclose(track.depth_m[0], joints[:, 2], atol=1e-5)
    half = 0.5 if library.released else 1.0
    np.testing.assert_allclose(
        track.joints_image_px[0], half * miniatures.pixels(joints), atol=1e-3
    )
    assert np.isnan(track.joints_camera_m).all()


def test_joints_lie_on_their_dots(root, dots):
    samples = RecordedPoses(Ntu(root, 'test', PA20J))
    assert len(samples) == 2
    assert dots(samples[1], PA20J, tolerance=90) == 20


def test_a_clip(root):
    clip = RecordedClips(Ntu(root, 'train', PA20J), 8)[1]
    assert clip['crop'].shape == (8, 3, 256, 256)
    assert int(clip['action']) == 59
    assert clip['joints_crop'].isfinite().all()
    np.testing.assert_allclose(clip['joints_crop'][:, 0, 2], 0.5)


def test_kinects_left_is_in_the_right_slots(ntu_official):
    """As the released weights have it, see docs/data.md."""
    library = Ntu(ntu_official, 'train', PA20J)
    path = ntu_official / 'nturgb+d_skeletons' / f'{library.title(0)}.skeleton'
    first_joint = path.read_text().splitlines()[4:]
    x, y = (float(v) for v in first_joint[4].split()[5:7])  # Kinect's joint 4, left shoulder
    track = library.track(0, [0])
    found = track.joints_image_px[0, PA20J.index('right_shoulder')]
    np.testing.assert_allclose(found, (x, y), atol=1e-6)


def test_the_list_of_broken_samples(ntu_official, tmp_path, miniatures):
    assert Ntu(ntu_official, 'train', PA20J).broken == {miniatures.NTU_BROKEN}
    path = tmp_path / 'own.txt'
    path.write_text(f'{miniatures.NTU_TRAIN[0]}\n')
    library = Ntu(ntu_official, 'train', PA20J, broken=path)
    assert titles(library) == (
        'S001C001P008R001A060',
        'S001C002P002R001A010',
        miniatures.NTU_BROKEN,
    )
    with pytest.raises(DatasetError, match=r'P005R002A008\.skeleton has no body'):
        library.track(2, [0])
    path.write_text('nothing\n')
    with pytest.raises(DatasetError, match=r'own\.txt names no sample'):
        read_broken_list(path)


def test_what_is_missing_or_damaged_is_named(tmp_path, miniatures):
    with pytest.raises(DatasetError, match='nturgb\\+d_skeletons: no such folder'):
        Ntu(tmp_path, 'train', PA20J)
    name = 'S001C001P001R001A001'
    path = tmp_path / 'nturgb+d_skeletons' / f'{name}.skeleton'
    miniatures.write_skeleton(path, [[(7, miniatures.person(0))]] * 3)
    with pytest.raises(DatasetError, match=r'no \.skeleton file for test'):
        Ntu(tmp_path, 'test', PA20J)
    library = Ntu(tmp_path, 'train', PA20J)
    with pytest.raises(DatasetError, match=rf'{name}_rgb\.avi: no such video'):
        RecordedPoses(library)[0]


def test_files_of_others_are_skipped_and_said(tmp_path, miniatures):
    """NTU RGB+D 120 in the same folder, notes, and what macOS leaves beside each file."""
    name = 'S001C001P001R001A001'
    path = tmp_path / 'nturgb+d_skeletons' / f'{name}.skeleton'
    miniatures.write_skeleton(path, [[(7, miniatures.person(0))]] * 3)
    for other in (f'._{name}', 'S018C001P001R001A061', 'S018C001P001R001A120', 'notes'):
        path.with_name(f'{other}.skeleton').write_bytes(b'\0\5\26\7')
    library = Ntu(tmp_path, 'train', PA20J)
    assert titles(library) == (name,)
    assert skipped_files(library) == [
        '2 skipped: not an action of NTU RGB+D 60: S018C001P001R001A061, S018C001P001R001A120',
        '1 skipped: the name is not like S001C001P001R001A001: notes',
    ]
    with pytest.raises(DatasetError, match=r'no \.skeleton file for test; 2 skipped: .*; 1 skip'):
        Ntu(tmp_path, 'test', PA20J)


def test_a_damaged_array_is_named(tmp_path, miniatures):
    folder = tmp_path / 'nturgb+d_numpy'
    folder.mkdir()
    path = folder / 'S001C001P001R001A001.npy'
    np.save(path, np.zeros((4, 100)))
    with pytest.raises(DatasetError, match=r'A001\.npy is damaged'):
        Ntu(tmp_path, 'train', PA20J).length(0)
