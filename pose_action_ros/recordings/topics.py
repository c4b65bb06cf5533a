"""Finds the topics of a recording, and explains which one is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.recordings.message_types import COMPRESSED_TYPE, DETECTIONS_TYPE, IMAGE_TYPE

if TYPE_CHECKING:
    from collections.abc import Set

    from pose_action_ros.recordings.reader import Recording

__all__ = ['CAMERA_INFO_TYPE', 'IMAGE_TYPES', 'OUTPUTS', 'SKELETON', 'RecordingTopics']

SKELETON = 'pose_action/skeleton'
"""The one latched topic that is added."""

OUTPUTS = {
    'people': 'pose_action_ros/msg/PersonArray',
    'poses': 'pose_action_ros/msg/Pose3D',
    'actions': 'pose_action_ros/msg/ActionLabel',
    'markers': 'visualization_msgs/msg/MarkerArray',
    SKELETON: 'pose_action_ros/msg/JointLayout',
}
"""Topics that are added, and their types."""

IMAGE_TYPES = frozenset({IMAGE_TYPE, COMPRESSED_TYPE})
"""Types of images, and of depth images."""

CAMERA_INFO_TYPE = 'sensor_msgs/msg/CameraInfo'
"""Of calibrations."""


@dataclass(frozen=True)
class RecordingTopics:
    """Topics of a recording; `found_in` fills in the empty ones.

    Attributes:
        image: Raw or compressed image.
        camera_info: Its calibration.
        namespace: Namespace of the added topics.
        rectified: The image is rectified.
        depth: Depth images registered to the image, raw or `compressedDepth`; empty: none.
        detections: Boxes of people; empty: one person is found and tracked.
        infrared: The images are infrared, `16UC1` among them.
        moved: Results below `pose_action/`, because another topic has their name.
    """

    image: str = ''
    camera_info: str = ''
    namespace: str = '/'
    rectified: bool = False
    depth: str = ''
    detections: str = ''
    infrared: bool = False
    moved: frozenset[str] = frozenset()

    def found_in(self, reader: Recording) -> RecordingTopics:
        """Return the topics of this recording.

        Raises:
            ConfigError: There is no such topic, more than one image, or the recording has such
                results already.
        """
        types = _types(reader)
        image = self.image_in(reader)
        beside = f'{image.removesuffix("/compressed").rpartition("/")[0]}/camera_info'
        if self.camera_info != beside:  # without that one there is no calibration
            _check(types, self.camera_info, {CAMERA_INFO_TYPE}, 'CameraInfo')
        _check(types, self.depth, IMAGE_TYPES, 'depth Image')
        _check(types, self.detections, {DETECTIONS_TYPE}, 'Detection2DArray')
        info = self.camera_info or beside
        found = replace(self, image=image, camera_info=info, moved=frozenset())
        # The boxes of a detector are often called people.
        names = OUTPUTS.items()
        others = {n for n, kind in names if kind not in types.get(found.output(n), {kind})}
        found = replace(found, moved=frozenset(others))
        taken = [topic for name in OUTPUTS if (topic := found.output(name)) in types]
        if taken:
            raise ConfigError(
                f'the recording has {_listed(taken)} already; give another --namespace'
            )
        return found

    def image_in(self, reader: Recording) -> str:
        """Return the image topic of this recording.

        Raises:
            ConfigError: There is no such topic, or more than one image.
        """
        types = _types(reader)
        images = [topic for topic, kinds in types.items() if kinds & IMAGE_TYPES]
        if not images:
            found = [f'{topic} ({", ".join(sorted(kinds))})' for topic, kinds in types.items()]
            raise ConfigError(
                f'the recording has no image topic; expected {" or ".join(sorted(IMAGE_TYPES))}, '
                f'found {_listed(found)}'
            )
        silent = {c.topic for c in reader.connections if not c.msgcount}
        image = self.image or _only_image(images, self.depth, silent)
        if image not in images:
            raise ConfigError(
                f'there is no image topic {image}; the recording has {_listed(images)}'
            )
        return image

    def output(self, name: str) -> str:
        """Return the full name of a topic that is added."""
        path = [*self.namespace.split('/'), *(['pose_action'] if name in self.moved else [])]
        return '/'.join(['', *filter(None, path), name])


def _types(reader: Recording) -> dict[str, set[str]]:
    """Types by topic; a topic may have several in one recording."""
    types: dict[str, set[str]] = {}
    for connection in reader.connections:
        types.setdefault(connection.topic, set()).add(connection.msgtype)
    return types


def _check(types: dict[str, set[str]], topic: str, kinds: Set[str], what: str) -> None:
    if topic and not types.get(topic, set()) & kinds:
        others = [name for name, other in types.items() if other & kinds]
        raise ConfigError(f'there is no {what} topic {topic}; the recording has {_listed(others)}')


def _only_image(images: list[str], depth: str, silent: set[str]) -> str:
    """The one image topic that has messages; raw wins over its own compressed copy.

    Depth images are ignored.
    """
    colour = [topic for topic in images if 'depth' not in topic.lower() and topic != depth]
    colour = [topic for topic in colour if topic not in silent] or colour
    copies = {f'{topic}/compressed' for topic in colour}
    chosen = [topic for topic in colour if topic not in copies]
    if len(chosen) != 1:
        raise ConfigError(
            f'the recording has {_listed(images)}; say which image with --image-topic'
        )
    return chosen[0]


def _listed(topics: list[str]) -> str:
    return ', '.join(topics) or 'none'
