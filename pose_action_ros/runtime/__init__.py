"""Runtime: runs a network. It turns bytes of crops into arrays; it knows neither persons nor time.

`engine` is the entry point. It decides device, backend and precision and runs one `network`: on
PyTorch (`torch_network`), a GPU (`cuda_network` on `cuda_graphs`) or OpenVINO (`openvino_network`,
which takes the network as `tensor_graphs`). A reduced precision must pass the `accuracy_gate`. The
`start_cache` keeps compiled models for the next start, and `release_memory` frees a network's
memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pose_action_ros.runtime.engine import Engine

__all__ = ['Engine']


def __getattr__(name: str) -> Any:
    """Load the engine, and PyTorch with it, on first use."""
    if name == 'Engine':
        from pose_action_ros.runtime.engine import Engine

        return Engine
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
