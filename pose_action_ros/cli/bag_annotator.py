"""Sees the messages of a recording in order and writes results beside them.

An image waits until what belongs to it has had the time to come: a depth image or detections may
be recorded after their image, and are matched by stamp, as in the node.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pose_action_ros.cli.bag_markers import delete_markers, person_markers, person_text
from pose_action_ros.cli.bag_messages import (
    MessageFactory,
    SourceImage,
    action_message,
    camera_of_message,
    depth_of_message,
    pose_message,
    rgb_of_message,
    stamp_ns_of_message,
)
from pose_action_ros.cli.bag_topics import OUTPUTS, RecordingTopics
from pose_action_ros.core.errors import ImageError
from pose_action_ros.core.predictions import ScaleSource
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.inference.settings import PeopleSettings
from pose_action_ros.inference.side_inputs import DEPTH_MAX_AGE_S, DepthImages, Detections

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Writer

    from pose_action_ros.core.predictions import FramePrediction
    from pose_action_ros.geometry import Camera
    from pose_action_ros.inference import PoseActionStream

__all__ = ['Annotator', 'Counts', 'SideSettings']

_LATENCY_S = 0.5  # between the recording of an image and of what has its stamp
_KEPT = 64  # depth images or detections, undecoded


@dataclass(frozen=True)
class SideSettings:
    """What serves an image, of what is recorded beside it.

    Attributes:
        depth_max_age_s: How far the stamp of a depth image may be off.
        people: Which detections are people, and how far their stamp may be off.
    """

    depth_max_age_s: float = DEPTH_MAX_AGE_S
    people: PeopleSettings = field(default_factory=PeopleSettings)


@dataclass
class Counts:
    """What was found in a recording.

    Attributes:
        images: How many there are.
        bad_images: Those that could not be decoded.
        with_depth: Poses whose distance is from a depth image.
        poses: Written.
        actions: Written.
        calibrated: Some image had a calibration.
        problems: What was wrong with depth images or detections, and for how many images.
    """

    images: int = 0
    bad_images: int = 0
    with_depth: int = 0
    poses: int = 0
    actions: int = 0
    calibrated: bool = False
    problems: dict[str, int] = field(default_factory=dict)


class _Waiting(NamedTuple):
    """An image, its time of recording, and the calibration of that moment."""

    time_ns: int
    connection: Connection
    data: bytes
    camera: Camera | None


class Annotator:
    """Sees messages and writes results.

    Args:
        make: Makes messages.
        stream: Images in, predictions out.
        topics: Where things stand.
        side: What serves an image.
        writer: Of the new recording, open.

    Attributes:
        camera: The calibration of the moment.
        counts: What was found so far.
    """

    def __init__(
        self,
        make: MessageFactory,
        stream: PoseActionStream,
        topics: RecordingTopics,
        side: SideSettings,
        writer: Writer,
    ) -> None:
        self.camera: Camera | None = None
        self.counts = Counts()
        self._make, self._stream, self._topics, self._writer = make, stream, topics, writer
        self._skeleton = get_skeleton(stream.layout)
        self._shown: set[int] = set()  # tracks that have markers
        self._connections = {
            name: writer.add_connection(topics.output(name), kind, typestore=make.store)
            for name, kind in OUTPUTS.items()
        }
        self._waiting: deque[_Waiting] = deque()
        self._patience_ns = round(_LATENCY_S * 1e9) if topics.depth or topics.people else 0
        self._depth = self._people = None
        if topics.depth:
            self._depth = DepthImages(depth_of_message, lambda: side.depth_max_age_s, _KEPT)
        if topics.people:
            self._people = Detections(lambda: side.people, _KEPT)

    def see(self, connection: Connection, time_ns: int, data: bytes) -> None:
        """Take in one message; results get the time of recording of their image."""
        topics = self._topics
        while self._waiting and self._waiting[0].time_ns + self._patience_ns < time_ns:
            self._look(self._waiting.popleft())
        if connection.topic == topics.camera_info:
            info = self._read(connection, data)
            self.camera = camera_of_message(info, rectified=topics.rectified)
        elif connection.topic == topics.depth and self._depth is not None:
            message = self._read(connection, data)
            self._depth.put(stamp_ns_of_message(message.header.stamp), message)
        elif connection.topic == topics.people and self._people is not None:
            message = self._read(connection, data)
            self._people.put(stamp_ns_of_message(message.header.stamp), message)
        elif connection.topic == topics.image:
            image = _Waiting(time_ns, connection, data, self.camera)
            if self._patience_ns:
                self._waiting.append(image)
            else:
                self._look(image)

    def finish(self) -> None:
        """Look at the images that still wait: the recording has ended."""
        while self._waiting:
            self._look(self._waiting.popleft())

    def _read(self, connection: Connection, data: bytes) -> Any:
        return self._make.store.deserialize_cdr(data, connection.msgtype)

    def _look(self, waiting: _Waiting) -> None:
        self.counts.images += 1
        self.counts.calibrated |= waiting.camera is not None
        message = self._read(waiting.connection, waiting.data)
        try:
            image = rgb_of_message(message)
        except ImageError:
            self.counts.bad_images += 1
            return
        stamp_ns = stamp_ns_of_message(message.header.stamp)
        height, width = image.shape[:2]
        prediction = self._stream.process(
            image,
            stamp_ns,
            camera=waiting.camera,
            boxes=None if self._people is None else self._people.boxes_at(stamp_ns),
            depth_m=None if self._depth is None else self._depth.at(stamp_ns, (width, height)),
        )
        self._count_problems()
        source = SourceImage(message.header, (width, height), self._stream.model_name)
        self._write_results(prediction, source, waiting.time_ns)

    def _count_problems(self) -> None:
        for side in (self._depth, self._people):
            if side is not None and side.problem:
                self.counts.problems[side.problem] = self.counts.problems.get(side.problem, 0) + 1

    def _write_results(
        self, prediction: FramePrediction, source: SourceImage, time_ns: int
    ) -> None:
        make, markers = self._make, []
        for person in prediction.persons:
            pose = pose_message(make, person, self._skeleton, source)
            self._write('poses', pose, time_ns)
            self.counts.poses += 1
            self.counts.with_depth += person.scale_source is ScaleSource.DEPTH
            if person.action is not None:
                action = action_message(make, person.action, person.track_id, source)
                self._write('actions', action, time_ns)
                self.counts.actions += 1
            markers += person_markers(make, pose, self._skeleton, person_text(person))
            self._shown.add(person.track_id)
        for track_id in self._shown.intersection(prediction.lost_tracks):
            markers += delete_markers(make, source.header, track_id)
            self._shown.remove(track_id)
        if markers:
            array = make('visualization_msgs/MarkerArray', markers=markers)
            self._write('markers', array, time_ns)

    def _write(self, name: str, message: Any, time_ns: int) -> None:
        data = self._make.store.serialize_cdr(message, message.__msgtype__)
        self._writer.write(self._connections[name], time_ns, data)
