"""Messages of a recording without ROS: what `rosbags` reads and writes, to and from our results.

The same fields as the node's own (`ros.conversions`, `ros.markers`); a test holds the two
together. Our message types are made of the `msg/*.msg` files that the node's are built from.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import ConfigError, DatasetError, ImageError
from pose_action_ros.core.stamps import SECOND_NS, split_stamp
from pose_action_ros.geometry import (
    decode_compressed,
    decode_compressed_depth,
    decode_depth,
    decode_image,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rosbags.interfaces import MessageDefinition
    from rosbags.typesys.store import Typestore

    from pose_action_ros.core.predictions import ActionScores, PersonBox, PersonPrediction
    from pose_action_ros.core.skeleton import Skeleton

__all__ = [
    'COMPRESSED_TYPE',
    'DETECTIONS_TYPE',
    'IMAGE_TYPE',
    'MessageFactory',
    'SourceImage',
    'action_message',
    'depth_of_message',
    'load_types',
    'pose_message',
    'register_detections',
    'rgb_of_message',
    'stamp_ns_of_message',
]

IMAGE_TYPE = 'sensor_msgs/msg/Image'
COMPRESSED_TYPE = 'sensor_msgs/msg/CompressedImage'
DETECTIONS_TYPE = 'vision_msgs/msg/Detection2DArray'

_OURS = ('Joint', 'Pose3D', 'ActionLabel')
# For recordings that do not hold their definitions (before Iron): vision_msgs 4, field by field.
_DETECTION_DEFINITIONS = {
    'Point2D': 'float64 x\nfloat64 y',
    'Pose2D': 'vision_msgs/Point2D position\nfloat64 theta',
    'BoundingBox2D': 'vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y',
    'ObjectHypothesis': 'string class_id\nfloat64 score',
    'ObjectHypothesisWithPose': (
        'vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose'
    ),
    'Detection2D': (
        'std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n'
        'vision_msgs/BoundingBox2D bbox\nstring id'
    ),
    'Detection2DArray': 'std_msgs/Header header\nvision_msgs/Detection2D[] detections',
}


@dataclass(frozen=True)
class SourceImage:
    """What messages say of the image that they come from.

    Attributes:
        header: Its header, as `rosbags` read it.
        size: Its width and height, pixels.
        model: Name of the network that saw it.
    """

    header: Any
    size: tuple[int, int]
    model: str


class MessageFactory:
    """Makes messages whose other fields are as ROS has them: zeros, and the unit quaternion.

    Args:
        store: The types, ours among them.
    """

    def __init__(self, store: Typestore) -> None:
        self.store = store

    def __call__(self, name: str, /, **values: Any) -> Any:
        """Return a message of the type `package/Name`."""
        name = name.replace('/', '/msg/')
        _, fields = self.store.fielddefs[name]
        blank = {field: self._blank(kind) for field, kind in fields if field not in values}
        return self.store.types[name](**blank, **values)

    def constants(self, name: str) -> Any:
        """Return the class of a type, which carries its constants."""
        return self.store.types[name.replace('/', '/msg/')]

    def _blank(self, description: tuple) -> Any:
        from rosbags.interfaces import Nodetype

        kind, content = description
        if kind is Nodetype.NAME:
            blank = {'w': 1.0} if content == 'geometry_msgs/msg/Quaternion' else {}
            return self(content.replace('/msg/', '/'), **blank)
        if kind is Nodetype.BASE:
            return '' if content[0] == 'string' else np.dtype(content[0]).type(0).item()
        (element_kind, element), length = content
        if element_kind is Nodetype.BASE and element[0] != 'string':
            return np.zeros(length, element[0])
        return [self._blank((element_kind, element)) for _ in range(length)]


def load_types() -> Typestore:
    """Return the types of ROS 2 and ours.

    Raises:
        ConfigError: The library `rosbags` or our message files are not there.
    """
    try:
        from rosbags.typesys import Stores, get_types_from_msg, get_typestore
    except ImportError as error:
        raise ConfigError(
            f"recordings need the library rosbags ({error}): pip install 'pose_action_ros[bag]'"
        ) from error
    folder = _message_folder()
    store = get_typestore(Stores.LATEST)
    for name in _OURS:
        text = (folder / f'{name}.msg').read_text(encoding='utf-8')
        store.register(get_types_from_msg(text, f'pose_action_ros/msg/{name}'))
    return store


def register_detections(store: Typestore, definition: MessageDefinition) -> None:
    """Make Detection2DArray known, as a recording defines it.

    Args:
        store: The types, which it is added to.
        definition: The recording's own; where it has none, that of vision_msgs 4 serves.

    Raises:
        DatasetError: It is that of vision_msgs before 4.0, whose fields have other names.
    """
    from rosbags.interfaces import MessageDefinitionFormat
    from rosbags.typesys import get_types_from_idl, get_types_from_msg

    found: dict[str, Any] = {}
    if definition.format is MessageDefinitionFormat.MSG and definition.data:
        found = get_types_from_msg(definition.data, DETECTIONS_TYPE)
    elif definition.format is MessageDefinitionFormat.IDL and definition.data:
        found = get_types_from_idl(definition.data)
    else:
        for name, text in _DETECTION_DEFINITIONS.items():
            found |= get_types_from_msg(text, f'vision_msgs/msg/{name}')
    store.register({name: kind for name, kind in found.items() if name not in store.fielddefs})
    for name, field in (('ObjectHypothesis', 'class_id'), ('Pose2D', 'position')):
        _, fields = store.fielddefs.get(f'vision_msgs/msg/{name}', ((), ()))
        if field not in dict(fields):
            raise DatasetError(
                f'the detections of the recording are not of vision_msgs 4: {name} has no field '
                f'{field}; leave --people-topic out'
            )


def _message_folder() -> Path:
    """The checkout's `msg`, or `share/` of an install prefix."""
    checkout = Path(__file__).parents[2] / 'msg'
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    shares = [Path(prefix) / 'share/pose_action_ros/msg' for prefix in prefixes if prefix]
    for folder in (checkout, *shares):
        if all((folder / f'{name}.msg').is_file() for name in _OURS):
            return folder
    raise ConfigError(
        f'our message files are neither in {checkout} nor in share/pose_action_ros/msg of '
        f'{", ".join(filter(None, prefixes))}; install the package anew'
    )


def stamp_ns_of_message(stamp: Any) -> int:
    """Return a stamp in nanoseconds."""
    return int(stamp.sec) * SECOND_NS + int(stamp.nanosec)


def rgb_of_message(message: Any, *, infrared: bool = False) -> NDArray[np.uint8]:
    """Decode an Image or CompressedImage to (H, W, 3) uint8 RGB.

    Args:
        message: The message.
        infrared: The image is infrared, as `decode_image` has it.

    Raises:
        ImageError: It is damaged, empty, or no colour image.
    """
    if message.__msgtype__ == COMPRESSED_TYPE:
        return decode_compressed(message.data, message.format, infrared=infrared)
    if message.__msgtype__ != IMAGE_TYPE:
        raise ImageError(f'a {message.__msgtype__} is no image')
    return decode_image(
        message.data,
        width=message.width,
        height=message.height,
        step=message.step,
        encoding=message.encoding,
        is_bigendian=bool(message.is_bigendian),
        infrared=infrared,
    )


def depth_of_message(message: Any) -> NDArray[np.float32]:
    """Decode a depth image to (H, W) metres, NaN where invalid.

    Args:
        message: An Image (16UC1 mm or 32FC1 m), or a CompressedImage of `compressedDepth`.

    Raises:
        ImageError: It is damaged, empty, or no depth image.
    """
    if message.__msgtype__ == COMPRESSED_TYPE:
        return decode_compressed_depth(message.data, message.format)
    return decode_depth(
        message.data,
        width=message.width,
        height=message.height,
        step=message.step,
        encoding=message.encoding,
        is_bigendian=bool(message.is_bigendian),
    )


def pose_message(
    make: MessageFactory, person: PersonPrediction, skeleton: Skeleton, source: SourceImage
) -> Any:
    """Return the Pose3D of one person; its best 3D pose is used."""
    constants = make.constants('pose_action_ros/Pose3D')
    reference, positions = constants.REFERENCE_IMAGE, np.full((len(person.confidence), 3), np.nan)
    if person.joints_camera_m is not None:
        reference, positions = constants.REFERENCE_CAMERA, person.joints_camera_m
    elif person.joints_root_m is not None:
        reference, positions = constants.REFERENCE_ROOT, person.joints_root_m
    joints = [
        make(
            'pose_action_ros/Joint',
            name=name,
            position=make('geometry_msgs/Point', x=x, y=y, z=z),
            u=u,
            v=v,
            confidence=confidence,
        )
        for name, (x, y, z), (u, v), confidence in zip(
            skeleton.joint_names,
            positions.tolist(),
            person.joints_image_px.tolist(),
            person.confidence.tolist(),
            strict=True,
        )
    ]
    return make(
        'pose_action_ros/Pose3D',
        header=source.header,
        track_id=person.track_id,
        layout=person.layout,
        joints=joints,
        reference=reference,
        scale_source=int(person.scale_source),
        roi=_roi(make, person.box, source.size),
        confidence=float(person.confidence.mean()),
        model=source.model,
    )


def action_message(
    make: MessageFactory, action: ActionScores, track_id: int, source: SourceImage
) -> Any:
    """Return the ActionLabel of one track."""
    return make(
        'pose_action_ros/ActionLabel',
        header=source.header,
        track_id=track_id,
        valid=action.valid,
        label=action.labels[action.best],
        confidence=float(action.scores[action.best]),
        labels=list(action.labels),
        scores=np.asarray(action.scores, np.float32),
        clip_start=_time(make, action.clip_start_ns),
        clip_end=_time(make, action.clip_end_ns),
        frames_used=action.frames_used,
        model=source.model,
    )


def _time(make: MessageFactory, stamp_ns: int) -> Any:
    sec, nanosec = split_stamp(stamp_ns)
    return make('builtin_interfaces/Time', sec=sec, nanosec=nanosec)


def _roi(make: MessageFactory, box: PersonBox, image_size: tuple[int, int]) -> Any:
    """The part of the box that lies inside the image, in whole pixels."""
    half = box.size / 2
    (left, right), (top, bottom) = (
        np.clip([center - half, center + half], 0, length).round().astype(int).tolist()
        for center, length in zip((box.center_x, box.center_y), image_size, strict=True)
    )
    return make(
        'sensor_msgs/RegionOfInterest',
        x_offset=left,
        y_offset=top,
        width=right - left,
        height=bottom - top,
    )
