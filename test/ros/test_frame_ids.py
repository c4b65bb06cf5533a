"""The headers of one camera name one frame; a difference is reported."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from pose_action_ros.ros.frame_ids import FrameIds


def problems(image, camera_info='', depth=''):
    return FrameIds(image, camera_info, depth).problems('/cam/camera_info', '/cam/depth')


@pytest.mark.parametrize(
    'frames',
    [(None, 'left', 'left'), ('left', '', ''), ('left', 'left', 'left'), ('/left', 'left', '')],
)
def test_frames_that_agree_or_are_not_known_are_right(frames):
    assert problems(*frames) == {}


def test_images_without_a_frame_are_said_alone():
    (text,) = problems('', 'left', 'left_depth').values()
    assert 'images have no frame' in text
    assert 'set frame_id in the driver' in text


def test_inputs_in_other_frames_are_said():
    found = problems('left', 'right', 'left_depth')
    assert found['frame of camera_info'] == (
        "mismatched CameraInfo: /cam/camera_info is in frame 'right', the images are in 'left'; "
        'is it the CameraInfo of this camera?'
    )
    assert found['frame of depth'] == (
        "/cam/depth is in frame 'left_depth', the images are in 'left'; align the depth image to "
        'the images in the driver'
    )
