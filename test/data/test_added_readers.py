"""A data set that another package adds, really installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

READER = """
from pose_action_ros.data.folder import Folder
from pose_action_ros.data.opening import DatasetReader


class Gestures(Folder):
    name = 'gestures'


READER = DatasetReader(Gestures, 'pa17j', ('train', 'val'))
"""
PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "gestures"
version = "1"
[project.entry-points."pose_action_ros.datasets"]
gestures = "gestures:READER"
broken = "gestures:NOTHING"
wrong = "gestures:Gestures"
"""
ASK = """
from pathlib import Path
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.data.opening import dataset_names, dataset_options, open_library

library = open_library('gestures', ROOT, 'train', PA17J, every=3)
print(library.name, len(library), *library.actions, *dataset_options('gestures')[:2])
print('gestures' in dataset_names())
for name in ('broken', 'wrong', 'absent'):
    try:
        open_library(name, ROOT, 'train', PA17J)
    except ConfigError as error:
        print(error)
"""


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    source, target = (tmp_path_factory.mktemp(name) for name in ('source', 'target'))
    (source / 'gestures.py').write_text(READER)
    (source / 'pyproject.toml').write_text(PROJECT)
    command = [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--no-index']
    command += ['--no-build-isolation', '--target', str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return target


@pytest.fixture
def root(tmp_path, write_film):
    for name in ('come', 'stop'):
        (tmp_path / name).mkdir()
        for number in range(2):
            write_film(tmp_path / name / f'{number}.avi', code='MJPG')
    return tmp_path


def test_a_package_of_ten_lines_adds_a_reader(installed, root):
    paths = [str(installed), str(Path(__file__).parents[2]), os.environ.get('PYTHONPATH', '')]
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(paths)}
    code = f'ROOT = {str(root)!r}\n{ASK}'
    done = subprocess.run(
        [sys.executable, '-c', code], env=environment, capture_output=True, text=True, check=True
    )
    found, known, broken, wrong, absent = done.stdout.splitlines()
    assert found == 'gestures 2 come stop boxes joints'
    assert known == 'True'
    assert "the reader of 'broken', gestures:NOTHING, does not load: AttributeError" in broken
    assert "the reader of 'wrong', gestures:Gestures, is <class" in wrong
    assert 'expected a DatasetReader' in wrong
    assert "unknown data set 'absent'; known: mpii" in absent
    assert 'gestures' in absent
    sheet = root / 'sheet.png'
    command = [sys.executable, '-m', 'pose_action_ros.cli.main', 'data', 'check', 'gestures']
    subprocess.run([*command, root, '--sheet', sheet], env=environment, check=True)
    assert sheet.exists()
