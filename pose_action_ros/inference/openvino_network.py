"""The network on OpenVINO: the fast way on a CPU (docs/performance.md, ADR 5)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from pose_action_ros.core.errors import DeviceError
from pose_action_ros.inference.frame_arrays import FrameArrays
from pose_action_ros.inference.memory import forget_traces
from pose_action_ros.models.folding import fold_batch_norm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.models import MultitaskNet

__all__ = ['OpenVinoNetwork', 'has_fast_bfloat16', 'why_no_openvino']

_TYPES = {'float32': 'f32', 'bfloat16': 'bf16'}


class OpenVinoNetwork:
    """A network compiled for the CPU.

    Args:
        net: The network; it stays as it is.
        threads: CPU threads; 0 for all cores.
        precision: `float32` or `bfloat16`.

    Raises:
        DeviceError: OpenVINO is not installed, or can't do that precision.
    """

    def __init__(self, net: MultitaskNet, threads: int, precision: str) -> None:
        if reason := why_no_openvino():
            raise DeviceError(f'{reason}; install openvino, or use the backend torch')
        if precision not in _TYPES:
            raise DeviceError(
                f'OpenVINO computes in {" or ".join(_TYPES)} on a CPU; found {precision!r}'
            )
        import openvino

        folded = fold_batch_norm(net)
        config = net.config
        options: dict[str, Any] = {
            'INFERENCE_PRECISION_HINT': _TYPES[precision],
            'PERFORMANCE_HINT': 'LATENCY',
        }
        if threads:
            options['INFERENCE_NUM_THREADS'] = threads
        core = openvino.Core()
        crops = torch.zeros(1, 256, 256, 3, dtype=torch.uint8)
        self._frames = core.compile_model(
            _convert(_Frames(folded), crops, open_axes=1), 'CPU', options
        )
        self._threads = self._frames.get_property('INFERENCE_NUM_THREADS')
        self._precision = precision
        self._actions: Any = None
        if config.actions:
            grid = (1, config.clip_frames, config.num_joints)
            clip = (
                torch.zeros(*grid, config.dimensions),
                torch.zeros(grid),
                torch.zeros(*grid, config.features),
            )
            options['INFERENCE_PRECISION_HINT'] = 'f32'  # small, and probabilities are compared
            self._actions = core.compile_model(
                _convert(_Actions(folded), *clip, open_axes=2), 'CPU', options
            )

    @property
    def device(self) -> str:
        """Where it runs, for people."""
        return f'cpu (OpenVINO {self._precision}, {self._threads} threads)'

    def frames(self, crops: NDArray[np.uint8]) -> FrameArrays:
        """Run the pose network; see `Engine.frames`."""
        found = self._frames([crops])
        return FrameArrays(*(np.array(found[index]) for index in range(4)))

    def actions(
        self,
        joints: NDArray[np.float32],
        probability: NDArray[np.float32],
        joint_features: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Run the action heads; see `Engine.actions`."""
        return np.array(self._actions([joints, probability, joint_features])[0])


def why_no_openvino() -> str:
    """Return why OpenVINO can't be used here; empty where it can."""
    try:
        import openvino  # noqa: F401
    except ImportError as error:
        return f'OpenVINO does not import ({error})'
    return ''


def has_fast_bfloat16() -> bool:
    """Tell whether this CPU multiplies bfloat16 in hardware."""
    import openvino

    return 'BF16' in openvino.Core().get_property('CPU', 'OPTIMIZATION_CAPABILITIES')


class _Frames(nn.Module):
    """Bytes to `FrameFeatures`, as one graph."""

    def __init__(self, net: MultitaskNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        x = crops.permute(0, 3, 1, 2).float() / 255.0
        return tuple(self.net.forward_frames((x - 0.5) * 2.0))


class _Actions(nn.Module):
    """Clips to the fused probabilities, as one graph."""

    def __init__(self, net: MultitaskNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, joints: Tensor, probability: Tensor, joint_features: Tensor) -> Tensor:
        return self.net.forward_actions(joints, probability, joint_features).actions


def _convert(module: nn.Module, *example: Tensor, open_axes: int) -> Any:
    """Trace a module; the first axes (batch, frames) of every input stay open."""
    import openvino

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')  # the tracer on sizes, which are fixed here
        model = openvino.convert_model(module.eval(), example_input=example)
    forget_traces()
    model.reshape(
        {
            port: [-1] * open_axes + list(tensor.shape[open_axes:])
            for port, tensor in zip(model.inputs, example, strict=True)
        }
    )
    return model
