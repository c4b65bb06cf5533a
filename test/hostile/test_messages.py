"""Any numbers in a CameraInfo or in detections, any bytes as a recorded message."""

import math
import random
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('hypothesis', reason='needs the extra `dev`')
pytest.importorskip('rosbags', reason='needs the extra `bag`')

from hypothesis import example, given
from hypothesis import strategies as st

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry import crop_transform, extract_crop
from pose_action_ros.inference.settings import DetectionSettings
from pose_action_ros.messages.camera import calibration_from_msg
from pose_action_ros.messages.depth import depth_from_msg
from pose_action_ros.messages.detections import Detections, usable_boxes
from pose_action_ros.messages.image import rgb_from_msg
from pose_action_ros.recordings.message_types import (
    DETECTIONS_TYPE,
    IMAGE_TYPE,
    RecordedMessageMaker,
    load_types,
    register_detections,
)

ANY = st.one_of(
    st.floats(),
    st.floats(-2000, 2000),
    st.sampled_from([0.0, math.nan, math.inf, -math.inf, 1e300]),
)
SIZES = st.one_of(st.integers(0, 2000), st.sampled_from([0, 1, 640, 480, 2**32 - 1]))
MODELS = st.one_of(
    st.sampled_from(
        ['', 'plumb_bob', 'rational_polynomial', 'thin_prism', 'equidistant', 'fisheye',
         'kannala_brandt4', 'tilted']
    ),
    st.text(max_size=8),
)  # fmt: skip


@st.composite
def infos(draw):
    number = draw(st.sampled_from([ANY, st.floats(0.1, 900), st.just(0.0)]))
    lists = {name: draw(st.lists(number, min_size=n, max_size=n)) for name, n in
             (('k', 9), ('p', 12), ('r', 9))}  # fmt: skip
    roi = [draw(SIZES) for _ in range(4)]
    return SimpleNamespace(
        **lists,
        d=draw(st.lists(draw(st.sampled_from([ANY, st.floats(-0.5, 0.5)])), max_size=16)),
        distortion_model=draw(MODELS),
        width=draw(SIZES),
        height=draw(SIZES),
        binning_x=draw(SIZES),
        binning_y=draw(SIZES),
        roi=SimpleNamespace(x_offset=roi[0], y_offset=roi[1], width=roi[2], height=roi[3]),
    )


VARIANTS = 9  # of each input that hypothesis makes: these are quick
SEEDS = st.integers(0, 2**32 - 1)
SPECIAL = (0.0, -0.0, 1.0, -1.0, 320.5, 1e-300, 1e300, math.nan, math.inf, -math.inf)


def near(info, seed):
    """A CameraInfo, and others that differ from it in one number."""
    yield info
    rng = random.Random(seed)
    for _ in range(VARIANTS):
        name = rng.choice(['k', 'd', 'p', 'width', 'height', 'binning_x'])
        value = getattr(info, name)
        if isinstance(value, list):
            value = [*value, 0.0]
            value[rng.randrange(len(value))] = rng.choice(SPECIAL)
            value = value[: len(getattr(info, name)) + (name == 'd')]
        else:
            value = rng.choice([0, 1, value + 1, 2 * value, 2**32 - 1])
        yield SimpleNamespace(**{**vars(info), name: value})


@given(infos(), st.booleans(), st.integers(1, 2000), st.integers(1, 2000), SEEDS)
def test_calibrations(info, rectified, width, height, seed):
    for each in near(info, seed):
        calibration = calibration_from_msg(each, rectified=rectified)
        fitted = calibration.for_image(width, height)
        if fitted.camera is None:
            assert fitted.problem
            continue
        assert (fitted.camera.width, fitted.camera.height) == (width, height)
        with np.errstate(all='ignore'):
            rays = fitted.camera.rays([[0.0, 0.0], [width / 2, height / 2]])
            pixels = fitted.camera.project([[0.1, 0.2, 3.0], [0.0, 0.0, -1.0]])
        assert rays.shape == pixels.shape == (2, 2)


IMAGE = np.zeros((48, 64, 3), np.uint8)


@st.composite
def found(draw):
    """A Detection2D with any numbers."""
    center = SimpleNamespace(x=draw(ANY), y=draw(ANY))
    hypotheses = [
        SimpleNamespace(
            hypothesis=SimpleNamespace(
                class_id=draw(st.sampled_from(['person', '', 'dog'])), score=draw(ANY)
            )
        )
        for _ in range(draw(st.integers(0, 2)))
    ]
    box = SimpleNamespace(
        center=SimpleNamespace(position=center), size_x=draw(ANY), size_y=draw(ANY)
    )
    return SimpleNamespace(bbox=box, results=hypotheses)


TINY = SimpleNamespace(
    results=[],
    bbox=SimpleNamespace(
        center=SimpleNamespace(position=SimpleNamespace(x=0.0, y=0.0)), size_x=0.0, size_y=1e-171
    ),
)


def shuffled(detections, seed):
    """The detections, and others whose numbers have changed places, or are special."""
    yield detections
    rng = random.Random(seed)
    numbers = [*SPECIAL]
    for each in detections:
        numbers += [each.bbox.size_x, each.bbox.size_y, *vars(each.bbox.center.position).values()]
    for _ in range(VARIANTS):
        yield [
            SimpleNamespace(
                results=each.results,
                bbox=SimpleNamespace(
                    center=SimpleNamespace(
                        position=SimpleNamespace(x=rng.choice(numbers), y=rng.choice(numbers))
                    ),
                    size_x=rng.choice(numbers),
                    size_y=rng.choice(numbers),
                ),
            )
            for each in detections
        ]


@given(st.lists(found(), max_size=4), st.sampled_from(['person', '']), SEEDS)
@example([TINY], '', 0)
def test_detections(detections, class_id, seed):
    for each in shuffled(detections, seed):
        source = Detections()
        source.put(0, SimpleNamespace(detections=each), 0)
        boxes = source.boxes_at(0, (64, 48), DetectionSettings(class_id=class_id))
        assert usable_boxes(boxes, (64, 48)) == (boxes, '')
        for box in boxes:
            assert extract_crop(IMAGE, crop_transform(box)).shape == (256, 256, 3)


STORE = load_types()
register_detections(STORE, SimpleNamespace(format=None, data=''))
MAKE = RecordedMessageMaker(STORE)
RAW = {
    kind: bytes(STORE.serialize_cdr(message, kind))
    for kind, message in {
        IMAGE_TYPE: MAKE(
            'sensor_msgs/Image', height=4, width=5, step=15, encoding='rgb8',
            data=np.zeros(60, np.uint8),
        ),
        'sensor_msgs/msg/CameraInfo': MAKE('sensor_msgs/CameraInfo', distortion_model='plumb_bob'),
        DETECTIONS_TYPE: MAKE(
            'vision_msgs/Detection2DArray', detections=[MAKE('vision_msgs/Detection2D')]
        ),
    }.items()
}  # fmt: skip


@given(st.sampled_from(sorted(RAW)), SEEDS)
@example('sensor_msgs/msg/CameraInfo', 1785)
def test_recorded_messages(kind, seed):
    """What rosbags makes of damaged bytes is no message, or one that the next step bears."""
    rng = random.Random(seed)
    for _ in range(VARIANTS + 1):
        data = bytearray(RAW[kind])
        for _ in range(rng.randint(0, 5)):
            data[rng.randrange(len(data))] = rng.choice([0, 1, 255, rng.randrange(256)])
        length = rng.choice([len(data), len(data), rng.randint(0, len(data))])
        try:
            message = STORE.deserialize_cdr(bytes(data[:length]), kind)
        except Exception:  # as the annotator has it: any error means that the message is damaged
            continue
        take(kind, message)


def take(kind, message):
    if kind == IMAGE_TYPE:
        for decode in (rgb_from_msg, depth_from_msg):
            with suppress(ImageError):
                decode(message)
    elif kind == DETECTIONS_TYPE:
        source = Detections()
        source.put(0, message, 0)
        source.boxes_at(0, (64, 48), DetectionSettings())
    else:
        calibration_from_msg(message).for_image(640, 480)
