"""A damaged sample costs itself, never the run."""

import numpy as np
import pytest
from torch.utils.data import DataLoader

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.data.mixing import MixedSamples, SpreadSamples
from pose_action_ros.data.sound_samples import SoundSamples, skipped_samples


class Films:
    """Numbers, some of which cannot be read; a varied one adds what was drawn."""

    def __init__(self, count, damaged):
        self.count, self.damaged = count, set(damaged)

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index in self.damaged:
            raise DatasetError(f'film {index} is cut short')
        if index >= self.count:
            raise IndexError(index)
        return index

    def varied(self, index, rng):
        drawn = float(rng.random())
        return self[index] + drawn


def test_the_next_whole_sample_comes_in_the_place_of_a_damaged_one(caplog):
    films = SoundSamples(Films(6, [1, 2, 5]), 'ntu train')
    assert [films[index] for index in range(6)] == [0, 3, 3, 3, 4, 0]
    assert [films[index] for index in range(6)] == [0, 3, 3, 3, 4, 0]
    assert films.skipped == 3
    assert skipped_samples(films) == {'ntu train': 3}
    texts = [record.getMessage() for record in caplog.records]
    assert texts == [
        f'ntu train: sample {index} is skipped: film {index} is cut short' for index in (1, 2, 5)
    ]
    with pytest.raises(IndexError):
        films[6]


def test_a_position_always_gives_the_same_sample():
    mixed = [
        MixedSamples([SoundSamples(Films(5, [2]), 'a'), SoundSamples(Films(4, [0]), 'b')], seed=3)
        for _ in range(2)
    ]
    forwards = [mixed[0][position] for position in range(20)]
    backwards = [mixed[1][position] for position in reversed(range(20))]
    assert forwards == backwards[::-1]
    assert skipped_samples(mixed[0]) == {'a': 1, 'b': 1}


def test_what_other_processes_skip_is_counted():
    films = SoundSamples(Films(40, range(0, 40, 4)), 'films')
    spread = SpreadSamples(films, 40)
    loaded = [int(n) for n in DataLoader(spread, batch_size=None, num_workers=1)]
    assert loaded == [n + 1 if n % 4 == 0 else n for n in range(40)]
    assert skipped_samples(spread) == {'films': 10}


def test_a_folder_that_is_gone_ends_the_run():
    films = SoundSamples(Films(400, range(20, 300)), 'films')
    with pytest.raises(DatasetError, match=r'films: 50 samples in a row .* film 149 is cut'):
        films.varied(100, np.random.default_rng(0))
    few = SoundSamples(Films(3, range(3)), 'few')
    with pytest.raises(DatasetError, match='few: 3 samples in a row'):
        few[0]
