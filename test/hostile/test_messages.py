"""Any numbers in a CameraInfo or in detections, any bytes as a recorded message."""

import math
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('hypothesis', reason='needs the extra `dev`')
pytest.importorskip('rosbags', reason='needs the extra `bag`')

from hypothesis import example, given
from hypothesis import strategies as st

from pose_action_ros.cli.bag_messages import (
    DETECTIONS_TYPE,
    IMAGE_TYPE,
    MessageFactory,
    depth_of_message,
    load_types,
    register_detections,
    rgb_of_message,
)
from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry import crop_transform, extract_crop, read_calibration
from pose_action_ros.inference.given_boxes import usable_boxes
from pose_action_ros.inference.settings import PeopleSettings
from pose_action_ros.inference.side_inputs import Detections

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


@given(infos(), st.booleans(), st.integers(1, 2000), st.integers(1, 2000))
def test_calibrations(info, rectified, width, height):
    calibration = read_calibration(info, rectified=rectified)
    fitted = calibration.for_image(width, height)
    if fitted.camera is None:
        assert fitted.problem
        return
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


@given(st.lists(found(), max_size=4), st.sampled_from(['person', '']))
@example([TINY], '')
def test_detections(detections, class_id):
    source = Detections()
    source.put(0, SimpleNamespace(detections=detections), 0)
    boxes = source.boxes_at(0, (64, 48), PeopleSettings(class_id=class_id))
    assert usable_boxes(boxes, (64, 48)) == (boxes, '')
    for box in boxes:
        assert extract_crop(IMAGE, crop_transform(box)).shape == (256, 256, 3)


STORE = load_types()
register_detections(STORE, SimpleNamespace(format=None, data=''))
MAKE = MessageFactory(STORE)
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


@given(
    st.sampled_from(sorted(RAW)),
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=6),
    st.integers(0, 500),
)
def test_recorded_messages(kind, edits, length):
    """What rosbags makes of damaged bytes is no message, or one that the next step bears."""
    data = bytearray(RAW[kind])
    for at, value in edits:
        data[at % len(data)] = value
    try:
        message = STORE.deserialize_cdr(bytes(data[:length]), kind)
    except Exception:  # as the annotator has it: any error means that the message is damaged
        return
    if kind == IMAGE_TYPE:
        for decode in (rgb_of_message, depth_of_message):
            with suppress(ImageError):
                decode(message)
    elif kind == DETECTIONS_TYPE:
        source = Detections()
        source.put(0, message, 0)
        source.boxes_at(0, (64, 48), PeopleSettings())
    else:
        read_calibration(message).for_image(640, 480)
