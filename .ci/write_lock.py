"""Prints a lock file of the environment that runs it: one installed release a line.

write_lock.py [LOCK_FILE]...   skips the releases of these files
write_lock.py --extra NAME     prints the requirements of an extra of setup.cfg instead
"""

import sys
from configparser import ConfigParser
from importlib.metadata import distributions
from pathlib import Path

# OpenVINO works without its usage reports.
SKIPPED = {'pip', 'pose_action_ros', 'openvino-telemetry'}
NAMED = ('ros-kilted-', 'ros-jazzy-')  # these only select releases of other packages


def print_lock(others: list[str]) -> None:
    """Print the installed releases that no other lock file lists."""
    listed = {
        line.partition('==')[0] for file in others for line in Path(file).read_text().split()
    }
    # ROS wheels contain metadata of a second package (rclpy inside ros-rclpy) that is on no index.
    # Only packages that pip installed have the file INSTALLER.
    releases = {
        dist.name: dist.version.partition('+')[0]
        for dist in distributions()
        if dist.read_text('INSTALLER') and not dist.name.startswith(NAMED)
    }
    print('# Releases that `make setup` installs. Written by `make lock` from setup.cfg.')
    for name in sorted(set(releases) - listed - SKIPPED, key=str.lower):
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
