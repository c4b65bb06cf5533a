"""Image decoding: every encoding gives back the colours that were put in."""

import cv2
import numpy as np
import pytest

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry.image import (
    COLOR_ENCODINGS,
    DEPTH_ENCODINGS,
    decode_compressed,
    decode_depth,
    decode_image,
)

ORANGE = (230, 120, 40)
GREY = 90


def packed(encoding, height=4, width=6):
    """Bytes and row length of a flat picture: orange, or grey where there is no colour."""
    sixteen = encoding.endswith('16')
    order = encoding.rstrip('0123456789')
    red, green, blue = ORANGE
    values = {'r': red, 'g': green, 'b': blue, 'a': 255}
    if order in ('rgb', 'bgr', 'rgba', 'bgra'):
        pixels = np.tile(np.array([values[c] for c in order], np.uint8), (height, width, 1))
    elif encoding in ('8UC3', '8UC4'):
        pixels = np.tile(
            np.array([blue, green, red, 255][: int(encoding[3])], np.uint8), (4, 6, 1)
        )
    elif order.startswith('bayer_'):
        cells = np.array([values[c] for c in order[6:]], np.uint8).reshape(2, 2)
        pixels = np.tile(cells, (height // 2, width // 2))
    elif order == 'mono' or encoding == '8UC1':
        pixels = np.full((height, width), GREY, np.uint8)
    else:
        return packed_yuv(encoding, height, width)
    if sixteen:
        pixels = pixels.astype('<u2') * 257
    return pixels.tobytes(), pixels.nbytes // height


def packed_yuv(encoding, height, width):
    # BT.601, studio swing, as OpenCV reads it
    red, green, blue = np.array(ORANGE) / 255.0
    y = 16 + 65.481 * red + 128.553 * green + 24.966 * blue
    u = 128 - 37.797 * red - 74.203 * green + 112.0 * blue
    v = 128 + 112.0 * red - 93.786 * green - 18.214 * blue
    y, u, v = np.rint([y, u, v]).astype(np.uint8)
    if encoding in ('uyvy', 'yuv422'):
        return bytes([u, y, v, y] * (width // 2 * height)), 2 * width
    if encoding in ('yuyv', 'yuv422_yuy2'):
        return bytes([y, u, y, v] * (width // 2 * height)), 2 * width
    chroma = [v, u] if encoding == 'nv21' else [u, v]
    count = width * height if encoding == 'nv24' else width * height // 4
    return bytes([y] * (width * height) + chroma * count), width


@pytest.mark.parametrize('encoding', COLOR_ENCODINGS)
def test_colours_come_back(encoding):
    data, step = packed(encoding)
    image = decode_image(data, width=6, height=4, step=step, encoding=encoding)
    assert image.shape == (4, 6, 3)
    assert image.dtype == np.uint8
    is_grey = encoding.startswith(('mono', '8UC1'))
    expected = (GREY,) * 3 if is_grey else ORANGE
    exact = not encoding.startswith(('uyvy', 'yuy', 'yuv', 'nv'))
    np.testing.assert_allclose(image.reshape(-1, 3) - 0.0, [expected] * 24, atol=0 if exact else 3)


def test_rgb8_is_not_copied():
    data = bytearray(packed('rgb8')[0])
    image = decode_image(data, width=6, height=4, step=18, encoding='rgb8')
    data[0] = 7
    assert image[0, 0, 0] == 7


@pytest.mark.parametrize('encoding', ['bgr8', 'mono8', 'rgb8', 'mono16'])
def test_padded_rows(encoding):
    data, step = packed(encoding)
    rows = np.frombuffer(data, np.uint8).reshape(4, step)
    padded = np.pad(rows, ((0, 0), (0, 5)), constant_values=255).tobytes()
    plain = decode_image(data, width=6, height=4, step=step, encoding=encoding)
    found = decode_image(padded, width=6, height=4, step=step + 5, encoding=encoding)
    np.testing.assert_array_equal(found, plain)
    without_last = padded[:-5]  # some drivers leave the last padding out
    found = decode_image(without_last, width=6, height=4, step=step + 5, encoding=encoding)
    np.testing.assert_array_equal(found, plain)


def test_big_endian_values():
    values = np.arange(24, dtype='>u2').reshape(4, 6) * 2570
    image = decode_image(
        values.tobytes(), width=6, height=4, step=12, encoding='mono16', is_bigendian=True
    )
    np.testing.assert_allclose(image[..., 0] + 0.0, np.arange(24).reshape(4, 6) * 10.0, atol=0.5)


def test_positions_are_kept():
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    bgr = picture[..., ::-1].tobytes()
    found = decode_image(bgr, width=7, height=5, step=21, encoding='bgr8')
    np.testing.assert_array_equal(found, picture)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'encoding': 'yuv420'}, "'yuv420' is not an image encoding"),
        ({'encoding': '32FC1'}, 'decode_depth'),
        ({'step': 17}, 'step 17 is too small'),
        ({'height': 5}, 'found 72 bytes; 5 rows of step 18 need 90'),
        ({'width': 0}, '0 x 4 pixels'),
        ({'encoding': 'uyvy', 'width': 5}, 'width 5 is odd'),
        ({'encoding': 'nv12', 'height': 3}, 'height 3 is odd'),
        ({'encoding': 'bayer_rggb8', 'height': 2, 'step': 36}, '3 x 3 pixels or more'),
    ],
)
def test_contradictions_are_refused(change, message):
    fields = {'width': 6, 'height': 4, 'step': 18, 'encoding': 'rgb8', **change}
    with pytest.raises(ImageError, match=message):
        decode_image(packed('rgb8')[0], **fields)


@pytest.fixture
def scene():
    rows, columns = np.mgrid[:48, :64]
    return np.stack([4 * columns, 5 * rows, 255 - 4 * columns], axis=-1).astype(np.uint8)


@pytest.mark.parametrize(('suffix', 'tolerance'), [('.png', 0), ('.jpg', 12)])
def test_compressed(scene, suffix, tolerance):
    data = cv2.imencode(suffix, scene[..., ::-1])[1].tobytes()
    found = decode_compressed(data, f'rgb8; {suffix[1:]} compressed bgr8')
    np.testing.assert_allclose(found + 0.0, scene + 0.0, atol=tolerance)


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_damaged_files_are_refused(scene, suffix):
    data = cv2.imencode(suffix, scene)[1].tobytes()
    with pytest.raises(ImageError, match='cut short'):
        decode_compressed(data[: len(data) // 2], suffix)


def test_no_image_is_refused():
    with pytest.raises(ImageError, match='empty'):
        decode_compressed(b'', 'jpeg')
    with pytest.raises(ImageError, match='no image that OpenCV reads'):
        decode_compressed(b'nothing of the kind', 'jpeg')
    with pytest.raises(ImageError, match='is depth, not colour'):
        decode_compressed(b'1234', '16UC1; compressedDepth png')


def test_depth_in_metres():
    millimetres = np.array([[0, 1500], [8000, 65535]], '<u2')
    expected = [[np.nan, 1.5], [8.0, 65.535]]
    for encoding in ('16UC1', 'mono16'):
        found = decode_depth(millimetres.tobytes(), width=2, height=2, step=4, encoding=encoding)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        assert found.dtype == np.float32


@pytest.mark.parametrize('order', ['<', '>'])
def test_depth_without_a_measurement_is_nan(order):
    metres = np.array([[0.0, 2.5, np.inf], [-np.inf, np.nan, -1.0]], f'{order}f4')
    found = decode_depth(
        metres.tobytes(), width=3, height=2, step=12, encoding='32FC1', is_bigendian=order == '>'
    )
    np.testing.assert_array_equal(found, [[np.nan, 2.5, np.nan], [np.nan] * 3])


def test_colour_is_no_depth():
    with pytest.raises(ImageError, match=', '.join(DEPTH_ENCODINGS)):
        decode_depth(b'', width=1, height=1, step=1, encoding='rgb8')
