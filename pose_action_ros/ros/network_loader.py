"""Opens the network in a separate thread, and reports each step with the time so far.

PyTorch and the backend are imported in that thread, so the node has its topics earlier.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import rclpy

if TYPE_CHECKING:
    from rclpy.impl.rcutils_logger import RcutilsLogger

    from pose_action_ros.inference.stream import PoseActionStream
    from pose_action_ros.ros.settings import NodeSettings

__all__ = ['NetworkLoader']


class NetworkLoader:
    """Loads one network, independent of the node.

    Args:
        settings: The node's settings.
        logger: Logs every step.
    """

    def __init__(self, settings: NodeSettings, logger: RcutilsLogger) -> None:
        self._settings = settings
        self._logger = logger
        self._start_s = time.monotonic()
        self._step = ''
        self._loaded: PoseActionStream | BaseException | None = None
        self._thread = threading.Thread(target=self._run, name='loading', daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def is_loading(self) -> bool:
        """Whether the thread is running. It can't be interrupted."""
        return self._thread.is_alive()

    @property
    def progress(self) -> str:
        """The present step, and the time since the start."""
        passed_s = time.monotonic() - self._start_s
        return f'loading {self._settings.model.weights}: {self._step} ({passed_s:.0f} s)'

    def finish(self) -> PoseActionStream:
        """Return the network, loading it now if no thread was started; raise a loading error."""
        if self._loaded is None:
            self._run()
        if self._loaded is None or isinstance(self._loaded, BaseException):
            raise self._loaded or RuntimeError('the network is still being loaded')
        return self._loaded

    def _run(self) -> None:
        model = self._settings.model
        try:
            self._report('importing PyTorch')
            from pose_action_ros.inference.stream import PoseActionStream

            self._loaded = PoseActionStream.open(
                model.weights,
                settings=self._settings,
                finder=model.finder if self._settings.person_source == 'find' else None,
                device=model.device,
                threads=model.threads,
                backend=model.backend,
                precision=model.precision,
                report=self._report,
            )
        except BaseException as error:
            self._loaded = error

    def _report(self, step: str) -> None:
        self._step = step
        if rclpy.ok():  # a signal may have ended ROS meanwhile
            self._logger.info(self.progress)
