"""Films give their images at the film's own times."""

import struct

import cv2
import numpy as np
import pytest

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry import Film

HOLDERS = (b'moov', b'trak', b'mdia', b'minf', b'stbl', b'edts')


def write_film(path, count=12, rate_hz=25.0, code='mp4v'):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), rate_hz, (64, 48))
    for index in range(count):
        writer.write(np.full((48, 64, 3), 10 * index, np.uint8))
    writer.release()
    return path


def with_periods(path, runs):
    """Give an mp4 a variable rate.

    Args:
        path: The film, at a constant rate; it is changed.
        runs: (number of images, periods of the constant rate that each of them lasts).
    """

    def changed(data):
        out, at = b'', 0
        while at < len(data):
            size, kind = struct.unpack('>I4s', data[at : at + 8])
            body = data[at + 8 : at + size]
            if kind in HOLDERS:
                body = changed(body)
            if kind == b'stts':
                (unit,) = struct.unpack('>I', body[12:16])
                rows = b''.join(struct.pack('>II', n, periods * unit) for n, periods in runs)
                body = struct.pack('>II', 0, len(runs)) + rows
            if kind != b'edts':  # it holds the length of the constant rate
                out += struct.pack('>I4s', len(body) + 8, kind) + body
            at += size
        return out

    path.write_bytes(changed(path.read_bytes()))
    return path


@pytest.mark.parametrize(('name', 'code'), [('a.mp4', 'mp4v'), ('a.avi', 'MJPG')])
def test_a_constant_rate(tmp_path, name, code):
    film = Film(write_film(tmp_path / name, code=code))
    assert (film.size, film.rate_hz, film.count) == ((64, 48), 25.0, 12)
    for _ in range(2):  # each iteration starts anew
        times, images = zip(*film, strict=True)
        assert times == pytest.approx(np.arange(12) / 25.0, abs=1e-3)
        assert [image.mean() for image in images] == pytest.approx(10 * np.arange(12), abs=4)


def test_a_variable_rate_is_the_films_own(tmp_path):
    film = Film(with_periods(write_film(tmp_path / 'phone.mp4'), [(6, 1), (6, 4)]))
    times = [time_s for time_s, _ in film]
    expected = np.array([0, 1, 2, 3, 4, 5, 6, 10, 14, 18, 22, 26]) / 25.0
    assert times == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize('clock', [lambda n: 0.0, lambda n: float('nan'), lambda n: -40.0 * n])
def test_a_film_without_times_has_those_of_its_rate(tmp_path, monkeypatch, clock):
    film = Film(write_film(tmp_path / 'a.mp4'))
    real, calls = cv2.VideoCapture, iter(range(100))

    class Capture:
        def __init__(self, path):
            self.capture = real(path)
            self.read, self.release = self.capture.read, self.capture.release

        def get(self, key):
            return clock(next(calls)) if key == cv2.CAP_PROP_POS_MSEC else self.capture.get(key)

    monkeypatch.setattr(cv2, 'VideoCapture', Capture)
    times = [time_s for time_s, _ in film]
    assert times == pytest.approx(np.arange(12) / 25.0, abs=1e-6)


def test_what_is_no_film_is_named(tmp_path):
    with pytest.raises(ImageError, match=r'there is no video .*none\.mp4'):
        Film(tmp_path / 'none.mp4')
    (tmp_path / 'text.mp4').write_text('no film')
    with pytest.raises(ImageError, match=r'text\.mp4 can not be read as a video'):
        Film(tmp_path / 'text.mp4')
