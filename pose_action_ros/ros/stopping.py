"""The end of a process with a node: a signal sets a flag, and the spinning loop checks it.

rclpy's own handlers raise KeyboardInterrupt, or end ROS, at any point of the program. A message
that is being converted then fails with another error, and a callback loses its publishers. With a
flag, a callback always runs to its end.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from pose_action_ros.core.errors import ConfigError, PoseActionError
from pose_action_ros.ros.topic_errors import without_places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rclpy.executors import Executor
    from rclpy.node import Node

__all__ = [
    'SIGNALS',
    'StopFlag',
    'make_node',
    'ros_without_signal_handlers',
    'run_node',
    'spin_until_stopped',
]

NodeT = TypeVar('NodeT', bound='Node')

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""The signals that end a node."""

_LOOK_S = 0.1  # longest delay of a signal while no callback runs


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
    """Keep ROS running inside the block, regardless of signals.

    Raises:
        ConfigError: ROS does not accept its arguments or its environment.
    """
    try:
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    except (RuntimeError, UnicodeEncodeError) as error:  # RCLError among them
        raise ConfigError(
            f'ROS 2 does not start: {without_places(error)}; check the arguments after '
            '--ros-args and the variables ROS_LOG_DIR and ROS_DOMAIN_ID'
        ) from error
    try:
        yield
    finally:
        rclpy.try_shutdown()


def spin_until_stopped(
    executor: Executor, stop: StopFlag, survive: Callable[[Exception], object] | None = None
) -> None:
    """Run callbacks until a signal comes.

    Args:
        executor: Has the node.
        stop: Set by the signal.
        survive: Receives the error of a callback, and the loop continues; None: the error ends the
            loop.

    Raises:
        Exception: A callback raised it.
    """
    while not stop.is_set and rclpy.ok():
        try:
            executor.spin_once(timeout_sec=_LOOK_S)
        except Exception as error:
            if survive is None:
                raise
            survive(error)


def make_node(make: Callable[[], NodeT]) -> NodeT:
    """Make a node.

    Raises:
        ConfigError: A parameter of rclpy itself, such as `use_sim_time`, has the wrong type.
        PoseActionError: The node can't be made.
    """
    try:
        return make()
    except ParameterException as error:
        raise ConfigError(f'a parameter has a wrong value: {error}') from error


def run_node(make: Callable[[], Node], logger: str) -> int:
    """Run a node until a signal comes, and destroy it; return the exit code of the process.

    Args:
        make: Makes the node.
        logger: Logs the reason if the node can't be made, or fails.

    Returns:
        1 if ROS did not start or the node raised a `PoseActionError`.
    """
    stop = StopFlag()
    try:
        with ros_without_signal_handlers():
            node = make_node(make)
            executor = SingleThreadedExecutor()
            executor.add_node(node)
            try:
                spin_until_stopped(executor, stop)
            finally:
                node.destroy_node()
    except PoseActionError as error:
        rclpy.logging.get_logger(logger).fatal(str(error))
        return 1
    return 0
