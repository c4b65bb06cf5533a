"""Runs exported files as users will run them, and compares them with PyTorch.

Both get the same stored pictures of people. Joints, scores and features are compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pose_action_ros.core.errors import CheckpointError, ConfigError
from pose_action_ros.runtime.accuracy_gate import as_clip, gate_pictures
from pose_action_ros.runtime.network import FrameArrays
from pose_action_ros.runtime.openvino_network import openvino_core, why_no_openvino

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.models import ModelConfig
    from pose_action_ros.runtime.network import Network

    Run = Callable[[Mapping[str, NDArray[Any]]], Sequence[NDArray[np.float32]]]

__all__ = [
    'ENDINGS',
    'MAX_JOINT_PX',
    'MAX_SHARE',
    'Deviation',
    'ExportedNetwork',
    'check_files',
    'choose_runtime',
    'measure',
    'write_reference',
]

ENDINGS = {'onnx': '.onnx', 'openvino': '.xml'}
"""Ending of the files by format; OpenVINO keeps the weights in a second file, .bin."""

MAX_JOINT_PX = 0.005
"""Largest error of a joint in an exported file, pixels of the crop."""

MAX_SHARE = 1e-5
"""Largest error of scores, and of joint features relative to the largest one."""

BATCHES = (1, 4)
"""Libraries that can run the files."""


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


def check_files(exact: Network, config: ModelConfig, file_format: str, folder: Path) -> list[str]:
    """Return the errors of the files of a folder, in words.

    Args:
        exact: The network on PyTorch.
        config: Of the network.
        file_format: A key of `ENDINGS`.
        folder: Holds the files.

    Raises:
        CheckpointError: They are off by more than `MAX_JOINT_PX` or `MAX_SHARE`.
    """
    written = ExportedNetwork(folder, file_format)
    lines = []
    for batch in BATCHES:
        off = measure(written, exact, config, batch)
        words = (
            f'batch of {batch}: against PyTorch joints are off by {off.joint_px:.1e} px at most, '
            f'scores by {off.score:.1e}, features by {off.feature:.1e}; run by {written.runtime}'
        )
        if not (off.joint_px <= MAX_JOINT_PX and max(off.score, off.feature) <= MAX_SHARE):
            raise CheckpointError(
                f'{words}; {MAX_JOINT_PX} px and {MAX_SHARE} are allowed: the files were deleted'
            )
        lines.append(words)
    return lines


def measure(network: Network, reference: Network, config: ModelConfig, batch: int) -> Deviation:
    """Compare two runs of a network on the gate's fixed pictures.

    Args:
        network: The network under test; its clips are made of its own frames.
        reference: The correct results.
        config: Of both.
        batch: Number of pictures and of clips at once; at most 4.
    """
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


def write_reference(exact: Network, config: ModelConfig, path: Path) -> None:
    """Write the correct results, as a reference for other precisions: arrays by `GRAPH.TENSOR`."""
    frames = exact.frames(gate_pictures())
    arrays: dict[str, Any] = {'frames.crops': gate_pictures()}
    arrays |= {f'frames.{name}': array for name, array in frames._asdict().items()}
    if config.actions:
        clips = _clips(frames, config.clip_frames)
        names = ('joints', 'probability', 'joint_features')
        arrays |= {f'actions.{n}': array for n, array in zip(names, clips, strict=True)}
        arrays['actions.probabilities'] = exact.actions(*clips)
    np.savez_compressed(path, **arrays)


def _clips(frames: FrameArrays, length: int) -> tuple[NDArray[np.float32], ...]:
    """One clip per frame, each with a different first frame: joints, probability, features."""
    rolled = [
        type(frames)(*(np.roll(array, shift, axis=0) for array in frames))
        for shift in range(len(frames.joints))
    ]
    clips = [as_clip(row, length) for row in rolled]
    return tuple(np.concatenate(arrays) for arrays in zip(*clips, strict=True))


class ExportedNetwork:
    """A folder of exported files, run in float32 on the CPU.

    Args:
        folder: With `frames` and, for a network with actions, `actions`.
        file_format: A key of `ENDINGS`.

    Raises:
        ConfigError: No runtime that reads the format is installed.
    """

    def __init__(self, folder: Path, file_format: str) -> None:
        self.precision = 'float32'
        self.runtime = choose_runtime(file_format)
        load = _load_onnxruntime if self.runtime.startswith('ONNX') else _load_openvino
        self._frames = load(folder / f'frames{ENDINGS[file_format]}')
        actions = folder / f'actions{ENDINGS[file_format]}'
        self._actions = load(actions) if actions.exists() else None

    @property
    def device(self) -> str:
        """The device, for people."""
        return f'cpu ({self.runtime} float32)'

    def frames(self, crops: NDArray[np.uint8]) -> FrameArrays:
        """Run the pose network; see `Engine.frames`."""
        return FrameArrays(*self._frames({'crops': crops}))

    def actions(
        self,
        joints: NDArray[np.float32],
        probability: NDArray[np.float32],
        joint_features: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Run the action heads; see `Engine.actions`."""
        if self._actions is None:
            raise ConfigError('the files have a network for poses only; it has no actions')
        clip = {'joints': joints, 'probability': probability, 'joint_features': joint_features}
        return self._actions(clip)[0]


def choose_runtime(file_format: str) -> str:
    """Return the library that runs files of a format here, with its version.

    Raises:
        ConfigError: No installed library reads the format.
    """
    if file_format == 'onnx':
        try:
            import onnxruntime
        except ImportError:
            pass  # OpenVINO reads ONNX too
        else:
            return f'ONNX Runtime {onnxruntime.__version__}'
    if reason := why_no_openvino():
        choice = 'onnxruntime or openvino' if file_format == 'onnx' else 'openvino'
        raise ConfigError(
            f'no installed library runs {file_format} files ({reason}): pip install {choice}'
        )
    import openvino

    return f'OpenVINO {openvino.__version__.partition("-")[0]}'


def _load_onnxruntime(path: Path) -> Run:
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    return lambda inputs: session.run(None, dict(inputs))


def _load_openvino(path: Path) -> Run:
    # Without the hint a CPU with bfloat16 units would compute in bfloat16.
    options = {'INFERENCE_PRECISION_HINT': 'f32', 'PERFORMANCE_HINT': 'LATENCY'}
    model = openvino_core().compile_model(path, 'CPU', options)

    def run(inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
        found = model(dict(inputs))
        return [np.array(found[port]) for port in model.outputs]

    return run
