"""The Python API as its page and the README show it: programs that run, results that exist."""

import inspect
import itertools
import re
import time
from dataclasses import fields, is_dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

import pose_action_ros.inference as api
from pose_action_ros.simulation.scene import SimulatedFilm

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs/python_api.md').read_text()
README = (ROOT / 'README.md').read_text()
WEBCAM, NUMPY = re.findall(r'```python\n(.*?)```', PAGE, re.S)
RESULTS = ('FramePrediction', 'PersonPrediction', 'ActionScores', 'PersonBox', 'Camera')


def rows(heading):
    """First cells of the tables below a heading."""
    section = PAGE.partition(f'{heading}\n')[2]
    section = re.split(r'^##', section, maxsplit=1, flags=re.M)[0]
    cells = re.findall(r'^\| (`.*?) \|', section, re.M)
    return [name for cell in cells for name in re.findall(r'`(\w+)`', cell)]


@pytest.mark.parametrize('name', RESULTS)
def test_the_page_lists_all_of_a_result(name):
    kind = getattr(api, name)
    assert is_dataclass(kind)
    public = [field.name for field in fields(kind)]
    if name != 'Camera':
        public += [n for n, value in vars(kind).items() if isinstance(value, property)]
    assert rows(f'### `{name}`') == public


@pytest.mark.parametrize('method', ['open', 'process'])
def test_the_page_lists_all_arguments_in_their_order(method):
    function = getattr(api.PoseActionStream, method)
    names = [name for name in inspect.signature(function).parameters if name != 'self']
    found = re.search(rf'`(?:\w+\.)?{method}\((.*?)\)`', PAGE)[1]
    assert found.replace('*, ', '').split(', ') == names
    assert set(names) <= set(rows('## `PoseActionStream`'))


def test_the_page_names_all_that_is_exported():
    for name in api.__all__:
        assert f'`{name}' in PAGE, name
        assert hasattr(api, name)


class Webcam:
    """Films the simulated actor, image by image."""

    def __init__(self, device):
        assert device == 0
        self._film, self._left = SimulatedFilm(seed=4), 3

    def read(self):
        self._left -= 1
        if self._left < 0:
            return False, None
        image_rgb = self._film.frame(4.0 - self._left * 0.05).image_rgb
        return True, cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)


@pytest.mark.slow
def test_ten_lines_find_somebody_before_a_webcam(monkeypatch, capsys):
    assert f'```python\n{WEBCAM}```' in README
    assert len([line for line in WEBCAM.splitlines() if line]) <= 10
    monkeypatch.setattr(cv2, 'VideoCapture', Webcam)
    ticks_ns = itertools.count(
        1_000_000_000, 50_000_000
    )  # a busy machine would pause between the images
    monkeypatch.setattr(time, 'monotonic_ns', lambda: next(ticks_ns))
    names = {}
    exec(WEBCAM, names)
    printed = capsys.readouterr().out
    assert printed.startswith('1 ')
    assert printed.count('[[') == 3
    (person,) = names['frame'].persons
    assert person.joints_image_px.shape == (17, 2)
    names['stream'].close()


@pytest.mark.slow
def test_metres_of_a_numpy_image(capsys):
    names = {'film': SimulatedFilm(seed=4)}
    exec(NUMPY.replace('np.zeros((480, 640, 3), np.uint8)', 'film.frame(4.0).image_rgb'), names)
    (person,) = names['frame'].persons
    assert np.isfinite(person.root_m).all()
    assert person.root_covariance_m2.shape == (3, 3)
    assert str(person.root_m) in capsys.readouterr().out
    names['stream'].close()
