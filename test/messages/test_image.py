"""Images to arrays and back, in the messages of both libraries."""

import cv2
import numpy as np
import pytest

from pose_action_ros.core.errors import ImageError
from pose_action_ros.messages.depth import depth_from_msg
from pose_action_ros.messages.image import image_to_msg, rgb_from_msg

RGB = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


@pytest.fixture
def image(make):
    """Make an Image of bytes."""

    def build(data, **fields):
        numbers = np.frombuffer(data, np.uint8).tolist()
        return make('sensor_msgs/Image', data=numbers, **fields)

    return build


@pytest.mark.parametrize(('order', 'encoding'), [(1, 'rgb8'), (-1, 'bgr8')])
def test_rgb_survives_the_round_trip(make, header, order, encoding):
    msg = image_to_msg(make, RGB[..., ::order], header, encoding)
    assert (msg.step, msg.header.frame_id) == (192, 'left_optical')
    np.testing.assert_array_equal(rgb_from_msg(msg), RGB)


def test_padded_rows(image):
    padded = np.zeros((48, 200), np.uint8)
    padded[:, :192] = RGB.reshape(48, 192)
    msg = image(padded.tobytes(), height=48, width=64, step=200, encoding='rgb8')
    np.testing.assert_array_equal(rgb_from_msg(msg), RGB)


def test_compressed(make):
    _, data = cv2.imencode('.png', RGB[..., ::-1])
    msg = make(
        'sensor_msgs/CompressedImage', format='rgb8; png compressed bgr8', data=data.tolist()
    )
    np.testing.assert_array_equal(rgb_from_msg(msg), RGB)


def test_what_is_no_image_is_refused(header):
    for read in (rgb_from_msg, depth_from_msg):
        with pytest.raises(ImageError, match='is not an image'):
            read(header)


def test_infrared_is_seen_where_it_is_said(image):
    values = np.linspace(0, 1023, 48 * 64).astype('<u2').tobytes()
    msg = image(values, height=48, width=64, step=128, encoding='16UC1')
    assert rgb_from_msg(msg, infrared=True).max() > 245
    with pytest.raises(ImageError, match='set image_infrared'):
        rgb_from_msg(msg)


def test_depth_in_millimetres_and_metres(image):
    mm = np.full((4, 6), 1500, np.uint16)
    mm[0, 0] = 0
    msg = image(mm.tobytes(), height=4, width=6, step=12, encoding='16UC1')
    depth_m = depth_from_msg(msg)
    assert np.isnan(depth_m[0, 0])
    assert depth_m[1, 1] == pytest.approx(1.5)
    metres = np.full((4, 6), 2.5, np.float32)
    msg = image(metres.tobytes(), height=4, width=6, step=24, encoding='32FC1')
    assert depth_from_msg(msg)[2, 2] == 2.5
