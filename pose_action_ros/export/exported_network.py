"""The network out of exported files, run as others run them: what checks an export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.export.writer import ENDINGS
from pose_action_ros.runtime.network import FrameArrays
from pose_action_ros.runtime.openvino_network import openvino_core, why_no_openvino

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Run = Callable[[Mapping[str, NDArray[Any]]], Sequence[NDArray[np.float32]]]

__all__ = ['ExportedNetwork', 'choose_runtime']


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
        """Where it runs, for people."""
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
            raise ConfigError('the files hold a network of poses alone; it has no actions')
        clip = {'joints': joints, 'probability': probability, 'joint_features': joint_features}
        return self._actions(clip)[0]


def choose_runtime(file_format: str) -> str:
    """Return what runs files of a format here, with its version.

    Raises:
        ConfigError: Nothing here does.
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
            f'nothing here runs {file_format} files ({reason}): pip install {choice}'
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
