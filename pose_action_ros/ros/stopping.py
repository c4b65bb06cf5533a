"""How a process with a node ends: a signal sets a flag, and the loop that spins looks at it.

rclpy's own handlers raise KeyboardInterrupt, or end ROS, in the middle of whatever goes on. A
message that is being converted then fails with another error, and a callback loses its
publishers. With a flag, a callback always runs to its end.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import rclpy
from rclpy.signals import SignalHandlerOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rclpy.executors import Executor

__all__ = ['SIGNALS', 'StopFlag', 'ros_without_signal_handlers', 'spin_until_stopped']

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""The signals that end a node."""

_LOOK_S = 0.1  # how long a signal waits where nothing else happens


class StopFlag:
    """Set by signals from its creation on; further signals change nothing.

    Args:
        signals: The signals that set it.

    Attributes:
        is_set: A signal came.
    """

    def __init__(self, *signals: signal.Signals) -> None:
        self.is_set = False
        for number in signals or SIGNALS:
            signal.signal(number, self._set)

    def _set(self, *_: Any) -> None:
        self.is_set = True  # no lock: a second signal may come in here


@contextmanager
def ros_without_signal_handlers() -> Iterator[None]:
    """Keep ROS up inside the block, whatever signals come."""
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        yield
    finally:
        rclpy.try_shutdown()


def spin_until_stopped(executor: Executor, stop: StopFlag) -> None:
    """Run callbacks until a signal comes.

    Raises:
        Exception: A callback raised it.
    """
    while not stop.is_set and rclpy.ok():
        executor.spin_once(timeout_sec=_LOOK_S)
