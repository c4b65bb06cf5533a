"""A signal sets a flag; it raises nothing and ends no ROS under a callback."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from pose_action_ros.ros.stopping import StopFlag, ros_without_signal_handlers, spin_until_stopped

class Busy(Node):
    def __init__(self):
        super().__init__('busy')
        self.create_timer(0.001, self.work)

    def work(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        os.kill(os.getpid(), int(sys.argv[1]))
        print('to the end', rclpy.ok(), flush=True)

stop = StopFlag()
with ros_without_signal_handlers():
    executor = SingleThreadedExecutor()
    executor.add_node(Busy())
    spin_until_stopped(executor, stop)
    print('stopped', rclpy.ok())
print('left', rclpy.ok())
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_callback_runs_to_its_end(number):
    done = subprocess.run(
        [sys.executable, '-c', PROGRAM, str(int(number))],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ['to the end True', 'stopped True', 'left False']
