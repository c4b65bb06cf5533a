"""The executable `pose_action_node`: runs the node until it is told to stop.

The node's module takes seconds to import, and its network to load. A signal ends the process at
any time, at once and quietly.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

__all__ = ['main']

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Run the node until it is told to stop; 1 where a parameter is given a wrong value."""
    for number in _SIGNALS:
        signal.signal(number, lambda *_: _end_at_once())
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.signals import SignalHandlerOptions, install_signal_handlers

    from pose_action_ros.core.errors import ConfigError

    # A signal that ended ROS while the node is made would leave half a node.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    rclpy.logging.get_logger('pose_action').info('starts')
    node = None
    try:
        from pose_action_ros.ros.node import PoseActionNode

        node = PoseActionNode()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # one that comes now waits for rclpy
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        install_signal_handlers(SignalHandlerOptions.ALL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        executor = SingleThreadedExecutor()
        if node.settings.autostart:
            executor.create_task(node.start)
        rclpy.spin(node, executor)
    except ConfigError as error:
        rclpy.logging.get_logger('pose_action').fatal(str(error))
        return 1
    except KeyboardInterrupt:
        pass
    except Exception:
        if rclpy.ok():  # else a signal has ended ROS under whatever went on
            raise
    finally:
        if node is not None:
            node.stop_work()
            if node.is_loading:
                node.destroy_node()
                rclpy.try_shutdown()
                _end_at_once()
        rclpy.try_shutdown()
    return 0


def _end_at_once() -> NoReturn:
    """End the process without tidying up: threads of a library may be anywhere."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == '__main__':
    sys.exit(main())
