"""A signal sets a flag; it raises nothing and ends no ROS under a callback."""

import os
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


@pytest.mark.parametrize('node', ['ros.pose_action_node', 'demo.camera_node', 'demo.view_node'])
@pytest.mark.parametrize(
    ('given', 'reason'),
    [
        (
            'use_sim_time:="true"',
            "'use_sim_time' to 'true' of type 'STRING', expecting type 'BOOL'",
        ),
        ('use_sim_time:=1', "'use_sim_time' to '1' of type 'INTEGER', expecting type 'BOOL'"),
        ('start_type_description_service:=x', "to 'x' of type 'STRING', expecting type 'BOOL'"),
    ],
)
def test_a_wrong_type_of_a_parameter_of_rclpy_is_one_line(node, given, reason):
    done = subprocess.run(
        [sys.executable, '-m', f'pose_action_ros.{node}', '--ros-args', '-p', given],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if '[INFO]' not in line]
    assert len(lines) == 1, done.stderr
    assert '[FATAL]' in lines[0]
    assert reason in lines[0]


@pytest.mark.parametrize('node', ['ros.pose_action_node', 'demo.camera_node'])
@pytest.mark.parametrize(
    ('arguments', 'variables', 'reason'),
    [
        (['-p', 'foo'], {}, "Couldn't parse parameter override rule: '-p foo'"),
        (['--params-file', '/none.yaml'], {}, 'Error opening YAML file'),
        (['-r', 'image:=9x'], {}, "Couldn't parse remap rule: '-r image:=9x'"),
        (['-p', 'model.weights:=\udcff'], {}, 'surrogates not allowed'),
        ([], {'ROS_DOMAIN_ID': 'abc'}, 'ROS_DOMAIN_ID is not an integral number'),
        ([], {'ROS_LOG_DIR': '/dev/null/log'}, "Failed to create log directory '/dev/null/log'"),
    ],
)
def test_what_ros_refuses_is_one_line(node, arguments, variables, reason):
    done = subprocess.run(
        [sys.executable, '-m', f'pose_action_ros.{node}', '--ros-args', *arguments],
        env={**os.environ, **variables},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    line = done.stderr.splitlines()[-1]  # rcl may have logged a line before
    assert '[FATAL]' in line
    assert 'ROS 2 does not start: ' in line
    assert reason in line
    assert ', at /' not in line
