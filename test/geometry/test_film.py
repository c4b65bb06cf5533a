"""Films give their images at the film's own times."""

import cv2
import numpy as np
import pytest

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry import Film


@pytest.mark.parametrize(('name', 'code'), [('a.mp4', 'mp4v'), ('a.avi', 'MJPG')])
def test_a_constant_rate(tmp_path, write_film, name, code):
    film = Film(write_film(tmp_path / name, code=code))
    assert (film.size, film.rate_hz, film.count) == ((64, 48), 25.0, 12)
    for _ in range(2):  # each iteration starts anew
        times, images = zip(*film, strict=True)
        assert times == pytest.approx(np.arange(12) / 25.0, abs=1e-3)
        assert [image.mean() for image in images] == pytest.approx(10 * np.arange(12), abs=4)


def test_a_variable_rate_is_the_films_own(tmp_path, write_film):
    film = Film(write_film(tmp_path / 'phone.mp4', runs=[(6, 1), (6, 4)]))
    times = [time_s for time_s, _ in film]
    expected = np.array([0, 1, 2, 3, 4, 5, 6, 10, 14, 18, 22, 26]) / 25.0
    assert times == pytest.approx(expected, abs=1e-3)


def stating(monkeypatch, stated):
    """Have OpenCV state these properties of any film: functions without arguments, by number."""
    real = cv2.VideoCapture

    class Capture:
        def __init__(self, path):
            self.capture = real(path)
            for name in ('read', 'grab', 'retrieve', 'release'):
                setattr(self, name, getattr(self.capture, name))

        def get(self, key):
            return stated[key]() if key in stated else self.capture.get(key)

    monkeypatch.setattr(cv2, 'VideoCapture', Capture)


@pytest.mark.parametrize('clock', [lambda n: 0.0, lambda n: float('nan'), lambda n: -40.0 * n])
def test_a_film_without_times_has_those_of_its_rate(tmp_path, write_film, monkeypatch, clock):
    film = Film(write_film(tmp_path / 'a.mp4'))
    calls = iter(range(100))
    stating(monkeypatch, {cv2.CAP_PROP_POS_MSEC: lambda: clock(next(calls))})
    times = [time_s for time_s, _ in film]
    assert times == pytest.approx(np.arange(12) / 25.0, abs=1e-6)


def test_a_number_of_images_that_was_made_from_the_duration_is_no_damage(
    tmp_path, write_film, monkeypatch
):
    """As of Matroska: 12 images within 30 periods are stated as 30."""
    path = write_film(tmp_path / 'phone.mp4', runs=[(6, 1), (6, 4)])
    stating(monkeypatch, {cv2.CAP_PROP_FRAME_COUNT: lambda: 30.0, cv2.CAP_PROP_FPS: lambda: 25.0})
    film = Film(path)
    assert film.count == 30
    assert len(list(film)) == 12
    assert film.problems == []


def test_a_film_that_ends_early_is_said(tmp_path, write_film, monkeypatch):
    path = write_film(tmp_path / 'a.avi', code='MJPG')
    stating(monkeypatch, {cv2.CAP_PROP_FRAME_COUNT: lambda: 300.0, cv2.CAP_PROP_FPS: lambda: 25.0})
    film = Film(path)
    for _ in range(2):  # not once more with each iteration
        assert len(list(film)) == 12
        assert len(film.problems) == 1
    assert 'a.avi ends after 12 of 300 frames: it is damaged or cut short' in film.problems[0]


def test_what_is_no_film_is_named(tmp_path):
    with pytest.raises(ImageError, match=r'there is no video .*none\.mp4'):
        Film(tmp_path / 'none.mp4')
    (tmp_path / 'text.mp4').write_text('no film')
    with pytest.raises(ImageError, match=r'text\.mp4 cannot be read as a video'):
        Film(tmp_path / 'text.mp4')
