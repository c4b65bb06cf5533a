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


def main() -> int:
    """Run the node until it is told to stop; 1 if ROS or a parameter has a wrong value."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _end_at_once())
    import rclpy
    from rclpy.executors import SingleThreadedExecutor

    from pose_action_ros.core.errors import ConfigError
    from pose_action_ros.ros.stopping import (
        StopFlag,
        make_node,
        ros_without_signal_handlers,
        spin_until_stopped,
    )

    logger = rclpy.logging.get_logger('pose_action')
    try:
        with ros_without_signal_handlers():
            logger.info('starts')
            from pose_action_ros.ros.node import PoseActionNode

            node = make_node(PoseActionNode)
            stop = StopFlag()
            executor = SingleThreadedExecutor()
            executor.add_node(node)
            if node.settings.autostart:
                executor.create_task(node.start)
            try:
                spin_until_stopped(executor, stop, survive=node.log_failure)
            finally:
                node.stop_work()
                if node.is_loading:
                    node.destroy_node()
                    rclpy.try_shutdown()
                    _end_at_once()
    except ConfigError as error:
        logger.fatal(str(error))
        return 1
    return 0


def _end_at_once() -> NoReturn:
    """End the process without cleaning up, because threads of a library may still run."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == '__main__':
    sys.exit(main())
