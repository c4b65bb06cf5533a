"""The nodes of the demo, each in a separate process.

Ctrl-C in the terminal reaches only the demo, which then ends its nodes one after another. So no
node is interrupted in the middle of its work.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from pose_action_ros.core.errors import PoseActionError

__all__ = ['DemoError', 'Processes']

_STOP_TIMEOUT_S = 10.0


class DemoError(PoseActionError):
    """A process of the demo ended, or no pose arrived."""


class Processes:
    """The running nodes."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, module: str, **parameters: Any) -> None:
        """Start a node: a module of the package, and its parameters."""
        options = [
            word for name, value in parameters.items() for word in ('-p', f'{name}:={value}')
        ]
        command = [sys.executable, '-m', f'pose_action_ros.{module}', '--ros-args', *options]
        self._running[module] = subprocess.Popen(
            [*command, '--log-level', 'warn'], start_new_session=True
        )

    def check(self) -> None:
        """Check that all nodes are running.

        Raises:
            DemoError: A node has ended.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                short = name.rpartition('.')[2]
                raise DemoError(f'{short} ended with exit status {process.returncode}; see above')

    def stop(self, *names: str) -> None:
        """Terminate nodes in this order; a node that does not end in time is killed."""
        ending = [self._running.pop(name) for name in names if name in self._running]
        for process in ending:
            process.terminate()
        for process in ending:
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def stop_all(self) -> None:
        """End all nodes."""
        self.stop(*list(self._running))
