"""Films that are written are read again: sizes, times, codec."""

import cv2
import numpy as np
import pytest

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry import Film
from pose_action_ros.geometry.film_writer import FilmWriter, has_h264

needs_av = pytest.mark.skipif(not has_h264(), reason='needs PyAV')


def images(count, height=48, width=64):
    return [np.full((height, width, 3), 20 * n, np.uint8) for n in range(count)]


@needs_av
def test_images_are_shown_at_their_own_times(tmp_path):
    times_s = [0.0, 0.1, 0.2, 0.7, 0.8]
    with FilmWriter(tmp_path / 'a.mp4', 10.0, (64, 48)) as film:
        for image, time_s in zip(images(5), times_s, strict=True):
            film.add(image, time_s)
    found = list(Film(tmp_path / 'a.mp4'))
    assert [time_s for time_s, _ in found] == pytest.approx(times_s, abs=1e-3)
    assert [image.mean() for _, image in found] == pytest.approx(20 * np.arange(5), abs=4)


@needs_av
def test_odd_sides_and_times_that_stand_still(tmp_path):
    with FilmWriter(tmp_path / 'a.mp4', 10.0, (63, 47)) as film:
        for image in images(3, 47, 63):
            film.add(image, 0.5)
    shapes = [image.shape for _, image in Film(tmp_path / 'a.mp4')]
    assert shapes == [(48, 64, 3)] * 3


@needs_av
def test_the_index_comes_first(tmp_path):
    with FilmWriter(tmp_path / 'a.mp4', 10.0, (64, 48)) as film:
        film.add(images(1)[0], 0.0)
    content = (tmp_path / 'a.mp4').read_bytes()
    assert content.index(b'moov') < content.index(b'mdat')


def test_without_pyav_it_is_a_film_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr('pose_action_ros.geometry.film_writer.find_spec', lambda _: None)
    with FilmWriter(tmp_path / 'a.mp4', 25.0, (64, 48)) as film:
        for number, image in enumerate(images(4)):
            film.add(image, number / 25.0)
    assert len(list(Film(tmp_path / 'a.mp4'))) == 4


@pytest.mark.parametrize('with_av', [pytest.param(True, marks=needs_av), False])
def test_a_folder_that_is_not_there(tmp_path, monkeypatch, with_av):
    if not with_av:
        monkeypatch.setattr('pose_action_ros.geometry.film_writer.find_spec', lambda _: None)
    with pytest.raises(ImageError, match='cannot write'):
        FilmWriter(tmp_path / 'none' / 'a.mp4', 25.0, (64, 48))


def test_images_of_another_size_are_scaled(tmp_path):
    with FilmWriter(tmp_path / 'a.mp4', 10.0, (64, 48)) as film:
        film.add(images(1)[0], 0.0)
        film.add(images(1, 100, 200)[0], 0.1)
    film = cv2.VideoCapture(str(tmp_path / 'a.mp4'))
    assert [film.read()[1].shape for _ in range(2)] == [(48, 64, 3)] * 2
