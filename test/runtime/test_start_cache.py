"""A start converts once, and the next one not at all; nothing that is kept is trusted blindly."""

import os
from dataclasses import replace

import numpy as np
import pytest

from pose_action_ros.models import MultitaskNet
from pose_action_ros.runtime import engine as engine_module
from pose_action_ros.runtime import openvino_network, start_cache
from pose_action_ros.runtime.engine import Engine
from pose_action_ros.runtime.start_cache import StartCache
from pose_action_ros.runtime.tensor_graphs import frames_graph


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(start_cache, '_root', lambda: tmp_path / 'starts')
    return tmp_path / 'starts'


@pytest.fixture
def conversions(monkeypatch):
    """The graphs that are converted, in order."""
    pytest.importorskip('openvino', reason='needs OpenVINO')
    names = []

    def convert(graph, *rest):
        names.append(graph.name)
        return original(graph, *rest)

    original = openvino_network.to_openvino
    monkeypatch.setattr(openvino_network, 'to_openvino', convert)
    return names


@pytest.fixture
def gated(monkeypatch):
    """Every CPU is worth a try of bfloat16; the gate counts how often it measures.

    OpenVINO computes it as float32 here: not every CPU that lists bfloat16 can compile it.
    """
    measured = []

    def measure(*arguments):
        measured.append(arguments)
        return original(*arguments)

    original = engine_module.deviation
    monkeypatch.setattr(engine_module, '_reduced_precision', lambda *_: 'bfloat16')
    monkeypatch.setitem(openvino_network._TYPES, 'bfloat16', openvino_network._TYPES['float32'])
    monkeypatch.setattr(engine_module, 'deviation', measure)
    return measured


def start(net):
    return Engine(net, 'cpu', backend='openvino', precision='auto')


def outputs(engine):
    crops = np.random.default_rng(0).integers(0, 256, (3, 256, 256, 3), np.uint8)
    frames = [engine.frames(crops[:count]) for count in (1, 3)]
    joints, _, probability, features = (np.repeat(a[:, None], 4, axis=1) for a in frames[1])
    return [*frames[0], *frames[1], engine.actions(joints, probability, features)]


@pytest.mark.parametrize(('limit', 'precision'), [(1e9, 'bfloat16'), (-1.0, 'float32')])
def test_a_start_converts_each_graph_once_and_the_next_start_none(
    net, conversions, gated, monkeypatch, limit, precision
):
    monkeypatch.setattr(engine_module, 'MAX_JOINT_PX', limit)
    monkeypatch.setattr(engine_module, 'MAX_SCORE', limit)
    first = start(net)
    assert conversions == ['frames', 'actions']
    assert len(gated) == 1
    second = start(net)
    assert conversions == ['frames', 'actions']
    assert len(gated) == 1
    assert first.precision == precision
    assert (second.precision, second.notes) == (first.precision, first.notes)
    for ours, theirs in zip(outputs(second), outputs(first), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_network_is_not_run_only_to_check_its_trace(net, monkeypatch):
    pytest.importorskip('openvino', reason='needs OpenVINO')
    runs = []
    forward = MultitaskNet.forward_frames
    monkeypatch.setattr(
        MultitaskNet, 'forward_frames', lambda self, x: runs.append(1) or forward(self, x)
    )
    openvino_network.to_openvino(frames_graph(net))
    assert len(runs) == 1


def change_weights(net):
    next(net.parameters()).data.view(-1)[0] += 1e-3


@pytest.mark.parametrize('change', ['', 'weights', 'threads', 'library', 'CPU', 'code', 'config'])
def test_what_an_entry_depends_on(net, filled, monkeypatch, tmp_path, change):
    pytest.importorskip('openvino', reason='needs OpenVINO')
    other = filled(net.config)
    openvino_network.OpenVinoSource(other, 2).kept.write('blob', b'kept')
    if change == 'weights':
        change_weights(other)
    elif change == 'config':
        other.config = replace(other.config, name='renamed')
    elif change == 'code':
        (tmp_path / 'graphs.py').write_text('# changed')
        monkeypatch.setattr(start_cache, '_CODE', (str(tmp_path / 'graphs.py'),))
    elif change in ('library', 'CPU'):
        facts = list(openvino_network._facts())
        facts[0 if change == 'library' else 2] = 'another'
        monkeypatch.setattr(openvino_network, '_facts', lambda: tuple(facts))
    threads = 1 if change == 'threads' else 2
    found = openvino_network.OpenVinoSource(other, threads).kept.read('blob')
    assert found == (None if change else b'kept')


@pytest.mark.parametrize('damage', ['cut', 'changed', 'empty'])
def test_damaged_bytes_are_not_read(net, folder, damage):
    kept = StartCache(net)
    kept.write('blob', b'kept bytes')
    (path,) = folder.glob('*/blob')
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes({'cut': content[:-1], 'changed': content, 'empty': b''}[damage])
    assert kept.read('blob') is None
    kept.write('blob', b'again')
    assert kept.read('blob') == b'again'


def test_a_model_that_does_not_load_is_compiled_again(net, conversions):
    source = openvino_network.OpenVinoSource(net, 0)
    source.kept.write('frames-open-float32', b'no model')
    source.compile('frames', 'float32', fixed=False)
    assert conversions == ['frames', 'actions']
    assert len(source.kept.read('frames-open-float32')) > 10_000


def test_a_place_that_can_not_be_written_costs_only_time(net, folder, caplog):
    folder.write_text('a file where the folder should be')
    with caplog.at_level('INFO'):
        StartCache(net).write('blob', b'kept')
    assert StartCache(net).read('blob') is None
    assert 'the next start will be as slow as this one' in caplog.text
    assert folder.read_text() == 'a file where the folder should be'


def test_without_a_home(net, monkeypatch):
    def homeless():
        raise RuntimeError('Could not determine home directory.')

    monkeypatch.setattr(start_cache, '_root', homeless)
    kept = StartCache(net)
    kept.write('blob', b'kept')
    assert kept.read('blob') is None


def test_the_cache_is_bounded_and_keeps_what_is_used(net, filled, folder, monkeypatch):
    nets = [filled(net.config, seed) for seed in range(3)]
    monkeypatch.setattr(start_cache, 'MAX_BYTES', 250)
    for age, each in enumerate(nets[:2]):
        StartCache(each).write('blob', bytes(60))
        for path in folder.iterdir():
            stamp = path.stat().st_mtime - 10 * (2 - age)
            os.utime(path, (stamp, stamp))
    assert StartCache(nets[0]).read('blob') == bytes(60)  # used: the other is the oldest now
    StartCache(nets[2]).write('blob', bytes(60))
    found = [StartCache(each).read('blob') for each in nets]
    assert found == [bytes(60), None, bytes(60)]
    StartCache(nets[0]).write('large', bytes(900))
    assert len(list(folder.iterdir())) == 1
