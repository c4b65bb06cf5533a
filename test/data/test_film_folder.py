"""Folders of films: what is a film, which part it belongs to, and the library of them."""

import cv2
import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.data.film_folder import read_boxes, read_film_folder
from pose_action_ros.data.folder import Folder
from pose_action_ros.data.opening import open_library
from pose_action_ros.data.photographs import NoSplitError
from pose_action_ros.data.recorded import RecordedClips


@pytest.fixture
def root(tmp_path):
    """Ten empty films of `wave`, five of `stop`."""
    for name, count in (('wave', 10), ('stop', 5)):
        (tmp_path / name).mkdir()
        for number in range(count):
            (tmp_path / name / f'{number}.mp4').touch()
    return tmp_path


def names(folder, part):
    return {film.name for film in folder.part(part)}


def counts(folder, part):
    return {a: sum(film.action == a for film in folder.part(part)) for a in folder.actions}


def split(root, *lines):
    (root / 'split.csv').write_text('\n'.join(lines) + '\n')


def test_a_fifth_of_each_class_is_held_out_by_film(root):
    folder = read_film_folder(root)
    assert folder.actions == ('stop', 'wave')
    assert counts(folder, 'val') == {'stop': 1, 'wave': 2}
    assert counts(folder, 'train') == {'stop': 4, 'wave': 8}
    assert folder.part('test') == ()
    (root / 'stop' / 'later.mp4').touch()
    assert names(folder, 'val') <= names(read_film_folder(root), 'val') | {'stop/later.mp4'}


def test_films_of_a_group_stay_together(root):
    rows = [f'wave/{n}.mp4,,{"anna" if n < 5 else "ben"}' for n in range(10)]
    rows += [f'stop/{n}.mp4,,{"anna" if n < 2 else "ben"}' for n in range(5)]
    split(root, 'film,split,group', *rows)
    folder = read_film_folder(root)
    for part in ('train', 'val'):
        assert len({film.group for film in folder.part(part)}) == 1
    assert len(folder.films) == 15


def test_a_class_of_one_group_is_not_held_out_whole(root):
    split(root, 'film,split,group', *[f'stop/{n}.mp4,,anna' for n in range(5)])
    folder = read_film_folder(root)
    assert counts(folder, 'train') == {'stop': 5}
    assert folder.part('val') == ()


def test_the_split_of_a_file_holds(root):
    split(root, 'film,split', 'wave/0.mp4,val', 'wave/1.mp4,test', 'stop/0.mp4,train', 'a/b.mp4,')
    folder = read_film_folder(root)
    assert (names(folder, 'val'), names(folder, 'test')) == ({'wave/0.mp4'}, {'wave/1.mp4'})
    assert names(folder, 'train') == {'stop/0.mp4'}
    assert folder.skipped['a/b.mp4'] == 'split.csv names it, it is missing'
    assert folder.skipped['wave/2.mp4'] == 'split.csv does not name it'


def test_a_fifth_of_what_may_be_learned_is_held_out_beside_test_films(root):
    rows = [f'wave/{n}.mp4,{"test" if n < 5 else "train"}' for n in range(10)]
    split(root, 'film,split', *rows, *[f'stop/{n}.mp4,train' for n in range(5)])
    folder = read_film_folder(root)
    assert counts(folder, 'test') == {'stop': 0, 'wave': 5}
    assert counts(folder, 'val') == {'stop': 1, 'wave': 1}


@pytest.mark.parametrize(
    ('lines', 'match'),
    [
        (['film,part', 'wave/0.mp4,train'], 'has no column split'),
        (['film,split', 'wave/0.mp4,hold'], "found split 'hold' of wave/0.mp4"),
        (['film,split', 'wave/0.mp4,val', 'wave/0.mp4,train'], r'names wave/0\.mp4 twice'),
    ],
)
def test_a_wrong_split_is_refused(root, lines, match):
    split(root, *lines)
    with pytest.raises(DatasetError, match=match):
        read_film_folder(root)


def test_what_is_no_film_is_skipped_with_its_reason(root):
    (root / 'wave' / 'notes.txt').touch()
    (root / 'wave' / '._0.mp4').touch()
    (root / 'wave' / 'photo.jpg').touch()
    (root / 'wave' / 'empty').mkdir()
    (root / 'README').touch()
    (root / 'nobody').mkdir()
    folder = read_film_folder(root)
    assert folder.actions == ('stop', 'wave')
    assert folder.skipped == {
        'wave/empty': 'a folder without pictures',
        'wave/notes.txt': 'not a film: the ending is .txt',
        'wave/photo.jpg': 'a single picture; put the pictures of a film into one folder',
    }
    with pytest.raises(DatasetError, match='has no films; expected sub-folders'):
        read_film_folder(root / 'nobody')


@pytest.mark.parametrize(
    ('line', 'match'),
    [('a/b.mp4,0,5,1,2,9', 'expected x1 < x2'), ('a/b.mp4,one,1,1,2,2', 'is not a box')],
)
def test_wrong_boxes_are_refused(tmp_path, line, match):
    path = tmp_path / 'boxes.csv'
    path.write_text(f'film,frame,x1,y1,x2,y2\n{line}\n')
    with pytest.raises(DatasetError, match=match):
        read_boxes(path)


@pytest.fixture
def films(tmp_path, write_film):
    """One film of 24 grey levels at 60 Hz, one at 15 Hz, and the same as pictures at 10 Hz."""
    root = tmp_path / 'films'
    for kind in ('fast', 'slow', 'still'):
        (root / kind).mkdir(parents=True)
    write_film(root / 'fast' / 'a.avi', count=24, rate_hz=60.0, code='MJPG')
    write_film(root / 'slow' / 'a.avi', count=24, rate_hz=15.0, code='MJPG')
    (root / 'still' / 'a').mkdir()
    for number in range(24):
        level = np.full((48, 64, 3), 10 * number, np.uint8)
        cv2.imwrite(str(root / 'still' / 'a' / f'{number:02d}.png'), level)
    split(root, 'film,split', 'fast/a.avi,train', 'slow/a.avi,train', 'still/a,train')
    return root


def test_frames_are_counted_in_time(films):
    library = Folder(films, 'train', PA17J, picture_rate_hz=10.0)
    assert [library.title(i) for i in range(3)] == ['fast/a.avi', 'slow/a.avi', 'still/a']
    assert [library.length(i) for i in range(3)] == [12, 47, 70]
    for index, step in ((0, 2.0), (1, 0.5), (2, 1 / 3)):
        levels = [image.mean() for image in library.images(index, [0, 6, 9])]
        assert levels == pytest.approx(10 * np.round([0, 6 * step, 9 * step]), abs=11)
    clip = RecordedClips(library, 4)[1]
    assert clip['crop'].shape == (4, 3, 256, 256)
    assert library.actions[int(clip['action'])] == 'slow'
    assert clip['joints_crop'].isnan().all()


def test_windows_are_those_of_boxes_of_joints_or_the_whole_image(films):
    library = Folder(films, 'train', PA17J)
    whole = library.track(1, [0, 4]).box
    assert (whole.center_x, whole.center_y, whole.size) == (32, 24, 64)
    lines = ['slow/a.avi,0,0,0,10,20', 'slow/a.avi,20,40,0,50,20']
    (films / 'boxes.csv').write_text('\n'.join(['film,frame,x1,y1,x2,y2', *lines]) + '\n')
    library = Folder(films, 'train', PA17J)
    first, both = library.track(1, [0, 4]).box, library.track(1, [0, 40]).box
    assert (first.center_x, first.center_y, first.size) == (5, 10, 20)
    assert (both.center_x, both.size) == (25, 60)
    np.savez(
        films / 'joints.npz', clip=['slow/a.avi'], start=[0, 2], frame=[0, 20],
        joints=['left_hip', 'right_hip'],
        xy=np.array([[[10, 10], [20, 10]], [[30, 20], [40, 20]]], np.float32),
    )  # fmt: skip
    track = Folder(films, 'train', PA17J).track(1, [20])
    hips = track.joints_image_px[0, [PA17J.index('left_hip'), PA17J.index('right_hip')]]
    np.testing.assert_allclose(hips, [[20, 15], [30, 15]])  # its own frame 10
    assert track.box.center_x == pytest.approx(25)


def test_by_name_and_without_test_films(films):
    library = open_library('folder', films, 'train', PA17J, picture_rate_hz=10.0)
    assert library.length(2) == 70
    with pytest.raises(NoSplitError, match="no films for 'test', only for train"):
        open_library('folder', films, 'test', PA17J)
    with pytest.raises(ConfigError, match='folder has no option rate; it has boxes, joints'):
        open_library('folder', films, 'train', PA17J, rate=3)


def test_a_film_that_is_cut_short_is_named(films):
    library = Folder(films, 'train', PA17J)
    library.length(2)
    (films / 'still' / 'a' / '23.png').unlink()
    with pytest.raises(DatasetError, match=r'still/a ends before frame 23; it is damaged'):
        library.images(2, [23])
