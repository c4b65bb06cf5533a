"""Films cut out of a row of images."""

import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.geometry import Film
from pose_action_ros.teaching.takes import (
    Take,
    check_label,
    cut_takes,
    next_number,
    take_path,
    write_take,
)


def moments(count, rate_hz=10.0, begin_s=5.0):
    return [(begin_s + n / rate_hz, np.full((48, 64, 3), n, np.uint8)) for n in range(count)]


def first_frames(takes):
    return [(int(take.frames[0][0, 0, 0]), len(take.frames)) for take in takes]


def test_pieces_follow_one_another():
    takes = list(cut_takes(moments(35), seconds=1.0))
    assert first_frames(takes) == [(0, 10), (10, 10), (20, 10)]
    assert takes[0].rate_hz == pytest.approx(10.0)


def test_the_last_piece_may_end_with_the_images():
    assert first_frames(cut_takes(moments(20), seconds=1.0)) == [(0, 10), (10, 10)]
    assert first_frames(cut_takes(moments(19), seconds=1.0)) == [(0, 10)]


def test_pauses_and_the_beginning_are_skipped():
    found = first_frames(cut_takes(moments(60), seconds=1.0, pause=1.0, start=0.5))
    assert found == [(5, 10), (25, 10), (45, 10)]


def test_takes_are_written_and_numbered_on(tmp_path):
    folder = tmp_path / 'come here'
    assert next_number(folder) == 1
    path = take_path(folder, 'come here', 7)
    times, images = zip(*moments(12, rate_hz=12.5), strict=True)
    write_take(path, Take(list(images), list(times)))
    assert path.name == 'come_here_0007.mp4'
    film = Film(path)
    assert (film.count, film.rate_hz, film.size) == (12, pytest.approx(12.5, rel=0.01), (64, 48))
    assert [p.name for p in folder.iterdir()] == [path.name]
    assert next_number(folder) == 8


@pytest.mark.parametrize('label', ['', ' ', '../x', 'a/b', '.hidden', 'a\nb'])
def test_a_label_is_the_name_of_a_folder(label):
    with pytest.raises(ConfigError, match='expected the name of a folder'):
        check_label(label)
    assert check_label(' come here ') == 'come here'
