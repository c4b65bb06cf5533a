"""Folders of films: what is a film, which part it belongs to, and the library of them."""

import os

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
        (
            ['split,film', 'val,wave/0.mp4', 'train'],
            r'line 3: found .*expected the name of a film',
        ),
        (
            ['film,split', 'wave\\0.mp4,val'],
            r"none of its 15 films; found 'wave.*0\.mp4', expected",
        ),
        (
            ['film,split', '"wave/0.mp4,val', 'stop/0.mp4,train'],
            r"CLASS/FILE such as 'stop/0\.mp4'",
        ),
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


def test_names_that_are_no_text_are_skipped(root):
    os.mkdir(os.fsencode(root) + b'/caf\xe9')
    with open(os.fsencode(root) + b'/wave/caf\xe9.mp4', 'wb'):
        pass
    folder = read_film_folder(root)
    reason = 'the name is not UTF-8; rename it'
    assert folder.skipped == {'caf\\xe9': reason, 'wave/caf\\xe9.mp4': reason}
    assert len(folder.films) == 15


def test_a_class_that_may_not_be_read_is_named(root, monkeypatch):
    (root / 'stop' / 'take').mkdir()
    scandir = os.scandir

    def denied(path):
        if path.name in ('wave', 'take'):
            raise PermissionError(13, 'Permission denied', str(path))
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', denied)
    folder = read_film_folder(root)
    assert folder.actions == ('stop',)
    assert folder.skipped == {
        'stop/take': 'the folder cannot be read (Permission denied); make it readable',
        'wave': 'the folder cannot be read (Permission denied); make it readable, or its class '
        'is missing',
    }
    for path in (root / 'stop').iterdir():
        path.rmdir() if path.is_dir() else path.unlink()
    with pytest.raises(
        DatasetError, match=r'has no films; .*1 skipped: the folder cannot be read'
    ):
        read_film_folder(root)


def test_boxes_of_films_that_are_missing_are_named(root):
    (root / 'boxes.csv').write_text('film,frame,x1,y1,x2,y2\nwave/00.mp4,0,1,1,9,9\n')
    folder = read_film_folder(root)
    assert folder.skipped == {'wave/00.mp4': 'boxes.csv names it, it is missing'}
    assert folder.boxes == {'wave/00.mp4': {0: (1, 1, 9, 9)}}
    with pytest.raises(DatasetError, match=r'mine\.csv cannot be read'):
        read_film_folder(root, boxes=root / 'mine.csv')


@pytest.mark.parametrize(
    ('line', 'match'),
    [
        ('a/b.mp4,0,5,1,2,9', 'line 2: .*expected x1 < x2'),
        ('a/b.mp4,one,1,1,2,2', 'line 2: .*is not a box'),
        ('a/b.mp4,0,1e300,0,1e301,10', 'line 2: .*expected pixels, but no film is so large'),
        ('a/b.mp4,0,-1e9,-1e9,-1e8,-1e8', 'no film is so large'),
        ('a/b.mp4,0', 'line 2: .*is not a box'),
        (',0,1,1,2,2', 'line 2: .*expected the name of a film'),
        ('a/b.mp4,99999999999999999999,1,1,2,2', 'a frame from 0'),
    ],
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


def test_a_box_beside_the_film_is_named(films):
    (films / 'boxes.csv').write_text('film,frame,x1,y1,x2,y2\nslow/a.avi,3,900,0,910,9\n')
    library = Folder(films, 'train', PA17J)
    with pytest.raises(
        DatasetError, match=r'slow/a\.avi: the box .* of frame 3 .* 64 x 48 pixels'
    ):
        library.track(1, [0])


GOOD = {
    'clip': ['slow/a.avi', 'b'], 'start': [0, 2, 3], 'joints': ['left_hip'],
    'xy': np.full((3, 1, 2), 5.0), 'frame': [0, 4, 0], 'conf': np.ones((3, 1)),
}  # fmt: skip


@pytest.mark.parametrize(
    ('change', 'match'),
    [
        ({'start': [0, 2, 9]}, 'start has 0 to 9 for 3 rows'),
        ({'start': [0, 3, 2]}, 'none below the one before'),
        ({'start': [0, 3, -1]}, r'start has -1\.0; expected whole numbers from 0'),
        ({'start': [0, 3]}, r'found start of type int64 and shape \(2,\)'),
        ({'start': ['a', 'b', 'c']}, 'expected numbers of shape'),
        ({'start': [0, 1.5, 3]}, r'start has 1\.5'),
        ({'conf': np.ones((2, 1))}, r'found conf of .*expected numbers of shape \(3, 1\)'),
        ({'z': np.ones((3, 1), complex)}, 'found z of type complex128'),
        ({'frame': [0, 4]}, 'found frame'),
        ({'frame': [0, np.nan, 0]}, 'frame has nan'),
        ({'frame': [4, 0, 0]}, r'the frames of slow/a\.avi do not rise'),
        ({'xy': np.float64(3)}, 'start has 0 to 3 for 1 rows'),
        ({'xy': np.full((3, 1, 2), 1e300)}, 'far outside of every picture'),
        ({'joints': [[1]]}, 'expected a row of names'),
        ({'clip': ['b', 'b']}, 'clip names b twice'),
    ],
)
def test_damaged_joints_are_refused(films, change, match):
    np.savez(films / 'joints.npz', **{**GOOD, **change})
    with pytest.raises(DatasetError, match=match):
        Folder(films, 'train', PA17J)


def test_joints_of_films_that_are_missing_are_named(films):
    np.savez(films / 'joints.npz', **GOOD)
    library = Folder(films, 'train', PA17J)
    assert library.skipped == {'b': 'joints.npz names it, it is missing'}
    assert library.track(1, [0]).joints_image_px[0, PA17J.index('left_hip')].tolist() == [5, 5]


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
