"""The engine gives the network's own numbers, from bytes, and says what is wrong with a device."""

import os

import numpy as np
import pytest
import torch

from pose_action_ros.core.errors import DeviceError
from pose_action_ros.geometry import normalise
from pose_action_ros.models.folding import fold
from pose_action_ros.runtime.engine import Engine, choose_device


@pytest.fixture(scope='module')
def engine(net):
    return Engine(net, 'cpu')


@pytest.fixture
def crops():
    return np.random.default_rng(0).integers(0, 256, (8, 256, 256, 3), np.uint8)


def test_frames_and_actions_are_those_of_the_network(net, engine, crops):
    found = engine.frames(crops)
    scores = engine.actions(
        found.joints[None], found.probability[None], found.joint_features[None]
    )
    with torch.inference_mode():
        pixels = torch.from_numpy(normalise(crops))
        expected = fold(net).forward_frames(pixels)
        clip = net.forward_clip(pixels[None])
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_allclose(scores, clip.actions, atol=1e-5)
    assert scores.dtype == np.float32


def test_several_at_once_are_the_same_as_one_by_one(engine, crops):
    together = engine.frames(crops[:3])
    for index in range(3):
        alone = engine.frames(crops[index : index + 1])
        for ours, theirs in zip(alone, together, strict=True):
            np.testing.assert_allclose(ours[0], theirs[index], atol=1e-5)


def test_the_same_bytes_give_the_same_numbers(engine, crops):
    first, second = engine.frames(crops[:1]), engine.frames(crops[:1])
    np.testing.assert_array_equal(first.joints, second.joints)


def test_the_network_that_was_given_stays_as_it_was(net, engine):
    assert net.pose_net.entry_flow.conv1.norm.running_mean is not None
    assert engine.config is net.config
    assert all(parameter.requires_grad for parameter in net.parameters())


def test_what_it_says_of_its_device(engine):
    assert engine.device == f'cpu ({torch.get_num_threads()} threads)'


def test_threads(net):
    before = torch.get_num_threads()
    try:
        assert Engine(net, 'cpu', threads=1).device == 'cpu (1 threads)'
    finally:
        torch.set_num_threads(before)


class TestDevices:
    def test_auto(self):
        expected = 'cuda' if torch.cuda.is_available() else 'cpu'
        assert choose_device('auto').type == expected

    @pytest.mark.parametrize('name', ['cuda', 'cuda:0', 'cuda:7'])
    def test_a_gpu_that_is_not_there(self, monkeypatch, net, name):
        monkeypatch.setattr(torch.cuda, 'device_count', lambda: 0)
        with pytest.raises(DeviceError, match=rf"'{name}' is not there: torch sees 0 .* use cpu"):
            Engine(net, name)

    @pytest.mark.parametrize('name', ['gpu', '', 'cuda:x', 'cpu:cpu'])
    def test_a_name_that_is_none(self, name):
        with pytest.raises(DeviceError, match='expected auto, cpu, cuda or cuda:N'):
            choose_device(name)

    def test_other_devices(self):
        with pytest.raises(DeviceError, match="'meta' is not supported"):
            choose_device('meta')

    def test_full_memory(self, monkeypatch, net):
        def full(*_):
            raise torch.cuda.OutOfMemoryError('tried to allocate')

        monkeypatch.setattr(Engine, '_warm_up', full)
        with pytest.raises(DeviceError, match='cpu has no memory left for compact'):
            Engine(net, 'cpu')


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_a_gpu_gives_the_same_numbers(net, engine, crops):
    found = Engine(net, 'cuda').frames(crops)
    for ours, theirs in zip(found, engine.frames(crops), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=5e-3)  # TF32 may be allowed there


def test_more_threads_than_cores_are_not_used(net):
    threads, cores = torch.get_num_threads(), os.cpu_count()
    try:
        found = Engine(net, 'cpu', 100_000)
        assert found.notes == [f'100000 threads are more than the cores: {cores} are used']
        assert torch.get_num_threads() == cores
    finally:
        torch.set_num_threads(threads)
