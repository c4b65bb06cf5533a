"""Prints a lock file of the environment that runs it: one installed release a line.

write_lock.py [LOCK_FILE]...   leaves out what those list
write_lock.py --extra NAME     prints what setup.cfg asks for under that name instead
"""

import sys
from configparser import ConfigParser
from importlib.metadata import distributions
from pathlib import Path

# OpenVINO works without the part of it that reports its use.
LEFT_OUT = {'pip', 'pose_action_ros', 'openvino-telemetry'}
NAMED = ('ros-kilted-', 'ros-jazzy-')  # they only choose the releases of others


def print_lock(others: list[str]) -> None:
    """Print what is installed and not listed in other lock files."""
    listed = {
        line.partition('==')[0] for file in others for line in Path(file).read_text().split()
    }
    # ROS wheels carry a second description of themselves (rclpy inside ros-rclpy), which no index
    # knows; pip leaves its mark only on what it installed.
    releases = {
        dist.name: dist.version.partition('+')[0]
        for dist in distributions()
        if dist.read_text('INSTALLER') and not dist.name.startswith(NAMED)
    }
    print('# Releases that `make setup` installs. Written by `make lock` from setup.cfg.')
    for name in sorted(set(releases) - listed - LEFT_OUT, key=str.lower):
        print(f'{name}=={releases[name]}')


def print_extra(name: str) -> None:
    """Print the requirements of an extra."""
    config = ConfigParser()
    config.read('setup.cfg')
    print(config['options.extras_require'][name])


if __name__ == '__main__':
    if sys.argv[1:2] == ['--extra']:
        print_extra(sys.argv[2])
    else:
        print_lock(sys.argv[1:])
