"""Sees the messages of a recording in order and writes results beside them.

Depth images and detections are matched to images by stamp, and waited for, as in the node.
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
    depth_of_message,
    pose_message,
    rgb_of_message,
    stamp_ns_of_message,
)
from pose_action_ros.cli.bag_topics import OUTPUTS, RecordingTopics
from pose_action_ros.core.errors import ImageError
from pose_action_ros.core.predictions import ScaleSource
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.geometry import NO_CALIBRATION, Calibration, read_calibration
from pose_action_ros.inference.matching import SYNC_WAIT_S
from pose_action_ros.inference.settings import PeopleSettings
from pose_action_ros.inference.side_inputs import (
    DEPTH_MAX_AGE_S,
    DepthImages,
    Detections,
    SideInputs,
)

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Writer

    from pose_action_ros.core.predictions import FramePrediction
    from pose_action_ros.inference import PoseActionStream

__all__ = ['Annotator', 'Counts', 'SideSettings']

_KEPT = 64  # depth images or detections, undecoded


@dataclass(frozen=True)
class SideSettings:
    """What serves an image, of what is recorded beside it.

    Attributes:
        depth_max_age_s: How far the stamp of a depth image may be off.
        people: Which detections are people, and how far their stamp may be off.
        sync_wait_s: How long an image waits for what is recorded after it.
    """

    depth_max_age_s: float = DEPTH_MAX_AGE_S
    people: PeopleSettings = field(default_factory=PeopleSettings)
    sync_wait_s: float = SYNC_WAIT_S


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
        problems: What was wrong with stamps, calibration, depth images or detections, and for
            how many images.
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
    stamp_ns: int
    message: Any
    calibration: Calibration


class Annotator:
    """Sees messages and writes results.

    Args:
        make: Makes messages.
        stream: Images in, predictions out.
        topics: Where things stand.
        side: What serves an image.
        writer: Of the new recording, open.

    Attributes:
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
        self.counts = Counts()
        self._make, self._stream, self._topics, self._writer = make, stream, topics, writer
        self._skeleton = get_skeleton(stream.layout)
        self._shown: set[int] = set()  # tracks that have markers
        self._connections = {
            name: writer.add_connection(topics.output(name), kind, typestore=make.store)
            for name, kind in OUTPUTS.items()
        }
        self._waiting: deque[_Waiting] = deque()
        self._settings = side
        self._side = SideInputs(
            depth=DepthImages(depth_of_message, _KEPT) if topics.depth else None,
            people=Detections(_KEPT) if topics.people else None,
        )

    def calibrate(self, info: Any) -> None:
        """Take a CameraInfo for the images that follow."""
        self._side.calibration = read_calibration(info, rectified=self._topics.rectified)

    def see(self, connection: Connection, time_ns: int, data: bytes) -> None:
        """Take in one message; results get the time of recording of their image."""
        self._look_at_ready(time_ns)
        topics, side = self._topics, self._side
        if connection.topic == topics.camera_info:
            self.calibrate(self._read(connection, data))
        elif connection.topic == topics.depth and side.depth is not None:
            message = self._read(connection, data)
            side.depth.items.put(stamp_ns_of_message(message.header.stamp), message, time_ns)
        elif connection.topic == topics.people and side.people is not None:
            message = self._read(connection, data)
            side.people.put(stamp_ns_of_message(message.header.stamp), message, time_ns)
        elif connection.topic == topics.image:
            message = self._read(connection, data)
            stamp_ns = stamp_ns_of_message(message.header.stamp)
            side.note_image(stamp_ns, time_ns)
            self._waiting.append(_Waiting(time_ns, stamp_ns, message, side.calibration))
        self._look_at_ready(time_ns)

    def finish(self) -> None:
        """Look at the images that still wait: the recording has ended."""
        while self._waiting:
            self._look(self._waiting.popleft())

    def _look_at_ready(self, time_ns: int) -> None:
        """Look at the images that have what belongs to them, or have waited long enough."""
        wait_s = self._settings.sync_wait_s
        while self._waiting:
            first = self._waiting[0]
            is_over = first.time_ns + round(wait_s * 1e9) < time_ns
            if not is_over and self._side.awaited(first.stamp_ns, wait_s):
                return
            self._look(self._waiting.popleft())

    def _read(self, connection: Connection, data: bytes) -> Any:
        return self._make.store.deserialize_cdr(data, connection.msgtype)

    def _look(self, waiting: _Waiting) -> None:
        self.counts.images += 1
        message, stamp_ns = waiting.message, waiting.stamp_ns
        try:
            image = rgb_of_message(message)
        except ImageError:
            self.counts.bad_images += 1
            return
        height, width = image.shape[:2]
        calibration = waiting.calibration.for_image(width, height)
        self.counts.calibrated |= calibration.camera is not None
        people, depth, settings = self._side.people, self._side.depth, self._settings
        prediction = self._stream.process(
            image,
            stamp_ns,
            camera=calibration.camera,
            boxes=people and people.boxes_at(stamp_ns, (width, height), settings.people),
            depth_m=depth and depth.at(stamp_ns, (width, height), settings.depth_max_age_s),
        )
        self._count_problems(calibration, prediction)
        source = SourceImage(message.header, (width, height), self._stream.model_name)
        self._write_results(prediction, source, waiting.time_ns)

    def _count_problems(self, calibration: Calibration, prediction: FramePrediction) -> None:
        problems = [*self._side.problems().values(), calibration.note]
        if calibration != NO_CALIBRATION:  # which is told of the whole recording
            problems.append(calibration.problem)
        if prediction.skipped:
            problems = [f'left out: {prediction.skipped}']
        for problem in filter(None, problems):
            self.counts.problems[problem] = self.counts.problems.get(problem, 0) + 1

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
