"""A whole export: graphs, `model.json` and `reference.npz` in one folder, all of them or none."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pose_action_ros.export.check import check_files, write_reference
from pose_action_ros.export.description import describe_network, in_short
from pose_action_ros.export.writer import ENDINGS, write_graph
from pose_action_ros.models.folding import fold
from pose_action_ros.runtime.tensor_graphs import actions_graph, frames_graph
from pose_action_ros.runtime.torch_network import TorchNetwork

if TYPE_CHECKING:
    from pose_action_ros.models import MultitaskNet

__all__ = ['export_network']


def export_network(
    net: MultitaskNet, file_format: str, folder: Path, window_enlarge: float
) -> list[str]:
    """Write all files of a network, or none; return what the check found, in words.

    Args:
        net: The network; it stays as it is.
        file_format: A key of `ENDINGS`.
        folder: Where the files go; empty, or not there yet.
        window_enlarge: As `describe_network`.

    Raises:
        CheckpointError: What was written does not give PyTorch's numbers.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix='.export-') as scratch:
        part = Path(scratch) / folder.name  # never half an export under the final name
        part.mkdir()
        _write(net, file_format, part, window_enlarge)
        exact = TorchNetwork(net, 'float32')
        lines = check_files(exact, net.config, file_format, part)
        write_reference(exact, net.config, part / 'reference.npz')
        part.replace(folder)
    return lines


def _write(net: MultitaskNet, file_format: str, folder: Path, window_enlarge: float) -> None:
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
