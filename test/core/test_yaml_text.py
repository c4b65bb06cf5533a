"""Strict YAML: every fault is one error that names the source."""

import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.yaml_text import read_yaml, read_yaml_file


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('a: {b: 1}\na: {c: 2}', "line 2: 'a' is given twice"),
        ('- {b: 1, b: 2}', "'b' is given twice"),
        ('name: 2024-13-45', 'month must be in 1..12'),
        ('[1', 'expected'),
        ('[' * 3000, 'is not YAML'),
        ('? [a]\n: b', 'is not YAML'),
        ('!!python/object:os.system x', 'could not determine a constructor'),
    ],
)
def test_a_faulty_text_is_one_error(text, words):
    with pytest.raises(ConfigError, match=r'--set is not YAML') as error:
        read_yaml(text, '--set')
    assert words in str(error.value)


def test_a_text_is_its_value():
    assert read_yaml('{a: &x {b: 1}, c: {<<: *x, d: [1, 2]}}', '') == {
        'a': {'b': 1},
        'c': {'b': 1, 'd': [1, 2]},
    }
    assert read_yaml('', '') is None


def test_a_file_of_another_encoding_is_an_error(tmp_path):
    path = tmp_path / 'run.yaml'
    path.write_bytes('name: Pröbe'.encode('latin-1'))
    with pytest.raises(ConfigError, match=r'run\.yaml is not UTF-8 .*; save it as UTF-8'):
        read_yaml_file(path, 'demo.yaml')
    path.write_bytes('name: Pröbe'.encode('utf-8-sig'))
    assert read_yaml_file(path, 'demo.yaml') == {'name': 'Pröbe'}
    with pytest.raises(ConfigError, match=r'expected a YAML file such as demo\.yaml'):
        read_yaml_file(tmp_path / 'none.yaml', 'demo.yaml')
