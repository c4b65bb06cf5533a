"""Any bytes with any fields: an image, or an ImageError, and never anything else."""

import random
import struct
from contextlib import suppress

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

VARIANTS = 9  # of each input that hypothesis makes, in one or two places: these are quick
SEEDS = st.integers(0, 2**32 - 1)
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


def damaged(data, seed):
    """The bytes, and others that differ from them in one place."""
    yield data
    rng = random.Random(seed)
    for _ in range(VARIANTS):
        at = rng.randint(0, len(data))
        end = at + rng.choice([0, 1, 1, 1, 2, 4, len(data)])
        yield data[:at] + rng.randbytes(rng.choice([0, 1, 1, 2])) + data[end:]


PARTS = st.sampled_from(
    ['', 'jpeg', 'png', ';', ' jpeg compressed bgr8', ' png compressed ', ' compressedDepth png',
     ' compressedDepth', 'rgb8', 'bgr16', 'mono16', 'bayer_rggb8', 'bayer_gbrg16', '16UC1',
     '32FC1']
)  # fmt: skip
FORMATS = st.one_of(
    st.tuples(PARTS, st.sampled_from([';', '; ', '']), PARTS).map(''.join), st.text(max_size=20)
)


EXTREMES = (0, 1, 2, 3, 7, 2**31, 2**32 - 1)


def near(fields, seed):
    """The fields, and others that differ from them in one or two places."""
    yield fields
    rng = random.Random(seed)
    for _ in range(VARIANTS):
        other = dict(fields)
        for name in rng.sample(['width', 'height', 'step', 'encoding', 'data'], rng.randint(1, 2)):
            value = other[name]
            if name == 'encoding':
                other[name] = rng.choice([*COLOR_ENCODINGS, *DEPTH_ENCODINGS])
            elif name == 'data':
                other[name] = value[: rng.randint(0, len(value))] + rng.randbytes(
                    rng.randint(0, 9)
                )
            else:
                other[name] = rng.choice([value + 1, max(value - 1, 0), 2 * value, *EXTREMES])
        yield other


@given(raw_images(), st.booleans(), SEEDS)
@example(
    {'data': b'', 'width': 2**32 - 1, 'height': 2**32 - 1, 'step': 0, 'encoding': 'rgb8'}, False, 0
)
def test_raw_images(fields, infrared, seed):
    for each in near(fields, seed):
        with suppress(ImageError):
            image = decode_image(**each, infrared=infrared)
            assert image.shape == (each['height'], each['width'], 3)
            assert image.dtype == np.uint8


@given(raw_images(), SEEDS)
def test_raw_depth(fields, seed):
    for each in near(fields, seed):
        with suppress(ImageError):
            depth = decode_depth(**each)
            assert depth.shape == (each['height'], each['width'])
            assert depth.dtype == np.float32
            assert ((depth > 0.0) | np.isnan(depth)).all()


@given(damaged_files(), FORMATS, st.booleans(), SEEDS)
def test_compressed_images(data, form, infrared, seed):
    for each in damaged(data, seed):
        with suppress(ImageError):
            image = decode_compressed(each, form, infrared=infrared)
            assert image.ndim == 3
            assert image.shape[2] == 3
            assert image.dtype == np.uint8


FLOATS = st.floats(width=32)


DEPTH_FORMATS = st.one_of(
    st.sampled_from(['16UC1; compressedDepth png', '32FC1; compressedDepth png']), FORMATS
)


@given(damaged_files(), FLOATS, FLOATS, DEPTH_FORMATS, SEEDS)
def test_compressed_depth(data, a, b, form, seed):
    for each in damaged(struct.pack('<iff', 0, a, b) + data, seed):
        with suppress(ImageError):
            depth = decode_compressed_depth(each, form)
            assert depth.dtype == np.float32
            assert ((depth > 0.0) | np.isnan(depth)).all()
