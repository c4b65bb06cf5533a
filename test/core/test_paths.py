"""Hidden files are not data, and a written file is complete or absent."""

import os

import pytest

from pose_action_ros.core.paths import visible_files, written_whole


def test_files_come_by_name_without_hidden_ones(tmp_path):
    for name in ('b.mat', 'a.mat', '._a.mat', '.DS_Store', '.hidden.mat', 'c.txt'):
        (tmp_path / name).touch()
    assert [path.name for path in visible_files(tmp_path)] == ['a.mat', 'b.mat', 'c.txt']
    assert [path.name for path in visible_files(tmp_path, '*.mat')] == ['a.mat', 'b.mat']
    assert visible_files(tmp_path / 'none') == []


def test_what_lies_in_a_hidden_folder_is_hidden(tmp_path):
    inner = tmp_path / '.made' / 'x'  # the folder itself may be a hidden one
    for name in ('a/b/1.png', '.git/2.png', 'a/.trash/3.png', 'a/._1.png', '4.png'):
        (inner / name).parent.mkdir(parents=True, exist_ok=True)
        (inner / name).touch()
    found = [p for p in visible_files(inner, '**/*') if p.is_file()]
    assert found == [inner / '4.png', inner / 'a/b/1.png']


def test_folders_that_are_links_are_searched_once(tmp_path):
    root, other = tmp_path / 'set', tmp_path / 'disk' / 'train'
    for path in (other / 'deep' / '1.png', root / 'val' / '2.png'):
        path.parent.mkdir(parents=True)
        path.touch()
    (root / 'train').symlink_to(other)
    (root / 'again').symlink_to('val')
    (root / 'val' / 'loop').symlink_to('..')
    (root / 'val' / 'up').symlink_to(tmp_path)
    (other / 'deep' / 'back').symlink_to(other)
    (root / 'nowhere').symlink_to(tmp_path / 'nothing')
    (root / 'itself').symlink_to('itself')
    skipped = {}
    found = visible_files(root, '**/*.png', skipped)
    assert found == [root / 'train/deep/1.png', root / 'val/2.png']
    assert {str(path.relative_to(root)): reason for path, reason in skipped.items()} == {
        'again': 'a link to a folder that is listed already',
        'train/deep/back': 'a link to a folder that is listed already',
        'val/loop': 'a link to a folder that is listed already',
        'val/up': 'a link to a folder around it',
    }
    (tmp_path / 'link').symlink_to(root)
    assert len(visible_files(tmp_path / 'link', '**/*.png')) == 2


def test_a_folder_that_may_not_be_read_does_not_vanish(tmp_path, monkeypatch):
    for name in ('closed', 'open'):
        (tmp_path / name).mkdir()
        (tmp_path / name / '1.png').touch()
    deny(monkeypatch, tmp_path / 'closed')
    with pytest.raises(PermissionError, match='closed'):
        visible_files(tmp_path / 'closed')
    with pytest.raises(PermissionError, match='closed'):
        visible_files(tmp_path, '**/*')
    skipped = {}
    assert visible_files(tmp_path, '**/*.png', skipped) == [tmp_path / 'open/1.png']
    assert list(skipped) == [tmp_path / 'closed']
    assert 'cannot be read (Permission denied)' in skipped[tmp_path / 'closed']


def deny(monkeypatch, folder):
    """As the mode 000 does for everybody but root, who runs tests in containers."""
    scandir = os.scandir

    def denied(path):
        if path == folder:
            raise PermissionError(13, 'Permission denied', str(path))
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', denied)


def interrupted_writing(path):
    with written_whole(path) as part:
        part.write_text('half')
        raise KeyboardInterrupt


def test_a_file_is_complete_or_absent(tmp_path):
    path = tmp_path / 'a.npz'
    with written_whole(path) as part:
        part.write_text('new')
        assert not path.exists()
        assert part.suffix == '.npz'
        assert part not in visible_files(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ['a.npz']
    with pytest.raises(KeyboardInterrupt):
        interrupted_writing(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ['a.npz']
    assert path.read_text() == 'new'


def test_two_writers_of_one_file_do_not_share_a_part(tmp_path):
    """As two machines with the same process number on a shared disk."""
    path = tmp_path / 'a.txt'
    with written_whole(path) as first, written_whole(path) as second:
        first.write_text('first')
        second.write_text('second')
        assert first.read_text() == 'first'
    assert [entry.name for entry in tmp_path.iterdir()] == ['a.txt']


def test_an_error_before_the_first_byte(tmp_path):
    with pytest.raises(FileNotFoundError), written_whole(tmp_path / 'none' / 'a.txt') as part:
        part.write_text('text')
