"""Penn Action: the data set's own labels and the authors' file say the same."""

import numpy as np
import pytest
import scipy.io

from pose_action_ros.core.actions import PENN_ACTIONS
from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.skeleton import PA16J
from pose_action_ros.data.penn_action import PennAction
from pose_action_ros.data.recorded import RecordedClips, RecordedPoses


@pytest.fixture(params=['penn_official', 'penn_released'])
def root(request):
    return request.getfixturevalue(request.param)


def test_sequences_and_their_actions(root):
    train, test = (PennAction(root, split, PA16J) for split in ('train', 'test'))
    assert [train.title(i) for i in range(len(train))] == ['0001', '0002', '0003']
    assert [test.title(i) for i in range(len(test))] == ['0004', '0005']
    names = [PENN_ACTIONS[train.action(i)] for i in range(3)]
    assert names == [PENN_ACTIONS[3], PENN_ACTIONS[6], PENN_ACTIONS[9]]
    assert test.length(1) == 24


def test_films_are_held_out_for_validation(root):
    def titles(split, **options):
        library = PennAction(root, split, PA16J, **options)
        return [library.title(i) for i in range(len(library))]

    assert titles('val') == ['0010']
    assert '0010' in titles('train', validate_on_test=True)
    assert titles('val', validate_on_test=True) == titles('test') == ['0004', '0005']
    assert titles('test', validate_on_test=True) == titles('test')


def test_left_is_left(root, miniatures):
    """Penn's labels have left before right, our layouts right before left."""
    track = PennAction(root, 'train', PA16J).track(0, [3])
    joints = miniatures.pixels(miniatures.person(3, 1))
    for name in ('left_shoulder', 'right_wrist', 'head'):
        expected = joints[miniatures.PA21J.index(name)]
        np.testing.assert_allclose(track.joints_image_px[0, PA16J.index(name)], expected)


def test_hidden_and_absent_joints_are_unknown(root):
    sample = RecordedPoses(PennAction(root, 'train', PA16J))[0]
    absent = [0, 1, 2, PA16J.index('left_wrist')]
    assert sample['visibility'].isnan().nonzero()[:, 0].tolist() == absent


def test_joints_lie_on_their_dots(root, dots):
    samples = RecordedPoses(PennAction(root, 'test', PA16J))
    assert len(samples) == 48
    assert dots(samples[30], PA16J) == 13


def test_clips_take_every_second_frame_of_the_middle(root, dots):
    clips = RecordedClips(PennAction(root, 'test', PA16J), 8)
    clip = clips[1]
    assert clip['crop'].shape == (8, 3, 256, 256)
    assert int(clip['action']) == clips.library.action(1)
    expected = clips.clip(1, [4, 6, 8, 10, 12, 14, 16, 18])  # (24 - 15) / 2, rounded down
    np.testing.assert_array_equal(clip['crop'], expected['crop'])
    frame = {name: clip[name][5] for name in ('crop', 'joints_crop')}
    assert dots(frame, PA16J) == 13


def test_a_drawn_clip_is_the_generators(root):
    from pose_action_ros.data.augment import PAPER

    clips = RecordedClips(PennAction(root, 'train', PA16J), 4, PAPER)
    one, same, other = (clips.varied(0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one['crop'], same['crop'])
    assert not np.array_equal(one['crop'], other['crop'])


def test_what_is_missing_or_damaged_is_named(tmp_path, miniatures):
    with pytest.raises(DatasetError, match='frames: no such folder'):
        PennAction(tmp_path, 'train', PA16J)
    miniatures.write_penn(tmp_path, True, frames=2)
    with pytest.raises(DatasetError, match="found 'trian'"):
        PennAction(tmp_path, 'trian', PA16J)
    label = tmp_path / 'labels' / '0002.mat'
    values = {k: v for k, v in scipy.io.loadmat(label).items() if not k.startswith('__')}
    for change, reason in (
        ({'action': 'juggling'}, "unknown action 'juggling'"),
        ({'x': np.zeros((5, 13))}, 'is not laid out as expected'),
    ):
        scipy.io.savemat(label, {**values, **change})
        library = PennAction(tmp_path, 'train', PA16J)
        assert [library.title(i) for i in range(len(library))] == ['0001', '0003']
        assert reason in library.skipped['0002.mat']
    scipy.io.savemat(label, values)
    (tmp_path / 'frames' / '0004' / '000001.jpg').write_bytes(b'')
    with pytest.raises(DatasetError, match=r'0004/000001\.jpg cannot be read'):
        RecordedPoses(PennAction(tmp_path, 'test', PA16J))[0]
