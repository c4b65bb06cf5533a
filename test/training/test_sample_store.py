"""Stores of samples: once rendered, never again; shared, resumable, checked."""

import pytest
import torch

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.training.sample_store import SampleStore, StoredSamples


class Counting:
    def __init__(self):
        self.asked = []

    def __len__(self):
        return 4

    def __getitem__(self, index):
        self.asked.append(index)
        return {'x': torch.full((2, 3), index, dtype=torch.uint8), 'y': torch.tensor(index / 2)}


def test_each_sample_is_rendered_once_over_two_runs(tmp_path):
    source, path = Counting(), tmp_path / 'deep' / 'x.npy'
    stored = StoredSamples(source, path)
    for _ in range(2):
        assert [float(stored[i]['y']) for i in (2, 0, 2)] == [1.0, 0.0, 1.0]
    assert source.asked == [0, 2, 0]  # the first is the example
    again = Counting()
    resumed = StoredSamples(again, path)
    assert torch.equal(resumed[2]['x'], torch.full((2, 3), 2, dtype=torch.uint8))
    assert again.asked == [0]
    assert len(resumed) == 4


def test_returned_samples_are_copies(tmp_path):
    stored = StoredSamples(Counting(), tmp_path / 'x.npy')
    stored[1]['x'].zero_()
    assert stored[1]['x'].max() == 1


def test_two_stores_share_a_file(tmp_path):
    example = Counting()[0]
    first, second = (SampleStore(tmp_path / 'x.npy', 4, example) for _ in range(2))
    first.put(3, Counting()[3])
    assert 3 in second
    assert 2 not in second
    assert torch.equal(second.get(3)['x'], Counting()[3]['x'])
    assert [path.name for path in tmp_path.iterdir()] == ['x.npy']


def test_a_file_of_other_samples_is_refused(tmp_path):
    SampleStore(tmp_path / 'x.npy', 4, {'x': torch.zeros(2)})
    with pytest.raises(DatasetError, match='delete the file'):
        SampleStore(tmp_path / 'x.npy', 5, {'x': torch.zeros(2)})
    with pytest.raises(DatasetError, match='delete the file'):
        SampleStore(tmp_path / 'x.npy', 4, {'x': torch.zeros(3)})
