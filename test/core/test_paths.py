"""Hidden files are no data."""

from pose_action_ros.core.paths import visible_files


def test_files_come_by_name_without_hidden_ones(tmp_path):
    for name in ('b.mat', 'a.mat', '._a.mat', '.DS_Store', '.hidden.mat', 'c.txt'):
        (tmp_path / name).touch()
    assert [path.name for path in visible_files(tmp_path)] == ['a.mat', 'b.mat', 'c.txt']
    assert [path.name for path in visible_files(tmp_path, '*.mat')] == ['a.mat', 'b.mat']
    assert visible_files(tmp_path / 'none') == []
