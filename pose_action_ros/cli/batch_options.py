"""Options of the verbs that take many inputs, with one name and one text each."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Annotated

import typer

from pose_action_ros.batch.run import Workers
from pose_action_ros.core.weights import UNTRAINED

if TYPE_CHECKING:
    from pose_action_ros.core.weights import NetworkChoice

__all__ = ['Again', 'Count', 'Gpus', 'RayAddress', 'Threads', 'batch_key', 'for_workers']

Count = Annotated[
    int,
    typer.Option('--workers', min=1, help='Inputs at a time on this machine; 2 or more need Ray.'),
]
RayAddress = Annotated[
    str,
    typer.Option(
        '--ray',
        help='Convert on the Ray cluster at this address (`auto`: the cluster of this machine).',
    ),
]
Threads = Annotated[
    int,
    typer.Option(
        min=0,
        help='CPU threads of a worker; 0: an even share of the cores, on a cluster 1.',
    ),
]
Gpus = Annotated[
    float,
    typer.Option(min=0.0, help='Share of a GPU for each worker, such as 0.25; 0: the CPU.'),
]
Again = Annotated[
    bool, typer.Option('--again', help='Convert also inputs that are done and unchanged.')
]


def for_workers(network: NetworkChoice, workers: Workers) -> NetworkChoice:
    """Return the choice with the threads and the device of a worker.

    A worker of Ray uses a GPU only if Ray has given it a share of one.

    Args:
        network: The choice of the user.
        workers: The worker processes.
    """
    if workers.is_here:
        return replace(network, threads=workers.threads)
    on_cpu = network.device == 'auto' and not workers.gpus
    device = 'cpu' if on_cpu else network.device
    return replace(network, threads=workers.threads_each, device=device)


def batch_key(network: NetworkChoice, *others: object) -> str:
    """Return a text of everything besides the input that changes an output.

    Args:
        network: The choice. Its threads and device change only the last digits of results.
        others: Further settings, whose `repr` shows every value.
    """
    try:
        release = version('pose_action_ros')
    except PackageNotFoundError:
        release = 'of a checkout'
    contents = [(name, _digest(name)) for name in (network.weights, network.finder) if name]
    return repr((release, contents, others))


def _digest(weights: str) -> str:
    from pose_action_ros.models.checkpoint import find_weights

    if weights.startswith(UNTRAINED):
        return weights
    return hashlib.sha256(find_weights(weights).read_bytes()).hexdigest()
