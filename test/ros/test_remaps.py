"""A rule for a topic counts, also where it leaves the name as it is."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from pose_action_ros.ros.remaps import is_remapped


@pytest.mark.parametrize(
    ('words', 'namespace', 'expected'),
    [
        ('--ros-args -r camera_info:=camera_info', '/', True),
        ('--ros-args -r camera_info:=/camera_info', '/', True),
        ('--ros-args --remap /camera_info:=/a/b', '/', True),
        ('--ros-args -r rostopic://camera_info:=a', '/', True),
        ('--ros-args -r pose_action:camera_info:=a', '/', True),
        ('--ros-args -r /robot/camera_info:=camera_info', '/robot', True),
        ('--ros-args -p x:=1 -r image:=b -- --ros-args -r camera_info:=camera_info', '/', True),
        ('', '/', False),
        ('--ros-args -r image:=camera_info', '/', False),
        ('--ros-args -r other:camera_info:=camera_info', '/', False),
        ('--ros-args -r /camera_info:=camera_info', '/robot', False),
        ('--ros-args -p camera_info:=camera_info', '/', False),
        ('--ros-args -- -r camera_info:=camera_info', '/', False),
        ('-r camera_info:=camera_info', '/', False),
        ('--ros-args -r __ns:=/camera_info -r', '/', False),
        ('--ros-args -r a{b:=camera_info -r camera_info', '/', False),
    ],
)
def test_which_rules_are_for_the_topic(words, namespace, expected):
    assert is_remapped('camera_info', 'pose_action', namespace, words.split()) == expected
