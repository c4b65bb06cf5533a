"""Miniature data sets, written once per session; readers only read them."""

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope='session')
def miniatures():
    """The module that writes and knows them (test/data/miniatures.py)."""
    return _module('miniatures')


@pytest.fixture(scope='session')
def people(miniatures):
    """The module that writes photographs and films of people (test/data/people_miniatures.py)."""
    return _module('people_miniatures')


def _module(name):
    path = Path(__file__).with_name(f'{name}.py')
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # which others import by this name
    spec.loader.exec_module(module)
    return module


def _fixture(name, writer, *arguments):
    @pytest.fixture(scope='session', name=name)
    def root(miniatures, tmp_path_factory):
        folder = tmp_path_factory.mktemp(name)
        getattr(miniatures, writer)(folder, *arguments)
        return folder

    return root


mpii_official = _fixture('mpii_official', 'write_mpii', True)
mpii_released = _fixture('mpii_released', 'write_mpii', False)
h36m_released = _fixture('h36m_released', 'write_h36m_released')
h36m_official = _fixture('h36m_official', 'write_h36m_official')
penn_official = _fixture('penn_official', 'write_penn', True)
penn_released = _fixture('penn_released', 'write_penn', False)
ntu_official = _fixture('ntu_official', 'write_ntu')
ntu_released = _fixture('ntu_released', 'write_ntu_numpy')


@pytest.fixture
def dots(miniatures):
    """Check that each annotated joint of a crop lies on its dot; returns how many did."""

    def check(sample, skeleton, tolerance=45):
        names = list(miniatures.PA21J.joint_names)
        crop, joints = sample['crop'].numpy(), sample['joints_crop'].numpy()
        hits = 0
        for name, (x, y, _) in zip(skeleton.joint_names, joints, strict=True):
            if x == x:
                pixel = crop[:, int(256 * y), int(256 * x)].astype(int)
                colour = miniatures.COLOURS[names.index(name)]
                assert abs(pixel - colour).max() < tolerance, (name, pixel, colour)
                hits += 1
        return hits

    return check
