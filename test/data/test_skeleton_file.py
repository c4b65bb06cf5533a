"""The Kinect's text files: bodies, gaps, damage."""

import numpy as np
import pytest

from pose_action_ros.core.errors import MAX_MESSAGE, DatasetError
from pose_action_ros.data.skeleton_file import read_skeleton_file


def test_the_body_tracked_longest_is_taken(tmp_path, miniatures):
    path = tmp_path / 'a.skeleton'
    # Ids differ in their last digit only: more digits than a float has.
    one, other = 72057594037931001, 72057594037931002
    near, far = miniatures.person(0, 0), miniatures.person(0, 5)
    miniatures.write_skeleton(
        path, [[(one, far)], [(other, near), (one, far)], [(other, near)], [], [(other, near)]]
    )
    body = read_skeleton_file(path)
    assert body.shape == (5, 25, 5)
    pelvis = body[:, 0]
    assert np.isnan(pelvis[[0, 3]]).all()
    np.testing.assert_allclose(pelvis[[1, 2, 4], 2], near[0, 2])
    np.testing.assert_allclose(pelvis[1, 3:], miniatures.pixels(near)[0], atol=1e-4)


def test_of_equals_the_one_that_moves(tmp_path, miniatures):
    path = tmp_path / 'a.skeleton'
    still = miniatures.person(0, 1)
    frames = [[(1, still), (2, miniatures.person(f, 0))] for f in range(6)]
    miniatures.write_skeleton(path, frames)
    assert read_skeleton_file(path)[0, 0, 2] == pytest.approx(3.0)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda text: text[: len(text) // 2], 'ends too early'),
        (lambda text: text.replace('200.5', 'what', 1), 'cannot be read'),
        (lambda text: text.replace('\n25\n', '\n20\n', 1), 'a body of 20 joints'),
        (lambda text: '', 'ends too early'),
        (lambda text: '2\n0\n0\n', 'has no body'),
        (lambda text: '\0' * 800_000, r'cannot be read: .*characters'),
        (lambda text: '1e18 1', 'ends too early'),
        (lambda text: 'inf 1', 'cannot be read'),
        (lambda text: '-1 1', 'ends too early'),
    ],
)
def test_damage_is_named(tmp_path, miniatures, change, message):
    path = tmp_path / 'a.skeleton'
    miniatures.write_skeleton(path, [[(1, miniatures.person(0))]] * 2)
    path.write_text(change(path.read_text()))
    with pytest.raises(DatasetError, match=rf'a\.skeleton.*{message}') as refused:
        read_skeleton_file(path)
    assert len(str(refused.value)) <= MAX_MESSAGE


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r'none\.skeleton cannot be read'):
        read_skeleton_file(tmp_path / 'none.skeleton')
