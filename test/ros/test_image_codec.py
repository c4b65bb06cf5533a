"""Image messages to arrays and back."""

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')
pytestmark = pytest.mark.ros

import cv2  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from pose_action_ros.core.errors import ImageError  # noqa: E402
from pose_action_ros.geometry.image import decode_image  # noqa: E402
from pose_action_ros.ros.image_codec import ImageCodec, image_to_msg  # noqa: E402

RGB = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


@pytest.fixture(scope='module')
def codec():
    return ImageCodec()


def test_rgb_survives_the_round_trip(codec):
    msg = image_to_msg(RGB, Header(frame_id='f'), 'rgb8')
    assert (msg.step, msg.header.frame_id) == (192, 'f')
    np.testing.assert_array_equal(codec.to_rgb(msg), RGB)


def test_a_reversed_view_is_copied_right(codec):
    np.testing.assert_array_equal(
        codec.to_rgb(image_to_msg(RGB[..., ::-1], Header(), 'bgr8')), RGB
    )


def test_padded_rows(codec):
    padded = np.zeros((48, 200), np.uint8)
    padded[:, :192] = RGB.reshape(48, 192)
    msg = Image(height=48, width=64, step=200, encoding='rgb8', data=padded.tobytes())
    np.testing.assert_array_equal(codec.to_rgb(msg), RGB)


def test_compressed(codec):
    _, data = cv2.imencode('.png', RGB[..., ::-1])
    msg = CompressedImage(format='rgb8; png compressed bgr8', data=data.tobytes())
    np.testing.assert_array_equal(codec.to_rgb(msg), RGB)


@pytest.mark.parametrize(
    'broken',
    [
        {'data': b'\0' * 100},
        {'width': 0},
        {'encoding': 'no such encoding'},
        {'encoding': '16UC1', 'step': 128, 'data': b'\0' * 128 * 48},
        {'step': 10, 'data': b'\0' * 480},
    ],
)
def test_bad_images_are_refused(codec, broken):
    good = {'height': 48, 'width': 64, 'step': 192, 'encoding': 'rgb8', 'data': RGB.tobytes()}
    with pytest.raises(ImageError):
        codec.to_rgb(Image(**{**good, **broken}))


def test_depth_in_millimetres_and_metres(codec):
    mm = np.full((4, 6), 1500, np.uint16)
    mm[0, 0] = 0
    msg = Image(height=4, width=6, step=12, encoding='16UC1', data=mm.tobytes())
    depth_m = codec.to_depth_m(msg)
    assert np.isnan(depth_m[0, 0])
    assert depth_m[1, 1] == pytest.approx(1.5)
    metres = np.full((4, 6), 2.5, np.float32)
    msg = Image(height=4, width=6, step=24, encoding='32FC1', data=metres.tobytes())
    assert codec.to_depth_m(msg)[2, 2] == 2.5


@pytest.mark.parametrize(
    'encoding', ['mono8', 'mono16', 'bgr8', 'rgb8', 'bgra8', 'rgba8', 'yuv422']
)
def test_cv_bridge_agrees(codec, encoding):
    if codec.decoder != 'cv_bridge':
        pytest.skip(codec.reason)
    size = {'mono8': 1, 'mono16': 2, 'yuv422': 2, 'bgra8': 4, 'rgba8': 4}.get(encoding, 3)
    data = np.random.default_rng(1).integers(0, 256, 48 * 64 * size, np.uint8).tobytes()
    msg = Image(height=48, width=64, step=64 * size, encoding=encoding, data=data)
    ours = decode_image(data, width=64, height=48, step=64 * size, encoding=encoding)
    assert np.abs(codec.to_rgb(msg).astype(int) - ours).max() <= 1
