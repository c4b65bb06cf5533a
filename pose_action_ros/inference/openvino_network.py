"""The network on OpenVINO: the fast way on a CPU (docs/performance.md, ADR 5)."""

from __future__ import annotations

import warnings
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pose_action_ros.core.errors import ConfigError, DeviceError
from pose_action_ros.inference.frame_arrays import FrameArrays
from pose_action_ros.inference.graphs import actions_graph, frames_graph
from pose_action_ros.inference.memory import forget_traces
from pose_action_ros.models.folding import fold

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pose_action_ros.inference.graphs import Graph
    from pose_action_ros.models import MultitaskNet

__all__ = [
    'OpenVinoNetwork',
    'has_fast_bfloat16',
    'openvino_core',
    'to_openvino',
    'why_no_openvino',
]

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
        folded = fold(net)
        options: dict[str, Any] = {
            'INFERENCE_PRECISION_HINT': _TYPES[precision],
            'PERFORMANCE_HINT': 'LATENCY',
        }
        if threads:
            options['INFERENCE_NUM_THREADS'] = threads
        compile_model = partial(openvino_core().compile_model, device_name='CPU', config=options)
        self._frames = _Program(frames_graph(folded), compile_model)
        self._actions: _Program | None = None
        if net.config.actions:
            self._actions = _Program(actions_graph(folded), compile_model)
        self._threads = self._frames.threads
        self.precision = precision

    @property
    def device(self) -> str:
        """Where it runs, for people."""
        return f'cpu (OpenVINO {self.precision}, {self._threads} threads)'

    def frames(self, crops: NDArray[np.uint8]) -> FrameArrays:
        """Run the pose network; see `Engine.frames`."""
        return FrameArrays(*self._frames(crops))

    def actions(
        self,
        joints: NDArray[np.float32],
        probability: NDArray[np.float32],
        joint_features: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Run the action heads; see `Engine.actions`."""
        if self._actions is None:
            raise ConfigError('a network of poses alone has no actions')
        return self._actions(joints, probability, joint_features)[0]


class _Program:
    """A graph, compiled twice: with the shapes of its example, and with open ones.

    One person and the trained clip are what is asked for nearly always, and with shapes that are
    known beforehand a frame is a tenth faster.
    """

    def __init__(self, graph: Graph, compile_model: Callable[[Any], Any]) -> None:
        model = to_openvino(graph)
        self._any = compile_model(model)
        self._shapes = tuple(tuple(tensor.shape) for tensor in graph.inputs.values())
        model.reshape(dict(zip(model.inputs, map(list, self._shapes), strict=True)))
        self._usual = compile_model(model)

    @property
    def threads(self) -> int:
        """CPU threads that it runs on."""
        return int(self._usual.get_property('INFERENCE_NUM_THREADS'))

    def __call__(self, *arrays: NDArray[Any]) -> list[NDArray[np.float32]]:
        usual = tuple(array.shape for array in arrays) == self._shapes
        found = (self._usual if usual else self._any)(arrays)
        return [np.array(found[index]) for index in range(len(found))]


def why_no_openvino() -> str:
    """Return why OpenVINO can't be used here; empty where it can."""
    try:
        import openvino  # noqa: F401
    except ImportError as error:
        return f'OpenVINO does not import ({error})'
    return ''


def has_fast_bfloat16() -> bool:
    """Tell whether this CPU multiplies bfloat16 in hardware."""
    return 'BF16' in openvino_core().get_property('CPU', 'OPTIMIZATION_CAPABILITIES')


@cache
def openvino_core() -> Any:
    """Return OpenVINO's `Core`, one for the life of the process.

    Each core gives the calling thread a signal stack. Two that end in the order of their making
    leave it one that is no longer mapped, and the next signal ends the process (seen with 2026.4).
    """
    import openvino

    return openvino.Core()


def to_openvino(graph: Graph, open_axes: int | None = None) -> Any:
    """Return a graph as a model of OpenVINO, not compiled yet; inputs and outputs are named.

    Args:
        graph: From `inference.graphs`.
        open_axes: How many of the first axes stay open; all that may by default.
    """
    import openvino

    opened = graph.open_axes if open_axes is None else open_axes
    examples = tuple(graph.inputs.values())
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')  # the tracer on sizes, which are fixed here
        model = openvino.convert_model(graph.module, example_input=examples)
    forget_traces()
    model.reshape(
        {
            port: [-1] * opened + list(tensor.shape[opened:])
            for port, tensor in zip(model.inputs, examples, strict=True)
        }
    )
    for ports, names in ((model.inputs, graph.inputs), (model.outputs, graph.outputs)):
        for port, name in zip(ports, names, strict=True):
            port.get_tensor().set_names({name})
    return model
