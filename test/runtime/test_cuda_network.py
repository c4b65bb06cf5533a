"""The GPU's network: fixed buffers and batch sizes on a CPU, graphs where there is a GPU."""

import numpy as np
import pytest
import torch

from pose_action_ros.runtime.cuda_graphs import Program
from pose_action_ros.runtime.cuda_network import CudaNetwork
from pose_action_ros.runtime.torch_network import TorchNetwork

CPU = torch.device('cpu')
gpu = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device'),
]
places = pytest.mark.parametrize('place', ['cpu', pytest.param('cuda', marks=gpu)])


@pytest.fixture(scope='module')
def exact(net):
    return TorchNetwork(net, 'float32')


@pytest.fixture(scope='module')
def crops():
    return np.random.default_rng(0).integers(0, 256, (5, 256, 256, 3), np.uint8)


@places
def test_the_numbers_are_those_of_torch_for_any_number_of_people(net, exact, crops, place):
    network = CudaNetwork(net, torch.device(place), 'float32')
    tolerance = 1e-5 if place == 'cpu' else 5e-3  # TF32 may be allowed there
    for count in (1, 3, 2, 5):
        found, expected = network.frames(crops[:count]), exact.frames(crops[:count])
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.dtype == np.float32
            np.testing.assert_allclose(ours, theirs, atol=tolerance)
        clips = [np.repeat(array[:, None], 8, axis=1) for array in expected]
        scores = network.actions(clips[0], clips[2], clips[3])
        np.testing.assert_allclose(
            scores, exact.actions(clips[0], clips[2], clips[3]), atol=tolerance
        )
    assert network.notes == []


def test_one_program_serves_several_batch_sizes(net, crops):
    network = CudaNetwork(net, CPU, 'float32')
    for count in (1, 2, 3, 4, 5):
        network.frames(crops[:count])
    assert sorted(network._programs) == [(1,), (2,), (4,), (8,)]


def test_results_are_kept_over_the_next_call(net, crops):
    network = CudaNetwork(net, CPU, 'float32')
    first = network.frames(crops[:1])
    copy = first.joint_features.copy()
    network.frames(crops[1:2])
    np.testing.assert_array_equal(first.joint_features, copy)


def test_reduced_precision_is_that_of_the_convolutions_alone(net, exact, crops):
    found = CudaNetwork(net, CPU, 'bfloat16').frames(crops[:2])
    expected = exact.frames(crops[:2])
    assert 0 < np.abs(found.joints - expected.joints).max() < 0.05
    assert found.joints.dtype == np.float32


def test_a_program_reads_new_arrays_each_time():
    program = Program(lambda a, b: a.float() + b, [np.zeros((4, 2)), np.zeros((4, 2))], CPU)
    ones = np.ones((3, 2))
    np.testing.assert_array_equal(program([ones, ones]), 2 * ones)
    np.testing.assert_array_equal(program([5 * ones[:1], ones[:1]]), 6 * ones[:1])
    assert program.note == ''


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_a_graph_is_captured_and_what_can_not_be_is_said():
    place, example = torch.device('cuda'), [np.ones((2, 3), np.float32)]
    assert Program(lambda a: 2 * a, example, place)._graph is not None

    def waits(a):
        return a * float(a.sum())  # a synchronisation can't be captured

    program = Program(waits, example, place)
    assert program._graph is None
    assert 'no CUDA graph' in program.note
    np.testing.assert_allclose(program(example), 6.0)
