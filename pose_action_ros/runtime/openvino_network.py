"""The network on OpenVINO: the fast way on a CPU (docs/performance.md, ADR 5)."""

from __future__ import annotations

import logging
import warnings
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pose_action_ros.core.errors import ConfigError, DeviceError
from pose_action_ros.models.folding import fold
from pose_action_ros.runtime.network import FrameArrays
from pose_action_ros.runtime.release_memory import forget_traces
from pose_action_ros.runtime.start_cache import StartCache
from pose_action_ros.runtime.tensor_graphs import actions_graph, frames_graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pose_action_ros.models import MultitaskNet
    from pose_action_ros.runtime.tensor_graphs import Graph

__all__ = [
    'OpenVinoNetwork',
    'OpenVinoSource',
    'has_fast_bfloat16',
    'openvino_core',
    'to_openvino',
    'why_no_openvino',
]

_log = logging.getLogger(__name__)
_TYPES = {'float32': 'f32', 'bfloat16': 'bf16'}


class OpenVinoSource:
    """Converts a network to OpenVINO, when first needed and once for all precisions.

    Compiled models are kept for the next start (`start_cache`), which then converts nothing.

    Args:
        net: The network; it stays as it is.
        threads: CPU threads; 0 for all cores.

    Raises:
        DeviceError: OpenVINO is not installed.
    """

    def __init__(self, net: MultitaskNet, threads: int) -> None:
        if reason := why_no_openvino():
            raise DeviceError(f'{reason}; install openvino, or use the backend torch')
        self.config = net.config
        self.kept = StartCache(net, *_facts(), f'{threads} threads')
        self._threads = threads
        self._net = net
        self._models: dict[str, Any] = {}
        builders = [frames_graph, actions_graph] if net.config.actions else [frames_graph]
        self._builders = {builder(net).name: builder for builder in builders}

    def shapes(self, graph: str) -> list[tuple[int, ...]]:
        """Shapes of the inputs for one person and the trained clip."""
        inputs = self._builders[graph](self._net).inputs
        return [tuple(tensor.shape) for tensor in inputs.values()]

    def compile(self, graph: str, precision: str, *, fixed: bool) -> Any:
        """Return a compiled model, from the cache if it is there.

        Args:
            graph: `frames` or `actions`.
            precision: `float32` or `bfloat16`.
            fixed: Compile for the shapes of `shapes` alone, instead of any number of people.
        """
        options: dict[str, Any] = {
            'INFERENCE_PRECISION_HINT': _TYPES[precision],
            'PERFORMANCE_HINT': 'LATENCY',
        }
        if self._threads:
            options['INFERENCE_NUM_THREADS'] = self._threads
        name = f'{graph}-{"fixed" if fixed else "open"}-{precision}'
        core = openvino_core()
        if blob := self.kept.read(name):
            try:
                return core.import_model(blob, 'CPU', options)
            except RuntimeError as error:
                _log.info('%s is compiled again: %s', name, error)
        compiled = core.compile_model(self._model(graph, fixed=fixed), 'CPU', options)
        self.kept.write(name, compiled.export_model().getvalue())
        return compiled

    def _model(self, graph: str, *, fixed: bool) -> Any:
        if not self._models:
            folded = fold(self._net)
            for name, builder in self._builders.items():
                self._models[name] = to_openvino(builder(folded))
        model, example = self._models[graph], self._builders[graph](self._net)
        opened = 0 if fixed else example.open_axes
        model.reshape(
            {
                port: [-1] * opened + list(tensor.shape[opened:])
                for port, tensor in zip(model.inputs, example.inputs.values(), strict=True)
            }
        )
        return model


class OpenVinoNetwork:
    """A network compiled for the CPU.

    Args:
        source: The network.
        precision: `float32` or `bfloat16`.

    Raises:
        DeviceError: OpenVINO can't do that precision.
    """

    def __init__(self, source: OpenVinoSource, precision: str) -> None:
        if precision not in _TYPES:
            raise DeviceError(
                f'OpenVINO computes in {" or ".join(_TYPES)} on a CPU; found {precision!r}'
            )
        self._frames = _Program(source, 'frames', precision)
        self._actions: _Program | None = None
        if source.config.actions:
            self._actions = _Program(source, 'actions', precision)
        self._threads = self._frames.threads
        self.precision = precision

    @property
    def device(self) -> str:
        """Description of the device, for display."""
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
            raise ConfigError('a network for poses only has no actions')
        return self._actions(joints, probability, joint_features)[0]


class _Program:
    """A graph, compiled for any shapes, and at the first call for one person also for its shapes.

    Most calls are for one person and the trained clip, and known shapes make a frame a tenth
    faster. The engine's warm-up makes that first call.
    """

    def __init__(self, source: OpenVinoSource, graph: str, precision: str) -> None:
        self._any = source.compile(graph, precision, fixed=False)
        self._shapes = source.shapes(graph)
        self._usual: Any = None
        self._compile_usual: Callable[[], Any] | None = partial(
            source.compile, graph, precision, fixed=True
        )

    @property
    def threads(self) -> int:
        """CPU threads that it runs on."""
        return int(self._any.get_property('INFERENCE_NUM_THREADS'))

    def __call__(self, *arrays: NDArray[Any]) -> list[NDArray[np.float32]]:
        usual = [array.shape for array in arrays] == self._shapes
        if usual and self._compile_usual:
            self._usual = self._compile_usual()
            self._compile_usual = None  # and with it the converted model
        found = (self._usual if usual else self._any)(arrays)
        return [np.array(found[index]) for index in range(len(found))]


def why_no_openvino() -> str:
    """Return why OpenVINO can't be used here; empty if it can."""
    try:
        import openvino  # noqa: F401
    except ImportError as error:
        return f'OpenVINO does not import ({error})'
    return ''


def has_fast_bfloat16() -> bool:
    """Tell whether this CPU multiplies bfloat16 in hardware."""
    return 'BF16' in openvino_core().get_property('CPU', 'OPTIMIZATION_CAPABILITIES')


def _facts() -> tuple[str, ...]:
    """Versions of libraries, and the CPU: a compiled model depends on them."""
    import openvino

    core = openvino_core()
    capabilities = core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
    name = core.get_property('CPU', 'FULL_DEVICE_NAME')
    return openvino.__version__, torch.__version__, name, ' '.join(capabilities)


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
        graph: From `runtime.tensor_graphs`.
        open_axes: Number of the first axes that stay open; by default as many as possible.
    """
    import openvino

    opened = graph.open_axes if open_axes is None else open_axes
    examples = tuple(graph.inputs.values())
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')  # the tracer on sizes, which are fixed here
        # Traced here, since OpenVINO's own tracing runs the network three times more to check it.
        traced: Any = torch.jit.trace(graph.module, examples, check_trace=False, strict=False)  # type: ignore[no-untyped-call]
        model = openvino.convert_model(traced, example_input=examples)
    del traced
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
