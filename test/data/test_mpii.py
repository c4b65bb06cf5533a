"""MPII: the data set's own file and the authors' one say the same."""

import numpy as np
import pytest
import scipy.io

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.skeleton import PA16J, PA17J
from pose_action_ros.data.mpii import Mpii
from pose_action_ros.data.recorded import RecordedClips, RecordedPoses


@pytest.fixture(params=['mpii_official', 'mpii_released'])
def root(request):
    return request.getfixturevalue(request.param)


def test_persons_of_both_splits(root):
    train, val = (Mpii(root, split, PA16J) for split in ('train', 'val'))
    assert [train.title(i) for i in range(len(train))] == [f'{i:09d}.jpg' for i in range(4)]
    assert [val.title(i) for i in range(len(val))] == ['000000004.jpg', '000000005.jpg']
    assert val.length(0) == 1
    assert val.action(0) == -1


def test_joints_head_and_window_are_the_annotated_ones(root, miniatures):
    library = Mpii(root, 'train', PA16J)
    joints, head, position, scale, _ = miniatures.mpii_person(2)
    track = library.track(2, [0])
    np.testing.assert_allclose(
        PA16J.convert_to('mpii', track.joints_image_px)[0], joints, atol=1e-9
    )
    np.testing.assert_allclose(library.head_box_px(2), head)
    assert track.box.size == pytest.approx(250 * scale)
    assert track.box.center_y == pytest.approx(position[1] + 15 * scale)
    assert track.shift_px == pytest.approx(1.25 * scale)
    assert np.isnan(track.depth_m).all()


def test_a_joint_that_is_not_annotated_is_unknown(root):
    sample = RecordedPoses(Mpii(root, 'train', PA17J))[1]
    unknown = [PA17J.index('right_ankle'), PA17J.index('spine')]
    assert sample['visibility'].isnan().nonzero()[:, 0].tolist() == unknown
    assert sample['joints_crop'][unknown].isnan().all()


def test_joints_lie_on_their_dots(root, dots):
    samples = RecordedPoses(Mpii(root, 'val', PA16J))
    assert [dots(samples[i], PA16J) for i in range(2)] == [16, 16]


def test_what_is_missing_or_damaged_is_named(tmp_path, miniatures):
    with pytest.raises(DatasetError, match='images: no such folder'):
        Mpii(tmp_path, 'train', PA16J)
    miniatures.write_mpii(tmp_path, True)
    with pytest.raises(DatasetError, match='train and val'):
        Mpii(tmp_path, 'test', PA16J)
    with pytest.raises(DatasetError, match='mpii has no actions'):
        RecordedClips(Mpii(tmp_path, 'train', PA16J), 8)
    path = tmp_path / 'mpii_human_pose_v1_u12_1.mat'
    content = path.read_bytes()
    path.write_bytes(content[:3000])
    with pytest.raises(DatasetError, match=r'u12_1\.mat is not a MATLAB file or is damaged'):
        Mpii(tmp_path, 'train', PA16J)
    scipy.io.savemat(path, {'RELEASE': {'annolist': 3}})
    with pytest.raises(DatasetError, match=r'u12_1\.mat is not laid out as expected'):
        Mpii(tmp_path, 'train', PA16J)
    path.unlink()
    with pytest.raises(DatasetError, match=r'u12_1\.mat: no such file'):
        Mpii(tmp_path, 'train', PA16J)
    path.write_bytes(content)
    (tmp_path / 'images' / '000000004.jpg').unlink()
    with pytest.raises(DatasetError, match=r'000000004\.jpg: no such picture'):
        RecordedPoses(Mpii(tmp_path, 'val', PA16J))[0]
