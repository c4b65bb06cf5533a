"""Order of samples: every sample once per visit, the same on one process and on many."""

import sys

from pose_action_ros.training.order import OrderedSamples, PositionSampler, locate


def test_each_visit_has_every_sample_once_in_an_order_of_its_own():
    visits = [[locate(v * 10 + slot, 10, seed=1) for slot in range(10)] for v in range(3)]
    for number, visit in enumerate(visits):
        assert sorted(index for index, _ in visit) == list(range(10))
        assert {seen for _, seen in visit} == {number}
    assert [index for index, _ in visits[0]] != [index for index, _ in visits[1]]
    assert visits[0] != [locate(slot, 10, seed=2) for slot in range(10)]


def test_an_endless_set_is_taken_as_it_comes():
    assert locate(10**12, sys.maxsize, seed=1) == (10**12, 0)


def test_processes_share_an_epoch_without_overlap():
    def epoch(number, rank, world_size):
        sampler = PositionSampler(12, rank=rank, world_size=world_size)
        sampler.set_epoch(number)
        return list(sampler)

    assert epoch(2, 0, 1) == list(range(24, 36))
    parts = [epoch(2, rank, 3) for rank in range(3)]
    # Step by step the processes together see what one process sees.
    assert [p for step in zip(*parts, strict=True) for p in step] == epoch(2, 0, 1)


def test_validation_repeats_itself_and_takes_each_sample_once():
    samplers = [PositionSampler(5, rank=r, world_size=2, endless=False) for r in range(2)]
    for sampler in samplers:
        sampler.set_epoch(7)
    assert [list(sampler) for sampler in samplers] == [[0, 2, 4], [1, 3, 5]]
    assert [len(sampler) for sampler in samplers] == [3, 3]
    samples = OrderedSamples(range(5), 1, shuffle=False)
    assert [samples[p] for sampler in samplers for p in sampler] == [0, 2, 4, 1, 3, None]


def test_augmentation_depends_on_seed_sample_and_visit_alone():
    def change(sample, rng):
        return sample, round(rng.random(), 12)

    samples = OrderedSamples(range(5), 1, augmentation=change)
    assert samples.visit(3, 0) == samples.visit(3, 0)
    assert samples.visit(3, 0) != samples.visit(3, 1)
    assert (
        samples.visit(3, 0)[1] != OrderedSamples(range(5), 2, augmentation=change).visit(3, 0)[1]
    )
    assert {samples[position][0] for position in range(5)} == set(range(5))
