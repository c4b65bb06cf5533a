"""Human3.6M: the authors' annotations; official files with a stand-in for cdflib."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.skeleton import PA17J, PA20J, PA21J
from pose_action_ros.data.human36m import Human36m
from pose_action_ros.data.human36m_files import H36M_ACTIONS, read_cameras
from pose_action_ros.data.layouts import named_joints
from pose_action_ros.data.recorded import RecordedClips, RecordedPoses


class Cdf:
    """Reads the NumPy files that the miniature has under the official names."""

    def __init__(self, path):
        self.path = path

    def varget(self, name):
        assert name == 'Pose'
        return np.load(self.path)


@pytest.fixture
def cdflib(monkeypatch):
    monkeypatch.setitem(sys.modules, 'cdflib', SimpleNamespace(CDF=Cdf))


def world(miniatures, frame, seed, skeleton):
    return named_joints(skeleton, PA21J.joint_names, miniatures.h36m_world(frame, seed))


def test_the_authors_file(h36m_released, miniatures, dots):
    library = Human36m(h36m_released, 'train', PA17J)
    assert [library.title(i) for i in (0, 1)] == ['a02_s01_e01_c01', 'a14_s05_e01_c01']
    assert [H36M_ACTIONS[library.action(i)] for i in (0, 1)] == ['Directions', 'Walking']
    np.testing.assert_allclose(
        library.joints_world_mm(1, [2])[0], world(miniatures, 2, 1, PA17J), atol=1e-6
    )
    samples = RecordedPoses(library)
    assert len(samples) == 8
    assert samples.locate(6) == (1, 2)
    assert dots(samples[6], PA17J) == 17


def titles(library):
    return [library.title(i) for i in range(len(library))]


def test_subjects_9_and_11_are_for_test(h36m_released):
    library = Human36m(h36m_released, 'test', PA20J)
    assert [title[4:7] for title in titles(library)] == ['s09', 's11']
    assert [H36M_ACTIONS[library.action(i)] for i in (0, 1)] == ['Discussion', 'WalkTogether']


def test_a_subject_is_held_out_for_validation(h36m_released, h36m_official, cdflib):
    for root, subjects in ((h36m_released, ['s01', 's05']), (h36m_official, ['S1 '])):
        names = [
            {title[title.lower().index('s') :][:3] for title in titles(Human36m(root, s, PA17J))}
            for s in ('train', 'val', 'test')
        ]
        assert names[0] == set(subjects)
        assert {name.strip().lower().replace('0', '') for name in names[1]} == {'s8'}
        assert not names[2] & (names[0] | names[1])


def test_the_papers_way_validates_on_the_test_subjects(h36m_released):
    train, val, test = (
        titles(Human36m(h36m_released, split, PA17J, validate_on_test=split != 'test'))
        for split in ('train', 'val', 'test')
    )
    assert [title[4:7] for title in train] == ['s01', 's05', 's08']
    assert val == test


def test_metres_follow_the_camera(h36m_released, miniatures):
    sample = RecordedPoses(Human36m(h36m_released, 'test', PA17J))[1]
    expected = named_joints(PA17J, PA21J.joint_names, miniatures.person(1, 2))
    expected[:, 2] += 1.5
    np.testing.assert_allclose(sample['joints_camera_m'], expected, atol=1e-6)
    depth = expected[:, 2] - expected[0, 2]
    np.testing.assert_allclose(sample['joints_crop'][:, 2], depth / 2 + 0.5, atol=1e-6)
    assert sample['intrinsics'].tolist() == [1145.0, 1145.0, 500.0, 501.0]


def test_official_files(h36m_official, cdflib, miniatures, dots):
    library = Human36m(h36m_official, 'train', PA17J, every=2)
    assert len(library) == 4
    assert library.title(0) == 'S1 TakingPhoto 1.54138969'
    assert H36M_ACTIONS[library.action(0)] == 'Photo'
    assert library.length(3) == 6
    samples = RecordedPoses(library)
    assert len(samples) == 4 * 3
    assert samples.locate(5) == (1, 4)
    assert dots(samples[5], PA17J, tolerance=70) == 17
    np.testing.assert_allclose(
        library.joints_world_mm(0, [4])[0], world(miniatures, 4, 1, PA17J), atol=1e-6
    )
    assert len(RecordedPoses(Human36m(h36m_official, 'test', PA17J))) == 4  # 1 of 64 frames
    clip = RecordedClips(library, 4)[2]
    assert clip['crop'].shape == (4, 3, 256, 256)
    assert int(clip['action']) == H36M_ACTIONS.index('Photo')


def test_extracted_frames_go_before_videos(tmp_path, cdflib, miniatures):
    miniatures.write_h36m_official(tmp_path, frames=2)
    folder = tmp_path / 'images' / 'S1' / 'TakingPhoto 1.54138969'
    miniatures.save_picture(folder / '00001.jpg', np.full((1002, 1000, 3), 77, np.uint8))
    library = Human36m(tmp_path, 'train', PA17J)
    assert library.images(0, [0])[0].mean() == pytest.approx(77, abs=1)
    with pytest.raises(DatasetError, match=r'00002\.jpg: no such picture'):
        library.images(0, [1])


def test_official_cameras(h36m_official, miniatures):
    cameras = read_cameras(h36m_official / 'metadata.xml')
    assert len(cameras) == 44
    points = miniatures.h36m_world(0, 0)
    np.testing.assert_allclose(
        cameras[11, '60457274'].project(points), miniatures.h36m_camera().project(points)
    )


def test_each_camera_and_subject_has_its_own_numbers(tmp_path):
    numbers = ' '.join(str(n) for n in range(300))
    (tmp_path / 'metadata.xml').write_text(f'<m><w0>[{numbers}]</w0></m>')
    camera = read_cameras(tmp_path / 'metadata.xml')[5, '55011271']  # second camera
    start = 6 * (11 + 4)
    assert camera.translation_mm.tolist() == [start + 3, start + 4, start + 5]
    assert camera.focal_px.tolist() == [264 + 9, 264 + 10]
    assert camera.center_px.tolist() == [264 + 11, 264 + 12]
    assert camera.radial.tolist() == [264 + 13, 264 + 14, 264 + 15]
    assert camera.tangential.tolist() == [264 + 17, 264 + 16]


def test_without_cdflib_it_says_so(tmp_path, miniatures, monkeypatch):
    miniatures.write_h36m_official(tmp_path, frames=1)
    monkeypatch.setitem(sys.modules, 'cdflib', None)
    library = Human36m(tmp_path, 'test', PA17J)
    with pytest.raises(DatasetError, match='pip install cdflib'):
        library.length(0)


def test_what_is_missing_or_damaged_is_named(tmp_path, cdflib, miniatures):
    with pytest.raises(DatasetError, match=r'has no sequence of the subjects .* for train'):
        Human36m(tmp_path, 'train', PA17J)
    with pytest.raises(DatasetError, match="found 'all'"):
        Human36m(tmp_path, 'all', PA17J)
    miniatures.write_h36m_official(tmp_path, frames=2)
    path = tmp_path / 'S9' / 'MyPoseFeatures' / 'D3_Positions' / 'Walking.cdf'
    path.write_bytes(b'no cdf')
    with pytest.raises(DatasetError, match=r'Walking\.cdf is not a CDF file of 32 joints'):
        Human36m(tmp_path, 'test', PA17J).length(0)
    path.rename(path.with_name('Flying.cdf'))
    with pytest.raises(DatasetError, match=r'not an action of Human3\.6M: S9/Flying\.cdf'):
        Human36m(tmp_path, 'test', PA17J)
    (tmp_path / 'metadata.xml').write_text('<m><w0>[1 2 3]</w0></m>')
    with pytest.raises(DatasetError, match=r'metadata\.xml has 3 camera numbers'):
        Human36m(tmp_path, 'train', PA17J)
    (tmp_path / 'metadata.xml').write_text('<m>')
    with pytest.raises(DatasetError, match=r'metadata\.xml cannot be read'):
        Human36m(tmp_path, 'train', PA17J)


def test_real_cdf_files(tmp_path, miniatures):
    writer = pytest.importorskip('cdflib.cdfwrite', reason='cdflib is not installed')
    miniatures.write_h36m_official(tmp_path, frames=3)
    path = tmp_path / 'S9' / 'MyPoseFeatures' / 'D3_Positions' / 'Walking.cdf'
    poses = np.load(path).astype(np.float32)
    path.unlink()
    file = writer.CDF(str(path), cdf_spec={'rDim_sizes': []})
    real = {'Variable': 'Pose', 'Data_Type': 44, 'Num_Elements': 1, 'Rec_Vary': True}
    file.write_var({**real, 'Dim_Sizes': [3, 96]}, var_attrs={}, var_data=poses)
    file.close()
    library = Human36m(tmp_path, 'test', PA17J)
    found = library.joints_world_mm(0, [2])[0]
    np.testing.assert_allclose(found, world(miniatures, 2, 9, PA17J), atol=1e-3)
