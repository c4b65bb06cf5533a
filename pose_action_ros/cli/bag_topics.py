"""Where things stand in a recording, and what is wrong where they do not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pose_action_ros.cli.bag_messages import COMPRESSED_TYPE, DETECTIONS_TYPE, IMAGE_TYPE
from pose_action_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from rosbags.rosbag2 import Reader

__all__ = ['OUTPUTS', 'RecordingTopics']

OUTPUTS = {
    'poses': 'pose_action_ros/msg/Pose3D',
    'actions': 'pose_action_ros/msg/ActionLabel',
    'markers': 'visualization_msgs/msg/MarkerArray',
}
"""Topics that are added, and their types."""

_CAMERA_INFO_TYPE = 'sensor_msgs/msg/CameraInfo'


@dataclass(frozen=True)
class RecordingTopics:
    """Where things stand in a recording; empty: as `found_in` finds them.

    Attributes:
        image: Raw or compressed image.
        camera_info: Its calibration.
        namespace: Of the topics that are added.
        rectified: The image is rectified.
        depth: Depth images registered to the image; empty: none are used.
        people: Detections; empty: one person is found and followed.
    """

    image: str = ''
    camera_info: str = ''
    namespace: str = '/'
    rectified: bool = False
    depth: str = ''
    people: str = ''

    def found_in(self, reader: Reader) -> RecordingTopics:
        """Return the topics of this recording.

        Raises:
            ConfigError: There is no such topic, more than one image, or a topic to be added is
                there already.
        """
        types = {connection.topic: connection.msgtype for connection in reader.connections}
        images = [topic for topic, kind in types.items() if kind in (IMAGE_TYPE, COMPRESSED_TYPE)]
        silent = {c.topic for c in reader.connections if not c.msgcount}
        image = self.image or _only_image(images, self.depth, silent)
        if image not in images:
            raise ConfigError(
                f'there is no image topic {image}; the recording has {_listed(images)}'
            )
        beside = f'{image.removesuffix("/compressed").rpartition("/")[0]}/camera_info'
        if self.camera_info != beside:  # without that one there is no calibration
            _check(types, self.camera_info, _CAMERA_INFO_TYPE, 'CameraInfo')
        _check(types, self.depth, IMAGE_TYPE, 'depth Image')
        _check(types, self.people, DETECTIONS_TYPE, 'Detection2DArray')
        found = replace(self, image=image, camera_info=self.camera_info or beside)
        taken = [topic for name in OUTPUTS if (topic := found.output(name)) in types]
        if taken:
            raise ConfigError(
                f'the recording has {_listed(taken)} already; give another --namespace'
            )
        return found

    def output(self, name: str) -> str:
        """Return the full name of a topic that is added."""
        return '/'.join(['', *filter(None, self.namespace.split('/')), name])


def _check(types: dict[str, str], topic: str, kind: str, what: str) -> None:
    if topic and types.get(topic) != kind:
        others = [name for name, other in types.items() if other == kind]
        raise ConfigError(f'there is no {what} topic {topic}; the recording has {_listed(others)}')


def _only_image(images: list[str], depth: str, silent: set[str]) -> str:
    """The one image topic that has messages; raw wins over its own compressed copy.

    Depth does not count.
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
