"""Advice on a folder."""

import numpy as np
import pytest

from pose_action_ros.data.film_folder import FilmFolder, FolderFilm
from pose_action_ros.teaching.film_features import FilmFeatures
from pose_action_ros.teaching.survey import advice, summaries


def features(count=30, shown=30, rate_hz=15.0):
    """What was seen of a film; a person in its first `count` frames."""
    times = np.arange(count) / rate_hz
    empty = np.zeros((count, 17, 3), np.float32)
    return FilmFeatures(
        times, np.ones(count, int), np.ones((count, 3)), empty, empty[..., 0],
        np.zeros((count, 17, 8), np.float16), shown, (shown - 1) / rate_hz,
    )  # fmt: skip


@pytest.fixture
def make(tmp_path):
    def folder(counts):
        films = []
        for action, count in counts.items():
            (tmp_path / action).mkdir()
            for n in range(count):
                path = tmp_path / action / f'{n}.mp4'
                path.write_text(f'{action} {n}')
                part = 'val' if n % 5 == 0 else 'train'
                films.append(FolderFilm(f'{action}/{n}.mp4', action, path, part, str(n)))
        return FilmFolder(tmp_path, tuple(counts), tuple(films))

    return folder


def told(folder, seen=None, **options):
    seen = {film.name: features() for film in folder.films} | (seen or {})
    given = {'clip_s': 1.0, 'period_s': 1 / 15, 'left_right_matters': False, **options}
    return advice(folder, seen, **given)


def test_nothing_to_say_of_a_good_folder(make):
    assert told(make({'come': 10, 'other': 20})) == []
    assert told(make({'stop': 10, 'nothing': 12})) == []


def test_a_missing_class_other_is_explained(make):
    (line,) = told(make({'come': 10, 'stop': 10}))
    assert 'There is no class `other`.' in line
    assert 'sub-folder `other`' in line


@pytest.mark.parametrize('name', ['left wave', 'wave_right', 'turn-left', 'point right'])
def test_sides_in_names_need_films_that_are_not_mirrored(make, name):
    folder = make({name: 10, 'other': 10})
    assert '--left-right-matters' in told(folder)[0]
    assert told(folder, left_right_matters=True) == []


def test_copyright_is_no_side(make):
    assert told(make({'copyright': 10, 'other': 10})) == []


def test_few_and_uneven_films(make):
    lines = told(make({'come': 3, 'other': 30}))
    assert lines[0].startswith('Fewer than 10 films: come (3).')
    assert lines[1].startswith('The classes have 3 to 30 films.')


def test_films_of_nobody_short_and_slow_ones(make):
    folder = make({'come': 10, 'other': 10})
    seen = {
        'come/0.mp4': features(0),
        'come/1.mp4': features(10),
        'come/2.mp4': features(12, 12),
        'come/3.mp4': features(20, 20, rate_hz=8.0),
    }
    lines = told(folder, seen)
    assert [line.split('.mp4')[0] for line in lines] == [
        'Nobody is found in come/0',
        'The person is found in fewer than half of the frames of come/1',
        'Shorter than a clip of 1.0 s: come/2',
        'Fewer frames than the 15 Hz of a clip: come/3',
    ]
    row = summaries(folder, {film.name: features() for film in folder.films} | seen)[0]
    assert row.films == {'train': 8, 'val': 2, 'test': 0}
    assert row.unseen == 1
    assert row.seconds == pytest.approx((11 / 15, 19 / 8))
    assert row.rate_hz == pytest.approx((8.0, 15.0))
    assert (row.length, row.rate) == ('0.7 to 2.4', '8 to 15')
    other = summaries(folder, {film.name: features() for film in folder.films})[1]
    assert (other.length, other.rate) == (f'{other.seconds[0]:.1f}', '15')
    assert row.seen == pytest.approx((8 + 0 + 1 / 3) / 10)


def test_the_same_film_twice_is_named(make):
    folder = make({'come': 10, 'other': 10})
    folder.films[3].path.write_text('other 4')
    (line,) = told(folder)
    assert line.startswith('The folder has copies: other/4.mp4 = come/3.mp4.')
