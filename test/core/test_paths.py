"""Hidden files are not data, and a written file is complete or absent."""

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
