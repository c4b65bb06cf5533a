"""Image decoding: every encoding gives back the colours that were put in."""

import struct

import cv2
import numpy as np
import pytest

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry.compressed_depth import decode_compressed_depth
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
        ({'encoding': '32FC1'}, 'depth topic'),
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
    with pytest.raises(ImageError, match='not an image of OpenCV'):
        decode_compressed(b'nothing of the kind', 'jpeg')
    with pytest.raises(ImageError, match='is depth, not colour'):
        decode_compressed(b'1234', '16UC1; compressedDepth png')


def test_depth_in_metres():
    millimetres = np.array([[0, 1500, 8000], [65534, 65535, 1]], '<u2')
    expected = [[np.nan, 1.5, 8.0], [65.534, np.nan, 0.001]]
    for encoding in ('16UC1', 'mono16'):
        found = decode_depth(millimetres.tobytes(), width=3, height=2, step=6, encoding=encoding)
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


class TestMotionJpeg:
    """Drivers send the whole buffer; what stands behind the end marker does not matter."""

    @pytest.fixture
    def jpeg(self):
        rows, columns = np.mgrid[:48, :64]
        scene = np.stack([4 * columns, 5 * rows, 255 - 4 * columns], axis=-1).astype(np.uint8)
        return cv2.imencode('.jpg', scene)[1].tobytes()

    @pytest.mark.parametrize('padding', ['zeros', 'ones', 'an older image', 'noise'])
    def test_padding_of_any_length_and_content(self, jpeg, padding):
        tails = {
            'zeros': bytes(614400 - len(jpeg)),
            'ones': b'\xff' * 5000,
            'an older image': jpeg[len(jpeg) // 2 :],
            'noise': np.random.default_rng(0).bytes(100_000),
        }
        found = decode_compressed(jpeg + tails[padding], 'jpeg')
        np.testing.assert_array_equal(found, decode_compressed(jpeg, 'jpeg'))

    def test_a_cut_image_is_not_saved_by_its_padding(self, jpeg):
        with pytest.raises(ImageError, match='cut short'):
            decode_compressed(jpeg[: len(jpeg) // 2] + bytes(10_000), 'jpeg')

    def test_a_cut_image_is_not_saved_by_its_thumbnail(self, jpeg):
        exif = b'\xff\xe1' + (len(jpeg) + 2).to_bytes(2, 'big') + jpeg
        whole = jpeg[:2] + exif + jpeg[2:]
        assert decode_compressed(whole, 'jpeg').shape == (48, 64, 3)
        with pytest.raises(ImageError, match='cut short'):
            decode_compressed(whole[: -len(jpeg) // 2], 'jpeg')

    def test_a_huge_size_is_refused_before_memory_is_taken(self, jpeg):
        at = jpeg.index(b'\xff\xc0') + 5
        with pytest.raises(ImageError, match='65535 x 65535'):
            decode_compressed(jpeg[:at] + b'\xff\xff\xff\xff' + jpeg[at + 4 :], 'jpeg')
        png = cv2.imencode('.png', np.zeros((4, 4, 3), np.uint8))[1].tobytes()
        huge = png[:16] + (60_000).to_bytes(4, 'big') * 2 + png[24:]
        with pytest.raises(ImageError, match='60000 x 60000'):
            decode_compressed(huge, 'png')


RGB = np.tile(np.array([ORANGE], np.uint8), (8, 8, 1))


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize(
    ('form', 'channels'),
    [
        ('png', 'bgr'),  # no encoding: a file like any other
        ('rgb{}; png compressed bgr8', 'bgr'),
        ('bgr{}; png compressed bgr8', 'bgr'),
        ('rgba{}; png compressed bgra8', 'bgr'),
        ('rgb{}; png compressed ', 'rgb'),  # image_transport passed OpenCV its own order
        ('rgb{}; png compressed rgb8', 'rgb'),
        ('bgr{}; png compressed rgb8', 'rgb'),
    ],
)
def test_channels_of_compressed_images_are_those_of_image_transport(form, channels, bits):
    """By its subscriber: OpenCV's channels are blue first only where `compressed bgr` says so."""
    stored = RGB[..., ::-1] if channels == 'bgr' else RGB
    stored = stored if bits == 8 else stored.astype(np.uint16) * 257
    data = cv2.imencode('.png', stored)[1].tobytes()
    np.testing.assert_array_equal(decode_compressed(data, form.format(bits)), RGB)


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
@pytest.mark.parametrize('bits', ['8', '16'])
def test_compressed_bayer_has_its_colours(pattern, bits):
    encoding = f'bayer_{pattern}{bits}'
    data, step = packed(encoding, 8, 8)
    mosaic = np.frombuffer(data, '<u2' if bits == '16' else np.uint8).reshape(8, 8)
    assert step == mosaic[0].nbytes
    png = cv2.imencode('.png', mosaic)[1].tobytes()
    found = decode_compressed(png, f'{encoding}; png compressed ')
    np.testing.assert_array_equal(found.reshape(-1, 3), [ORANGE] * 64)
    if bits == '8':
        jpeg = cv2.imencode('.jpg', mosaic, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
        found = decode_compressed(jpeg, f'{encoding}; jpeg compressed ')
        assert np.abs(found[2:-2, 2:-2].astype(int) - ORANGE).max() < 12


@pytest.mark.parametrize('bits', [8, 10, 12])
@pytest.mark.parametrize('encoding', ['mono16', 'rgb16', 'bayer_rggb16'])
def test_sensors_of_few_bits_are_seen(encoding, bits):
    """A ramp in 10 of 16 bits would be black by cv_bridge's scale."""
    values = (np.arange(48 * 60).reshape(48, 60) * (2**bits - 1) // (48 * 60 - 1)).astype('<u2')
    values = np.repeat(values[..., None], 3, -1) if encoding == 'rgb16' else values
    fields = {'width': 60, 'height': 48, 'step': values[0].nbytes, 'encoding': encoding}
    image = decode_image(values.tobytes(), **fields).astype(float)
    ramp = np.linspace(0.0, 255.0, 48 * 60).reshape(48, 60, 1)
    assert np.abs(image - ramp).max() <= 20.0  # the brightest half percent are white


def test_bright_images_of_16_bits_keep_the_usual_scale():
    values = np.full((8, 8), 5000, '<u2')
    fields = {'width': 8, 'height': 8, 'step': 16}
    assert (decode_image(values.tobytes(), **fields, encoding='mono16') == 19).all()


def test_16uc1_is_infrared_where_that_is_said():
    values = np.linspace(0, 900, 64).astype('<u2').reshape(8, 8)
    fields = {'width': 8, 'height': 8, 'step': 16, 'encoding': '16UC1'}
    with pytest.raises(ImageError, match='set image_infrared'):
        decode_image(values.tobytes(), **fields)
    image = decode_image(values.tobytes(), **fields, infrared=True)
    assert (image[0, 0, 0], image[-1, -1, 0]) == (0, 255)
    png = cv2.imencode('.png', values)[1].tobytes()
    with pytest.raises(ImageError, match='set image_infrared'):
        decode_compressed(png, '16UC1; png compressed ')
    found = decode_compressed(png, '16UC1; png compressed ', infrared=True)
    np.testing.assert_array_equal(found, image)
    bright = np.full((8, 8), 20000, '<u2').tobytes()
    assert (decode_image(bright, **fields, infrared=True) == 255).all()


class TestCompressedDepth:
    def message(self, pixels, a=0.0, b=0.0):
        return struct.pack('<iff', 0, a, b) + cv2.imencode('.png', pixels)[1].tobytes()

    def test_millimetres(self):
        data = self.message(np.array([[0, 1500], [8000, 65535]], np.uint16))
        found = decode_compressed_depth(data, '16UC1; compressedDepth png')
        np.testing.assert_allclose(found, [[np.nan, 1.5], [8.0, np.nan]], rtol=1e-6)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(
            decode_compressed_depth(data, '16UC1; compressedDepth'), found
        )

    def test_metres_as_the_publisher_makes_them(self):
        """With its defaults: 10 m at most, quantisation 100."""
        depth = np.array([[0.5, 1.0, 2.0], [4.0, 9.0, np.nan]], np.float32)
        a = 100.0 * 101.0
        b = 1.0 - a / 10.0
        inverse = np.where(np.isfinite(depth), a / depth + b, 0.0).astype(np.uint16)
        found = decode_compressed_depth(self.message(inverse, a, b), '32FC1; compressedDepth png')
        np.testing.assert_allclose(found, depth, rtol=0.01)

    @pytest.mark.parametrize(
        ('data', 'form', 'message'),
        [
            (b'', '16UC1; compressedDepth png', 'cut short'),
            (bytes(12), '16UC1; compressedDepth png', 'cut short'),
            (bytes(40), '16UC1; compressedDepth png', 'not an image'),
            (bytes(40), '16UC1; compressedDepth rvl', 'republish'),
            (bytes(40), 'rgb8; jpeg compressed bgr8', 'not readable as depth'),
        ],
    )
    def test_what_is_none_is_refused(self, data, form, message):
        with pytest.raises(ImageError, match=message):
            decode_compressed_depth(data, form)

    def test_a_colour_picture_is_refused(self):
        data = self.message(np.zeros((4, 4, 3), np.uint8))
        with pytest.raises(ImageError, match='one channel of 16 bits'):
            decode_compressed_depth(data, '16UC1; compressedDepth png')
