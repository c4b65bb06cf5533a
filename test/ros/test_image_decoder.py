"""Image messages to arrays, with cv_bridge and without."""

import sys
from importlib.abc import MetaPathFinder
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')
pytestmark = pytest.mark.ros

import cv2  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from pose_action_ros.core.errors import ImageError  # noqa: E402
from pose_action_ros.geometry.image import (  # noqa: E402
    COLOR_ENCODINGS,
    bytes_per_pixel,
    decode_image,
)
from pose_action_ros.messages.image import image_to_msg  # noqa: E402
from pose_action_ros.ros.image_decoder import ImageDecoder  # noqa: E402
from pose_action_ros.ros.message_types import MAKE  # noqa: E402

RGB = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


@pytest.fixture(scope='module')
def codec():
    return ImageDecoder()


def test_rgb_survives_the_round_trip(codec):
    msg = image_to_msg(MAKE, RGB, Header(frame_id='f'), 'rgb8')
    assert (msg.step, msg.header.frame_id) == (192, 'f')
    np.testing.assert_array_equal(codec.to_rgb(msg), RGB)


def test_a_reversed_view_is_copied_right(codec):
    np.testing.assert_array_equal(
        codec.to_rgb(image_to_msg(MAKE, RGB[..., ::-1], Header(), 'bgr8')), RGB
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


@pytest.mark.parametrize('padding', [0, 8])
@pytest.mark.parametrize('big_endian', [False, True])
@pytest.mark.parametrize('encoding', COLOR_ENCODINGS)
def test_it_decodes_as_the_package_does(codec, encoding, big_endian, padding):
    """With cv_bridge and without; on random bytes, which no conversion can get right by luck."""
    step = 64 * bytes_per_pixel(encoding) + padding
    rows = 48 * {'nv12': 1.5, 'nv21': 1.5, 'nv24': 3.0}.get(encoding, 1.0)
    data = np.random.default_rng(1).integers(0, 256, int(step * rows), np.uint8).tobytes()
    fields = {'height': 48, 'width': 64, 'step': step, 'encoding': encoding}
    ours = decode_image(data, **fields, is_bigendian=big_endian)
    msg = Image(**fields, is_bigendian=big_endian, data=data)
    assert np.abs(codec.to_rgb(msg).astype(int) - ours).max() <= 1


@pytest.mark.parametrize('encoding', ['bgr8', 'mono16', 'bayer_rggb8', 'yuv422'])
def test_cv_bridge_agrees(encoding):
    bridge = pytest.importorskip('cv_bridge', reason='needs cv_bridge').CvBridge()
    step = 64 * bytes_per_pixel(encoding)
    data = np.random.default_rng(1).integers(0, 256, 48 * step, np.uint8).tobytes()
    fields = {'height': 48, 'width': 64, 'step': step, 'encoding': encoding}
    theirs = bridge.imgmsg_to_cv2(Image(**fields, data=data), 'rgb8')
    assert np.abs(theirs.astype(int) - decode_image(data, **fields)).max() <= 1


@pytest.fixture
def bridged(monkeypatch):
    """A codec with a cv_bridge that reads rgb8 in whole pixels only, as the real one does."""

    class CvBridge:
        def imgmsg_to_cv2(self, msg, encoding):
            if msg.encoding != 'rgb8':
                raise RuntimeError(f'Unrecognized image encoding [{msg.encoding}]')
            row = msg.step // 3
            pixels = np.ndarray((msg.height, row, 3), np.uint8, bytes(msg.data))
            return pixels[:, : msg.width].copy()

    module = ModuleType('cv_bridge')
    module.CvBridge = CvBridge
    monkeypatch.setitem(sys.modules, 'cv_bridge', module)
    codec = ImageDecoder()
    assert (codec.decoder, codec.reason) == ('cv_bridge', '')
    return codec


def test_rows_that_cv_bridge_would_shear_are_decoded_here(bridged):
    test_padded_rows(bridged)
    test_rgb_survives_the_round_trip(bridged)


def test_encodings_that_cv_bridge_does_not_know_are_decoded_here(bridged):
    data = bytes(range(256)) * 24
    msg = Image(height=48, width=64, step=128, encoding='yuyv', data=data)
    fields = {'width': 64, 'height': 48, 'step': 128}
    np.testing.assert_array_equal(
        bridged.to_rgb(msg), decode_image(data, **fields, encoding='yuyv')
    )
    with pytest.raises(ImageError, match=r'no such.*expected one of'):
        bridged.to_rgb(Image(height=48, width=64, step=128, encoding='no such', data=data))


@pytest.mark.parametrize('error', [ImportError('none'), AttributeError('_ARRAY_API not found')])
def test_a_cv_bridge_that_does_not_load_is_done_without(monkeypatch, error):
    class Refusing(MetaPathFinder):
        def find_spec(self, name, path, target=None):
            if name == 'cv_bridge':
                raise error

    monkeypatch.delitem(sys.modules, 'cv_bridge', raising=False)
    monkeypatch.setattr(sys, 'meta_path', [Refusing(), *sys.meta_path])
    codec = ImageDecoder()
    assert codec.decoder == 'built-in'
    assert str(error) in codec.reason
    test_padded_rows(codec)


def test_dark_images_of_16_bits_are_seen_whatever_cv_bridge_says(bridged):
    values = np.linspace(0, 1023, 48 * 64).astype('<u2').reshape(48, 64)
    fields = {'height': 48, 'width': 64, 'step': 128, 'data': values.tobytes()}
    seen = bridged.to_rgb(Image(**fields, encoding='mono16'))
    assert seen.max() > 245
    with pytest.raises(ImageError, match='set image_infrared'):
        bridged.to_rgb(Image(**fields, encoding='16UC1'))
    bridged.infrared = True
    np.testing.assert_array_equal(bridged.to_rgb(Image(**fields, encoding='16UC1')), seen)
