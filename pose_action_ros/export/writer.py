"""The network's graphs as files for other runtimes: ONNX, and OpenVINO's own format.

Both are float32, with an open batch axis and all other axes fixed. The runtime may compute in
another precision. Each file has a description as text.
"""

from __future__ import annotations

import json
import logging
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.spelling import did_you_mean
from pose_action_ros.export.check import ENDINGS, check_files, write_reference
from pose_action_ros.export.description import describe_network, in_short
from pose_action_ros.models.folding import fold
from pose_action_ros.runtime.openvino_network import to_openvino, why_no_openvino
from pose_action_ros.runtime.tensor_graphs import actions_graph, frames_graph
from pose_action_ros.runtime.torch_network import TorchNetwork

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pose_action_ros.models import MultitaskNet
    from pose_action_ros.runtime.tensor_graphs import Graph

__all__ = ['ONNX_OPSET', 'OPENVINO_KEY', 'check_format', 'export_network', 'write_graph']

ONNX_OPSET = 18
"""The oldest opset of PyTorch's exporter, and thus the most widely supported one."""

OPENVINO_KEY = 'pose_action_ros'
"""Section of `rt_info` that has the description."""


def export_network(
    net: MultitaskNet, file_format: str, folder: Path, window_enlarge: float
) -> list[str]:
    """Write all files of a network, or none; return the result of the check, in words.

    Args:
        net: The network; it stays as it is.
        file_format: A key of `ENDINGS`.
        folder: Folder of the files; empty or new.
        window_enlarge: As `describe_network`.

    Raises:
        CheckpointError: The files do not give the results of PyTorch.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix='.export-') as scratch:
        part = Path(scratch) / folder.name  # never half an export under the final name
        part.mkdir()
        _write_files(net, file_format, part, window_enlarge)
        exact = TorchNetwork(net, 'float32')
        lines = check_files(exact, net.config, file_format, part)
        write_reference(exact, net.config, part / 'reference.npz')
        part.replace(folder)
    return lines


def _write_files(net: MultitaskNet, file_format: str, folder: Path, window_enlarge: float) -> None:
    folded = fold(net)
    graphs = [frames_graph(folded)]
    if net.config.actions:
        graphs.append(actions_graph(folded))
    files = {graph.name: graph.name + ENDINGS[file_format] for graph in graphs}
    described = describe_network(net.config, graphs, files, window_enlarge)
    for graph in graphs:
        write_graph(graph, folder / files[graph.name], in_short(described))
    text = json.dumps(described, indent=2, ensure_ascii=False)
    (folder / 'model.json').write_text(f'{text}\n', encoding='utf-8')


def check_format(name: str) -> None:
    """Check that a format can be written here.

    Raises:
        ConfigError: There is no such format, or a package is missing.
    """
    if name not in ENDINGS:
        advice = did_you_mean(name, ENDINGS)
        raise ConfigError(f'unknown format {name!r}; known: {", ".join(ENDINGS)}{advice}')
    if name == 'openvino' and (reason := why_no_openvino()):
        raise ConfigError(f'{reason}: pip install openvino')
    if name == 'onnx':
        try:
            import onnx  # noqa: F401
            import onnxscript  # noqa: F401
        except ImportError as error:
            raise ConfigError(
                f'PyTorch writes ONNX with the packages onnx and onnxscript ({error}): '
                'pip install onnx onnxscript'
            ) from error


def write_graph(graph: Graph, path: Path, description: Mapping[str, str]) -> None:
    """Write a graph in the format given by the ending of the path.

    Args:
        graph: From `runtime.tensor_graphs`, of a folded network.
        path: Ends in one of `ENDINGS`; its folder exists.
        description: Text for the metadata of the file.
    """
    if path.suffix == ENDINGS['onnx']:
        _write_onnx(graph, path, description)
    else:
        _write_openvino(graph, path, description)


def _write_onnx(graph: Graph, path: Path, description: Mapping[str, str]) -> None:
    batch = torch.export.Dim('batch')
    # Two of each, because the tracer treats a batch of one as a fixed size.
    examples = tuple(torch.cat([tensor, tensor]) for tensor in graph.inputs.values())
    with _quiet(), torch.no_grad():
        program: Any = torch.onnx.export(
            graph.module,
            examples,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_shapes=({0: batch},) * len(examples),
            opset_version=ONNX_OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    model = program.model
    _forget_origin(model)
    model.graph.name = graph.name
    model.metadata_props.update(description)
    program.save(str(path), external_data=False)


def _write_openvino(graph: Graph, path: Path, description: Mapping[str, str]) -> None:
    import openvino

    model = to_openvino(graph, open_axes=1)
    model.set_friendly_name(graph.name)
    for name, text in description.items():
        model.set_rt_info(text, [OPENVINO_KEY, name])
    openvino.save_model(model, path, compress_to_fp16=False)


def _forget_origin(model: Any) -> None:
    """Remove the exporter's notes on every part: lines and paths of our code."""
    nodes = list(model.graph)
    values = [value for node in nodes for value in node.outputs]
    kept = [*model.graph.inputs, *model.graph.initializers.values()]
    for part in (model, model.graph, *nodes, *values, *kept):
        part.metadata_props.clear()


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the exporter's remarks about its own code and about torchvision, which is not used."""
    logger = logging.getLogger('torch.onnx')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)
