"""All tests of this folder need ROS 2."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')
