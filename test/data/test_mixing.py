"""Mixtures: shares of every batch, every sample in turn, determined by the position."""

import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.data.mixing import (
    ENDLESS,
    JoinedSamples,
    MixedSamples,
    SpreadSamples,
    share_table,
)


class Numbers:
    """Samples that say what they are and how they were drawn."""

    def __init__(self, name, count):
        self.name, self.count = name, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self.name, index

    def varied(self, index, rng):
        return self.name, index, float(rng.random())


@pytest.mark.parametrize(
    ('shares', 'batch'),
    [((0.5, 0.5), 24), ((0.75, 0.25), 24), ((0.45, 0.45, 0.10), 24), ((0.45, 0.45, 0.1), 7)],
)
def test_every_batch_has_its_shares(shares, batch):
    table = np.resize(share_table(shares), 60 * batch)
    for start in range(0, len(table), batch):
        counts = np.bincount(table[start : start + batch], minlength=len(shares))
        assert np.abs(counts - np.multiply(shares, batch)).max() <= 1.0
    counts = np.bincount(table) / len(table)
    np.testing.assert_allclose(counts, shares, atol=0.01)


def test_shares_are_exact_over_a_period():
    assert share_table((3, 1)).tolist() == [0, 0, 1, 0]
    assert sorted(share_table((0.45, 0.45, 0.1)).tolist()) == [0] * 9 + [1] * 9 + [2] * 2


def test_each_set_is_gone_through_before_any_sample_comes_again():
    mixed = MixedSamples([Numbers('a', 6), Numbers('b', 4)], [0.75, 0.25])
    first = [mixed[position][:2] for position in range(8)]
    assert sorted(index for name, index in first if name == 'a') == list(range(6))
    visits = [mixed.locate(position) for position in range(32)]
    for number, size in ((0, 6), (1, 4)):
        turns = [(visit, index) for n, index, visit in visits if n == number]
        assert len(turns) == len(set(turns))
        assert turns == sorted(turns, key=lambda turn: turn[0])
        assert {index for visit, index in turns if visit == 0} == set(range(size))


def test_a_position_alone_decides():
    sources = [Numbers('a', 5), Numbers('b', 3)]
    one, other = (MixedSamples(sources, [0.5, 0.5], seed=4) for _ in range(2))
    assert one[17] == other[17]
    assert [one[p] for p in (9, 3)] == [other[p] for p in (9, 3)]
    changed = MixedSamples(sources, [0.5, 0.5], seed=5)
    assert [one[p] for p in range(10)] != [changed[p] for p in range(10)]
    assert one[0][2] != one[10][2]  # another visit is drawn anew


def test_lengths():
    assert len(MixedSamples([Numbers('a', 5)])) > 2**40
    short = MixedSamples([Numbers('a', 5)], count=3)
    assert len(list(short)) == len(short) == 3
    with pytest.raises(IndexError):
        short[3]


@pytest.mark.parametrize(
    ('sources', 'shares', 'message'),
    [
        ([], [], 'found 0 data sets'),
        ([Numbers('a', 1)], [0.5, 0.5], '1 data sets and 2 shares'),
        ([Numbers('a', 0)], None, 'is empty'),
        ([Numbers('a', 1), Numbers('b', 1)], [1.0, 0.0], 'above 0'),
        ([Numbers('a', 1), Numbers('b', 1)], [1.0, 1e-9], 'below 1 in 1000|above 0'),
    ],
)
def test_mixtures_that_are_none(sources, shares, message):
    with pytest.raises(ConfigError, match=message):
        MixedSamples(sources, shares)


def test_validation_is_spread_over_all():
    spread = SpreadSamples(Numbers('a', 10), 4)
    assert [index for _, index in spread] == [0, 2, 5, 7]
    assert len(SpreadSamples(Numbers('a', 3), 100)) == 3


def test_a_set_without_end_comes_in_its_own_order():
    class Endless(Numbers):
        def __len__(self):
            return ENDLESS

    mixed = MixedSamples([Endless('a', 0), Numbers('b', 2)])
    found = [mixed.locate(position) for position in range(8)]
    assert [(index, visit) for n, index, visit in found if n == 0] == [(i, 0) for i in range(4)]


def test_joined_sources_follow_one_another():
    joined = JoinedSamples([Numbers('a', 2), Numbers('b', 1), Numbers('c', 2)])
    assert list(joined) == [('a', 0), ('a', 1), ('b', 0), ('c', 0), ('c', 1)]
    with pytest.raises(IndexError):
        joined[5]
    assert len(JoinedSamples([])) == 0
