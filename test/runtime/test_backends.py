"""OpenVINO gives PyTorch's numbers, and a reduced precision must earn its place."""

import subprocess
import sys

import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError, DeviceError
from pose_action_ros.runtime import engine as engine_module
from pose_action_ros.runtime.accuracy_gate import deviation
from pose_action_ros.runtime.engine import Engine


@pytest.fixture(scope='module')
def exact(net):
    return Engine(net, 'cpu')


@pytest.fixture(scope='module')
def fast(net):
    pytest.importorskip('openvino', reason='needs OpenVINO')
    return Engine(net, 'cpu', backend='openvino')


@pytest.fixture
def crops():
    return np.random.default_rng(0).integers(0, 256, (3, 256, 256, 3), np.uint8)


def test_openvino_equals_torch(exact, fast, crops):
    for count in (1, 3):
        pairs = zip(fast.frames(crops[:count]), exact.frames(crops[:count]), strict=True)
        for ours, theirs in pairs:
            np.testing.assert_allclose(ours, theirs, atol=2e-5)
    assert fast.device.startswith('cpu (OpenVINO float32')


@pytest.mark.parametrize('length', [8, 12])
def test_openvino_reads_clips_of_any_length(exact, fast, crops, length):
    frames = exact.frames(crops[:2])
    clips = [np.repeat(a[:, None], length, axis=1) for a in frames]
    joints, _, probability, features = clips
    ours = fast.actions(joints, probability, features)
    np.testing.assert_allclose(ours, exact.actions(joints, probability, features), atol=2e-5)


def test_a_signal_after_networks_came_and_went():
    """OpenVINO changes the thread's signal stack; Python's handlers run on it."""
    pytest.importorskip('openvino', reason='needs OpenVINO')
    script = """
import signal
from pose_action_ros.runtime.openvino_network import OpenVinoNetwork, OpenVinoSource
from pose_action_ros.models import ModelConfig, MultitaskNet
net = MultitaskNet(ModelConfig.preset('compact', features=32, actions=()))
first, second = (OpenVinoNetwork(OpenVinoSource(net, 1), 'float32') for _ in range(2))
del first
del second
signal.signal(signal.SIGUSR1, lambda *_: print('handled'))
signal.raise_signal(signal.SIGUSR1)
"""
    done = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (0, 'handled\n'), done.stderr


def test_results_are_kept_over_the_next_call(fast, crops):
    first = fast.frames(crops[:1])
    copy = first.joints.copy()
    fast.frames(crops[1:2])
    np.testing.assert_array_equal(first.joints, copy)


def test_without_openvino_torch_is_used_and_the_reason_kept(monkeypatch, net):
    monkeypatch.setattr(engine_module, 'why_no_openvino', lambda: 'OpenVINO does not import')
    engine = Engine(net, 'cpu', backend='auto')
    assert engine.device.startswith('cpu (')
    assert 'OpenVINO' not in engine.device
    assert engine.notes == ['OpenVINO does not import: the slower backend torch is used']


def test_reduced_precision_on_torch_is_near(net, exact):
    joint_px, score = deviation(Engine(net, 'cpu', precision='bfloat16'), exact, net.config)
    assert 0 < joint_px < 10
    assert 0 < score < 0.5


@pytest.mark.parametrize(('limit', 'note'), [(1e9, None), (0.0, 'float32 is used')])
def test_auto_takes_the_reduced_precision_only_where_it_is_near(monkeypatch, net, limit, note):
    monkeypatch.setattr(engine_module, '_reduced_precision', lambda *_: 'bfloat16')
    monkeypatch.setattr(engine_module, 'MAX_JOINT_PX', limit)
    monkeypatch.setattr(engine_module, 'MAX_SCORE', limit)
    engine = Engine(net, 'cpu', precision='auto')
    assert bool(engine.notes) == bool(note)
    assert not note or note in engine.notes[0]


def test_a_reduced_precision_that_does_not_compile_is_not_used(monkeypatch, net):
    pytest.importorskip('openvino', reason='needs OpenVINO')
    original = engine_module.OpenVinoNetwork

    def compile_float32(source, precision):
        if precision == 'bfloat16':
            raise RuntimeError('Exception from core.cpp:117:\nno kernel for Pooling\n')
        return original(source, precision)

    monkeypatch.setattr(engine_module, '_reduced_precision', lambda *_: 'bfloat16')
    monkeypatch.setattr(engine_module, 'OpenVinoNetwork', compile_float32)
    engine = Engine(net, 'cpu', backend='openvino', precision='auto')
    assert engine.precision == 'float32'
    words = 'bfloat16 does not compile here (no kernel for Pooling): float32 is used'
    assert engine.notes == [words]


def test_wishes_that_can_not_be_met(net):
    with pytest.raises(ConfigError, match='tensorrt'):
        Engine(net, 'cpu', backend='tensorrt')
    with pytest.raises(ConfigError, match='int8'):
        Engine(net, 'cpu', precision='int8')
    pytest.importorskip('openvino', reason='needs OpenVINO')
    with pytest.raises(DeviceError, match='float32 or bfloat16'):
        Engine(net, 'cpu', backend='openvino', precision='float16')
