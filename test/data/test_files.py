"""Files are read as they are, and what is wrong with one is said with its name."""

import numpy as np
import pytest
import scipy.io

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.data.files import (
    find_one,
    matlab_items,
    read_lines,
    read_mat,
    read_picture,
    read_video,
    require_folder,
)


def test_a_picture_is_rgb(tmp_path, miniatures):
    path = tmp_path / 'a.jpg'
    miniatures.save_picture(path, np.full((8, 9, 3), (200, 10, 60), np.uint8))
    assert read_picture(path).shape == (8, 9, 3)
    assert np.abs(read_picture(path).astype(int) - (200, 10, 60)).max() < 4


@pytest.mark.parametrize('content', [b'', b'no picture', None, 'cut'])
def test_a_picture_that_cannot_be_read_is_named(tmp_path, miniatures, content):
    path = tmp_path / 'broken.jpg'
    if content == 'cut':
        miniatures.save_picture(path, np.zeros((64, 64, 3), np.uint8))
        content = path.read_bytes()[:-200]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DatasetError, match=r'broken\.jpg'):
        read_picture(path)


def grey(number):
    return np.full((64, 96, 3), 20 + 9 * number, np.uint8)


@pytest.mark.parametrize(('name', 'code'), [('a.avi', 'MJPG'), ('a.mp4', 'mp4v')])
def test_frames_of_a_video_are_the_ones_asked_for(tmp_path, miniatures, name, code):
    path = tmp_path / name
    miniatures.save_video(path, [grey(i) for i in range(24)], code)
    for frames in ([0], [23], [7, 8, 9], [20, 3, 3, 11]):
        found = [float(image.mean()) for image in read_video(path, frames)]
        assert found == pytest.approx([20 + 9 * frame for frame in frames], abs=4.4)


def test_a_video_that_is_missing_damaged_or_too_short_is_named(tmp_path, miniatures):
    with pytest.raises(DatasetError, match=r'none\.avi: no such video'):
        read_video(tmp_path / 'none.avi', [0])
    path = tmp_path / 'short.avi'
    miniatures.save_video(path, [grey(i) for i in range(4)], 'MJPG')
    with pytest.raises(DatasetError, match=r'short\.avi cannot be decoded at frame 4 of 4'):
        read_video(path, [2, 6])
    path.write_bytes(b'RIFF and nothing more')
    with pytest.raises(DatasetError, match=r'short\.avi'):
        read_video(path, [0])


def test_a_mat_file_that_is_missing_damaged_or_other_is_named(tmp_path):
    path = tmp_path / 'a.mat'
    with pytest.raises(DatasetError, match=r'a\.mat: no such file'):
        read_mat(path, ['x'])
    scipy.io.savemat(path, {'x': np.arange(5000.0)})
    assert read_mat(path, ['x'])['x'].shape == (5000,)
    with pytest.raises(DatasetError, match=r'a\.mat has no variable y'):
        read_mat(path, ['x', 'y'])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match=r'a\.mat is not a MATLAB file or is damaged'):
        read_mat(path, ['x'])
    path.write_bytes(b'MATLAB 7.3 MAT-file'.ljust(124) + b'\x00\x02IM' + b'\x89HDF' * 200)
    with pytest.raises(DatasetError, match=r'a\.mat is a MATLAB v7\.3 file'):
        read_mat(path, ['x'])


def test_items_of_nothing_one_and_many():
    assert matlab_items(np.zeros((0,))) == []
    assert matlab_items('text') == ['text']
    assert matlab_items(np.array([3, 4])) == [3, 4]


def test_folders_and_lists(tmp_path):
    with pytest.raises(DatasetError, match=r'frames: no such folder'):
        require_folder(tmp_path / 'frames', 'frames')
    assert require_folder(tmp_path, 'x') == tmp_path
    path = tmp_path / 'list.txt'
    path.write_text(' a \n\nb\n')
    assert read_lines(path) == ['a', 'b']
    assert find_one(tmp_path, ['none', 'list.txt']) == path
    assert find_one(tmp_path, ['none']) is None
    with pytest.raises(DatasetError, match=r'none\.txt'):
        read_lines(tmp_path / 'none.txt')
