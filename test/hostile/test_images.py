"""Any bytes with any fields: an image, or an ImageError, and never anything else."""

import struct

import cv2
import numpy as np
import pytest

pytest.importorskip('hypothesis', reason='needs the extra `dev`')

from hypothesis import example, given
from hypothesis import strategies as st

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry import (
    decode_compressed,
    decode_compressed_depth,
    decode_depth,
    decode_image,
)
from pose_action_ros.geometry.image import COLOR_ENCODINGS, DEPTH_ENCODINGS

HUGE = st.sampled_from([2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1])
SIDES = st.one_of(st.integers(0, 9), st.integers(0, 70), HUGE)
SHIFTS = st.one_of(st.just(0), st.integers(-9, 9), st.integers(-10_000, 10_000))
ENCODINGS = st.one_of(st.sampled_from([*COLOR_ENCODINGS, *DEPTH_ENCODINGS]), st.text(max_size=12))
CHANNELS = {'rgb': 3, 'bgr': 3, 'rgba': 4, 'bgra': 4, '8UC3': 3, '8UC4': 4, 'uyvy': 2, 'yuyv': 2}


@st.composite
def raw_images(draw):
    """Fields that fit each other, nearly fit each other, or do not at all."""
    encoding, width, height = draw(ENCODINGS), draw(SIDES), draw(SIDES)
    pixel = CHANNELS.get(encoding.rstrip('0123456789'), CHANNELS.get(encoding, 1))
    pixel *= {'16': 2, 'C1': 2}.get(encoding[-2:], 1) * (2 if encoding.startswith('32F') else 1)
    step = max(0, draw(st.one_of(st.just(width * pixel), SIDES)) + draw(SHIFTS))
    rows = int(height * draw(st.sampled_from([1.0, 1.0, 1.5, 3.0])))
    length = max(0, min(step * rows, 40_000) + draw(SHIFTS))
    content = draw(st.binary(min_size=1, max_size=24))
    data = (content * (length // len(content) + 1))[:length]
    return {
        'data': data,
        'width': width,
        'height': height,
        'step': step % 2**32,
        'encoding': encoding,
        'is_bigendian': draw(st.booleans()),
    }


def jpeg(shape, suffix, *options):
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return cv2.imencode(suffix, pixels, options)[1].tobytes()


WHOLE = [
    jpeg((16, 16, 3), '.jpg'),
    jpeg((17, 9), '.jpg'),
    jpeg((16, 16, 3), '.jpg', cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    jpeg((8, 8, 3), '.jpg', cv2.IMWRITE_JPEG_RST_INTERVAL, 1),
    jpeg((9, 8, 3), '.png'),
    jpeg((8, 8, 4), '.png'),
    jpeg((8, 8), '.png'),
    jpeg((8, 8, 3), '.bmp'),
    jpeg((8, 8, 3), '.webp'),
    jpeg((8, 8, 3), '.tiff'),
    cv2.imencode('.png', np.arange(64, dtype=np.uint16).reshape(8, 8) * 900)[1].tobytes(),
    cv2.imencode('.tiff', np.ones((4, 4), np.float32))[1].tobytes(),
    cv2.imencode('.hdr', np.ones((4, 4, 3), np.float32))[1].tobytes(),
    b'',
]


@st.composite
def damaged_files(draw):
    """A file with some bytes changed, removed, repeated or added."""
    data = bytearray(draw(st.sampled_from(WHOLE)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.integers(0, 40))
        kind = draw(st.sampled_from(['set', 'set', 'cut', 'insert', 'repeat', 'remove']))
        if kind == 'cut':
            del data[at:]
        elif kind == 'remove':
            del data[at : at + length]
        else:
            new = draw(st.binary(max_size=6)) if kind != 'repeat' else data[at : at + length]
            data[at : at + (len(new) if kind == 'set' else 0)] = new
    return bytes(data) + draw(st.sampled_from([b'', b'', bytes(300), b'\xff' * 9, b'\xff\xd9']))


PARTS = st.sampled_from(
    ['', 'jpeg', 'png', ';', ' jpeg compressed bgr8', ' png compressed ', ' compressedDepth png',
     ' compressedDepth', 'rgb8', 'bgr16', 'mono16', 'bayer_rggb8', 'bayer_gbrg16', '16UC1',
     '32FC1']
)  # fmt: skip
FORMATS = st.one_of(
    st.tuples(PARTS, st.sampled_from([';', '; ', '']), PARTS).map(''.join), st.text(max_size=20)
)


@given(raw_images(), st.booleans())
@example(
    {'data': b'', 'width': 2**32 - 1, 'height': 2**32 - 1, 'step': 0, 'encoding': 'rgb8'}, False
)
def test_raw_images(fields, infrared):
    try:
        image = decode_image(**fields, infrared=infrared)
    except ImageError:
        return
    assert image.shape == (fields['height'], fields['width'], 3)
    assert image.dtype == np.uint8


@given(raw_images())
def test_raw_depth(fields):
    try:
        depth = decode_depth(**fields)
    except ImageError:
        return
    assert depth.shape == (fields['height'], fields['width'])
    assert depth.dtype == np.float32
    assert ((depth > 0.0) | np.isnan(depth)).all()


@given(damaged_files(), FORMATS, st.booleans())
def test_compressed_images(data, form, infrared):
    try:
        image = decode_compressed(data, form, infrared=infrared)
    except ImageError:
        return
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.dtype == np.uint8


FLOATS = st.floats(width=32)


@given(damaged_files(), FLOATS, FLOATS, FORMATS)
def test_compressed_depth(data, a, b, form):
    try:
        depth = decode_compressed_depth(struct.pack('<iff', 0, a, b) + data, form)
    except ImageError:
        return
    assert depth.dtype == np.float32
    assert ((depth > 0.0) | np.isnan(depth)).all()
