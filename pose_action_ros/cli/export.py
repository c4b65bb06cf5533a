"""`pose-action export`: the network as files for other runtimes, checked against PyTorch."""

from __future__ import annotations

import json
import tempfile
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.console import Console

from pose_action_ros.core.errors import CheckpointError, ConfigError
from pose_action_ros.core.weights import SHIPPED_WEIGHTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pose_action_ros.inference.frame_arrays import FrameArrays, Network
    from pose_action_ros.models import ModelConfig, MultitaskNet

__all__ = ['MAX_JOINT_PX', 'MAX_SHARE', 'Deviation', 'ExportFormat', 'export', 'measure']

MAX_JOINT_PX = 0.005
"""How far a joint may be off in an exported file, pixels of the crop."""

MAX_SHARE = 1e-5
"""How far scores, and joint features against the largest one, may be off."""

BATCHES = (1, 4)
"""What the files are run with."""


class ExportFormat(str, Enum):
    """What can be written."""

    onnx = 'onnx'
    openvino = 'openvino'


class Deviation(NamedTuple):
    """Largest differences between two runs of a network.

    Attributes:
        joint_px: Distance of a joint, pixels of the crop; z counts in 1 / 256 of its range.
        score: Of a visibility, a probability or an action.
        feature: Of a joint feature, share of the largest one.
    """

    joint_px: float
    score: float
    feature: float


def export(
    file_format: Annotated[
        ExportFormat, typer.Argument(metavar='FORMAT', help='onnx or openvino.')
    ],
    folder: Annotated[Path, typer.Argument(metavar='OUT_FOLDER', help='New, or empty.')],
    weights: Annotated[
        str,
        typer.Option(help='people, a fetched preset, untrained:PRESET or a .safetensors file.'),
    ] = SHIPPED_WEIGHTS,
    quiet: Annotated[bool, typer.Option('--quiet', help='No progress.')] = False,
) -> None:
    """Write backbone and action heads as ONNX or OpenVINO files, and check what was written."""
    from pose_action_ros.inference.file_network import choose_runtime
    from pose_action_ros.inference.model_files import check_format
    from pose_action_ros.models import open_model

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f'{folder} is there and no empty folder; give a new one')
    check_format(file_format.value)
    choose_runtime(file_format.value)
    net = open_model(weights)
    with Console(stderr=True, quiet=quiet).status(f'writing {net.config.name} and checking it'):
        try:
            lines = _export(net, file_format.value, folder.absolute())
        except OSError as error:
            raise ConfigError(f'can not write {folder}: {error}') from error
    files = ', '.join(sorted(path.name for path in folder.iterdir()))
    for line in (*lines, f'{folder}: {net.config.name}: {files}'):
        Console().print(line, highlight=False, soft_wrap=True)


def measure(network: Network, reference: Network, config: ModelConfig, batch: int) -> Deviation:
    """Compare two runs of a network on the gate's fixed pictures.

    Args:
        network: What is in question; its clips are made of its own frames.
        reference: What is right.
        config: Of both.
        batch: Pictures, and clips, at once; at most 4.
    """
    import numpy as np

    from pose_action_ros.inference.gate import gate_pictures

    frames, exact = (run.frames(gate_pictures()[:batch]) for run in (network, reference))
    scores = [frames.visibility - exact.visibility, frames.probability - exact.probability]
    if config.actions:
        found = network.actions(*_clips(frames, config.clip_frames))
        scores.append(found - reference.actions(*_clips(exact, config.clip_frames)))
    off = np.linalg.norm(frames.joints - exact.joints, axis=-1) * gate_pictures().shape[1]
    features = np.abs(frames.joint_features - exact.joint_features).max()
    return Deviation(
        float(off.max()),
        max(float(np.abs(difference).max()) for difference in scores),
        float(features / np.abs(exact.joint_features).max()),
    )


def _clips(frames: FrameArrays, length: int) -> tuple[NDArray[np.float32], ...]:
    """As many clips as frames, each beginning with another one: joints, probability, features."""
    import numpy as np

    from pose_action_ros.inference.gate import as_clip

    rolled = [
        type(frames)(*(np.roll(array, shift, axis=0) for array in frames))
        for shift in range(len(frames.joints))
    ]
    clips = [as_clip(row, length) for row in rolled]
    return tuple(np.concatenate(arrays) for arrays in zip(*clips, strict=True))


def _export(net: MultitaskNet, file_format: str, folder: Path) -> list[str]:
    """Write all files or none; what the check found, in words."""
    from pose_action_ros.inference.torch_network import TorchNetwork

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix='.export-') as scratch:
        part = Path(scratch) / folder.name  # never half an export under the final name
        part.mkdir()
        _write(net, file_format, part)
        exact = TorchNetwork(net, 'float32')
        lines = _check(exact, net.config, file_format, part)
        _write_reference(exact, net.config, part / 'reference.npz')
        part.replace(folder)
    return lines


def _write(net: MultitaskNet, file_format: str, folder: Path) -> None:
    from pose_action_ros.inference.description import describe, in_short
    from pose_action_ros.inference.graphs import actions_graph, frames_graph
    from pose_action_ros.inference.model_files import ENDINGS, write_graph
    from pose_action_ros.models.folding import fold

    folded = fold(net)
    graphs = [frames_graph(folded)]
    if net.config.actions:
        graphs.append(actions_graph(folded))
    files = {graph.name: graph.name + ENDINGS[file_format] for graph in graphs}
    described = describe(net.config, graphs, files)
    for graph in graphs:
        write_graph(graph, folder / files[graph.name], in_short(described))
    text = json.dumps(described, indent=2, ensure_ascii=False)
    (folder / 'model.json').write_text(f'{text}\n', encoding='utf-8')


def _check(exact: Network, config: ModelConfig, file_format: str, folder: Path) -> list[str]:
    from pose_action_ros.inference.file_network import FileNetwork

    written = FileNetwork(folder, file_format)
    lines = []
    for batch in BATCHES:
        off = measure(written, exact, config, batch)
        words = (
            f'batch of {batch}: against PyTorch joints are off by {off.joint_px:.1e} px at most, '
            f'scores by {off.score:.1e}, features by {off.feature:.1e}; run by {written.runtime}'
        )
        if not (off.joint_px <= MAX_JOINT_PX and max(off.score, off.feature) <= MAX_SHARE):
            raise CheckpointError(
                f'{words}; {MAX_JOINT_PX} px and {MAX_SHARE} are allowed: nothing was kept'
            )
        lines.append(words)
    return lines


def _write_reference(exact: Network, config: ModelConfig, path: Path) -> None:
    """Right answers, for whoever runs the files in another precision: `GRAPH.TENSOR` to array."""
    import numpy as np

    from pose_action_ros.inference.gate import gate_pictures

    frames = exact.frames(gate_pictures())
    arrays = {'frames.crops': gate_pictures()}
    arrays |= {f'frames.{name}': array for name, array in frames._asdict().items()}
    if config.actions:
        clips = _clips(frames, config.clip_frames)
        names = ('joints', 'probability', 'joint_features')
        arrays |= {f'actions.{n}': array for n, array in zip(names, clips, strict=True)}
        arrays['actions.probabilities'] = exact.actions(*clips)
    np.savez_compressed(path, **arrays)
