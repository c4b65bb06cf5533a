"""Maps the task over the items: in this process, or on Ray, which schedules and retries.

Ray is the library behind `--workers` and `--ray`, and is loaded only for them. Its dashboard and
its usage reports are switched off.
"""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pose_action_ros.batch.items import Outcome, State
from pose_action_ros.batch.task import do, do_part, is_done
from pose_action_ros.core.ending import interrupted_by_signals
from pose_action_ros.core.errors import ConfigError, DeviceError, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pose_action_ros.batch.items import Item
    from pose_action_ros.batch.task import Batch

__all__ = ['Workers', 'run']

_RETRIES = 3  # of a task whose worker or node died
_GRACE_S = 20.0  # for tasks to end in order after Ctrl-C
_STORE_BYTES = 256 << 20  # for the small results of tasks
_REASON = 500  # characters of a reason
_ANSWER_S = 10.0
_STARTS = 10  # attempts to start Ray here; each ends after 30 s, which a busy machine may need
_NO_ANSWER = (
    'the Ray cluster {} does not answer: {}; `ray status` tells whether one runs, and `--workers` '
    'works without it'
)
_ENVIRONMENT = {
    'RAY_USAGE_STATS_ENABLED': '0',
    'RAY_worker_register_timeout_seconds': '600',  # a worker of a busy machine starts slowly
}


@dataclass(frozen=True)
class Workers:
    """The processes that do the work.

    Attributes:
        count: Workers on this machine; 1: this process.
        ray: Address of a Ray cluster, or `auto`; empty: this machine.
        threads: CPU threads of a worker; 0: an even share of this machine's cores.
        gpus: Share of a GPU for each worker.
    """

    count: int = 1
    ray: str = ''
    threads: int = 0
    gpus: float = 0.0

    @property
    def threads_each(self) -> int:
        """CPU threads of a worker."""
        if self.threads:
            return self.threads
        return 1 if self.ray else max(1, _cores() // self.count)

    @property
    def is_here(self) -> bool:
        """Whether the work is done in this process."""
        return self.count == 1 and not self.ray


def run(items: Sequence[Item], batch: Batch, workers: Workers) -> Iterator[Outcome]:
    """Process all items; yield the outcomes as they arrive.

    After Ctrl-C or SIGTERM the tasks at hand are stopped, and their outcomes are yielded too.

    Args:
        items: The inputs.
        batch: The work.
        workers: The processes that do it.

    Raises:
        ConfigError: Ray is not installed, or there is no such cluster.
    """
    if workers.is_here:
        return _run_here(items, batch)
    return _run_on_ray(items, batch, workers)


def _run_here(items: Sequence[Item], batch: Batch) -> Iterator[Outcome]:
    for item in items:
        outcome = do(item, batch)
        yield outcome
        if outcome.state is State.STOPPED:
            return


def _run_on_ray(items: Sequence[Item], batch: Batch, workers: Workers) -> Iterator[Outcome]:
    ray = _load_ray()
    # Ray leaves a handler of its own: the inner block replaces it, the outer one removes it.
    with interrupted_by_signals(), _connected(ray, workers), interrupted_by_signals():
        task = ray.remote(
            num_cpus=workers.threads_each, num_gpus=workers.gpus, max_retries=_RETRIES
        )
        whole, part_of, shared = task(do), task(do_part), ray.put(batch)
        waiting = {}
        for item in items:
            parts = () if item.parts and is_done(item, batch) else item.parts
            watched = [part_of.remote(item, shared, part) for part in parts]
            waiting[whole.remote(item, shared, *watched)] = item
        try:
            while waiting:
                ready, _ = ray.wait(list(waiting))
                yield _outcome(ray, ready[0], waiting.pop(ready[0]))
        except KeyboardInterrupt:
            yield from _stopped(ray, waiting)


def _stopped(ray: Any, waiting: dict[Any, Item]) -> Iterator[Outcome]:
    """Stop the running tasks; they end in order and delete their unfinished outputs."""
    for reference in waiting:
        ray.cancel(reference)
    ready, _ = ray.wait(list(waiting), num_returns=len(waiting), timeout=_GRACE_S)
    for reference, item in waiting.items():
        ended = reference in ready
        outcome = _outcome(ray, reference, item) if ended else None
        is_done = outcome is not None and outcome.state is not State.FAILED
        yield outcome if outcome and is_done else Outcome(item.name, item.source, State.STOPPED)


def _outcome(ray: Any, reference: Any, item: Item) -> Outcome:
    try:
        outcome: Outcome = ray.get(reference)
    except ray.exceptions.RayError as error:
        reason = shortened(f'{type(error).__name__}: {" ".join(str(error).split())}', _REASON)
        return Outcome(item.name, item.source, State.FAILED, reason)
    return outcome


def _load_ray() -> Any:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)  # before the import, which reads them
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            f'several workers need the library Ray ({error}): `pip install ray`'
        ) from error
    return ray


@contextmanager
def _connected(ray: Any, workers: Workers) -> Iterator[None]:
    """Start Ray on this machine, or join a cluster; leave it afterwards."""
    options: dict[str, Any] = {'log_to_driver': False, 'logging_level': 'error'}
    if workers.ray:
        _check_it_answers(workers.ray)
        options |= {'address': workers.ray}
    else:
        # Ray would keep the token of its servers in the user's home folder.
        os.environ.setdefault('RAY_AUTH_TOKEN', secrets.token_hex(32))
        options |= {
            'address': 'local',
            'num_cpus': workers.count * workers.threads_each,
            'object_store_memory': _STORE_BYTES,
            'include_dashboard': False,
        }
    for attempt in range(1 if workers.ray else _STARTS):
        try:
            ray.init(**options)
            break
        except Exception as error:  # Ray raises it if a start takes 30 s
            ray.shutdown()
            if workers.ray:
                raise DeviceError(_NO_ANSWER.format(workers.ray, error)) from error
            if attempt == _STARTS - 1:
                raise DeviceError(
                    f'Ray does not start here in {_STARTS} attempts: {error} Try again when the '
                    'machine is less busy, or use --workers 1'
                ) from error
    try:
        if workers.gpus and not workers.ray and not ray.cluster_resources().get('GPU'):
            raise DeviceError(
                '--gpus asks for a GPU and Ray finds none here; drop it, or use --ray'
            )
        yield
    finally:
        ray.shutdown()


def _check_it_answers(address: str) -> None:
    """Fail within seconds if nobody listens; Ray itself needs minutes for that."""
    host, colon, port = address.rpartition(':')
    if '/' in address or not (colon and port.isdecimal()):
        return  # `auto`, or a URL of Ray's
    try:
        socket.create_connection((host, int(port)), _ANSWER_S).close()
    except OSError as error:
        raise DeviceError(_NO_ANSWER.format(address, error)) from error


def _cores() -> int:
    """Cores that this process may use."""
    return (
        len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    )
