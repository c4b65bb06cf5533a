"""Hidden files are no data."""

from pose_action_ros.core.paths import visible_files


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
