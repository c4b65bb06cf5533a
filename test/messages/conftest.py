"""One code for two libraries of messages: its tests run with both."""

import pytest


def maker(library):
    """Return what makes the messages of a library."""
    if library == 'rclpy':
        pytest.importorskip('rclpy', reason='needs ROS 2')
        from pose_action_ros.ros.message_types import MAKE

        return MAKE
    pytest.importorskip('rosbags', reason='needs the extra `bag`')
    from pose_action_ros.recordings.message_types import RecordedMessageMaker, load_types

    return RecordedMessageMaker(load_types())


@pytest.fixture(scope='session', params=['rclpy', 'rosbags'])
def make(request):
    return maker(request.param)


@pytest.fixture
def header(make):
    stamp = make('builtin_interfaces/Time', sec=12, nanosec=345_678_901)
    return make('std_msgs/Header', stamp=stamp, frame_id='left_optical')
