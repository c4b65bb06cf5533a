"""The description of exported files agrees with what the graphs take and give."""

import json

import pytest
import torch

from pose_action_ros.export.description import describe_network, in_short
from pose_action_ros.models.folding import fold
from pose_action_ros.runtime.tensor_graphs import actions_graph, frames_graph


@pytest.mark.parametrize('preset', ['mpii', 'h36m', 'penn_action', 'ntu', 'compact'])
def test_shapes_and_types_are_those_of_the_graphs(preset, tiny, filled):
    net = fold(filled(tiny(preset)))
    graphs = [frames_graph(net)] + ([actions_graph(net)] if net.config.actions else [])
    described = describe_network(net.config, graphs, {graph.name: 'file' for graph in graphs}, 1.4)
    assert list(described['graphs']) == [graph.name for graph in graphs]
    for graph in graphs:
        with torch.no_grad():
            outputs = graph.module(*graph.inputs.values())
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        said = described['graphs'][graph.name]
        pairs = [
            *((said['inputs'][name], tensor) for name, tensor in graph.inputs.items()),
            *((said['outputs'][n], t) for n, t in zip(graph.outputs, outputs, strict=True)),
        ]
        assert len(pairs) == len(said['inputs']) + len(said['outputs'])
        for words, tensor in pairs:
            assert words['shape'] == ['N', *tensor.shape[1:]]
            assert words['type'] == str(tensor.dtype).removeprefix('torch.')
            assert words['meaning']


def test_the_short_one_is_text(tiny, filled):
    net = filled(tiny('ntu'))
    short = in_short(describe_network(net.config, [], {}, 1.4))
    assert all(isinstance(text, str) for text in short.values())
    assert json.loads(short['actions']) == list(net.config.actions)
    assert json.loads(short['clip_frames']) == 20
    assert json.loads(short['joint_names'])[0] == 'pelvis'
    assert short['layout'] == 'pa20j'
