"""Prints the lock file of the environment that runs it: every installed release, one a line."""

from importlib.metadata import distributions

# OpenVINO works without the part of it that reports its use.
LEFT_OUT = {'pip', 'pose_action_ros', 'openvino-telemetry'}

# ROS wheels carry a second description of themselves (rclpy inside ros-rclpy), which no index
# knows; pip leaves its mark only on what it installed.
releases = {
    dist.name: dist.version.partition('+')[0]
    for dist in distributions()
    if dist.read_text('INSTALLER') and dist.name not in LEFT_OUT
}
print('# Every release that `make setup` installs. Written by `make lock` from setup.cfg.')  # noqa: T201
for name in sorted(releases, key=str.lower):
    print(f'{name}=={releases[name]}')  # noqa: T201
