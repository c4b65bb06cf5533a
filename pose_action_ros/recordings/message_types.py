"""Makes the messages of the library rosbags, without ROS.

Our message types are made of the `msg/*.msg` files that the node's are built from.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import ConfigError, DatasetError

if TYPE_CHECKING:
    from rosbags.interfaces import Connection, MessageDefinition
    from rosbags.typesys.store import Typestore

__all__ = [
    'COMPRESSED_TYPE',
    'DETECTIONS_TYPE',
    'IMAGE_TYPE',
    'RecordedMessageMaker',
    'encoding_problem',
    'load_types',
    'register_detections',
]

IMAGE_TYPE = 'sensor_msgs/msg/Image'
COMPRESSED_TYPE = 'sensor_msgs/msg/CompressedImage'
DETECTIONS_TYPE = 'vision_msgs/msg/Detection2DArray'

_OURS = ('Joint', 'Pose3D', 'ActionLabel', 'Person', 'PersonArray', 'JointLayout')
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


class RecordedMessageMaker:
    """A `messages.MessageMaker`; fields that are not given have ROS's defaults.

    Args:
        store: The types, including ours.
    """

    def __init__(self, store: Typestore) -> None:
        self.store = store

    def __call__(self, name: str, /, **fields: Any) -> Any:
        """Return a message of the type `package/Name`."""
        kind = name.replace('/', '/msg/')
        for field, description in self.store.fielddefs[kind][1]:
            if field not in fields:
                fields[field] = self._blank(description)
            elif number := _number_in_array(description):
                fields[field] = np.asarray(fields[field], number)
        return self.store.types[kind](**fields)

    def type_of(self, name: str, /) -> Any:
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
        if number := _number_in_array(description):
            return np.zeros(length, number)
        return [self._blank((element_kind, element)) for _ in range(length)]


def _number_in_array(description: tuple) -> str:
    """The type of the numbers if a field is an array of numbers; otherwise empty."""
    from rosbags.interfaces import Nodetype

    kind, content = description
    if kind in (Nodetype.NAME, Nodetype.BASE):
        return ''
    (element_kind, element), _ = content
    return element[0] if element_kind is Nodetype.BASE and element[0] != 'string' else ''


def encoding_problem(connection: Connection) -> str:
    """Return the reason why no message of a channel can be read; empty: they are CDR."""
    encoding = connection.ext.serialization_format
    if encoding.lower() in ('', 'cdr'):
        return ''
    return (
        f'messages of {connection.topic} have the encoding {encoding!r}; only CDR is read, which '
        '`ros2 bag record` writes'
    )


def load_types() -> Typestore:
    """Return the types of ROS 2 and ours.

    Raises:
        ConfigError: The library `rosbags` or our message files are not there.
    """
    try:
        from rosbags.typesys import Stores, get_types_from_msg, get_typestore
    except ImportError as error:
        raise ConfigError(
            f'recordings need the library rosbags ({error}): pip install rosbags'
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
        store: The types; it is added to them.
        definition: The recording's own; if it has none, that of vision_msgs 4 is used.

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
                f'{field}; omit --detections-topic'
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
        f'{", ".join(filter(None, prefixes))}; install the package again'
    )
