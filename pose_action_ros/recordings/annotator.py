"""Processes the messages of a recording in order and adds results.

As in the node, depth images and detections are matched to images by stamp, and images wait for
them. A message that can't be read is counted with its reason, and never ends the conversion.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)

from pose_action_ros.core.errors import PoseActionError, shortened
from pose_action_ros.core.predictions import ScaleSource
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.messages.camera import (
    NO_CALIBRATION,
    Calibration,
    calibration_from_msg,
)
from pose_action_ros.messages.depth import DepthImages
from pose_action_ros.messages.detections import Detections
from pose_action_ros.messages.image import rgb_from_msg
from pose_action_ros.messages.markers import MarkerSettings
from pose_action_ros.messages.matched_inputs import MatchedInputs, MatchSettings
from pose_action_ros.messages.pose import SourceImage, layout_to_msg
from pose_action_ros.messages.results import ResultBuilder
from pose_action_ros.messages.stamp import stamp_from_msg
from pose_action_ros.recordings.message_types import DETECTIONS_TYPE, encoding_problem
from pose_action_ros.recordings.topics import (
    CAMERA_INFO_TYPE,
    IMAGE_TYPES,
    OUTPUTS,
    SKELETON,
    RecordingTopics,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Writer

    from pose_action_ros.core.predictions import FramePrediction
    from pose_action_ros.inference import PoseActionStream
    from pose_action_ros.recordings.message_types import RecordedMessageMaker
    from pose_action_ros.recordings.parts import Replay

__all__ = ['Annotator', 'Counts']

_REASON = 300  # characters of a reason
_NEVER = QosTime(sec=2147483647, nsec=4294967295)
_LATCHED = Qos(
    QosHistory.KEEP_LAST,
    1,
    QosReliability.RELIABLE,
    QosDurability.TRANSIENT_LOCAL,
    *(_NEVER, _NEVER),
    QosLiveliness.AUTOMATIC,
    _NEVER,
    avoid_ros_namespace_conventions=False,
)
_KEPT = 64  # depth images or detections, undecoded


@dataclass
class Counts:
    """Counts of the contents of a recording.

    Attributes:
        images: Number of images.
        bad_images: Images that could not be read.
        with_depth: Poses whose distance is from a depth image.
        poses: Written poses.
        actions: Written actions.
        calibrated: Some image had a calibration.
        problems: Faults of images, stamps, calibration, depth images or detections, each with
            its number of images.
        damaged: Faults of other messages or of the files, and their numbers.
        messages: Number of messages on each topic of the old recording.
        stopped_by: The signal that ended the conversion early; 0 for none.
    """

    images: int = 0
    bad_images: int = 0
    with_depth: int = 0
    poses: int = 0
    actions: int = 0
    calibrated: bool = False
    problems: Counter[str] = field(default_factory=Counter)
    damaged: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    stopped_by: int = 0

    def listed(self) -> str:
        """Return the topics that have messages, and their numbers, as text."""
        listed = ', '.join(f'{topic} ({number})' for topic, number in self.messages.most_common())
        return listed or 'no messages on any topic'


class _Waiting(NamedTuple):
    """An image, its time of recording, and the calibration of that moment."""

    time_ns: int
    stamp_ns: int
    message: Any
    calibration: Calibration


class Annotator:
    """Processes messages and writes results.

    Args:
        make: Makes messages.
        stream: Images in, predictions out.
        topics: Topics of the recording.
        settings: Rules for matching the inputs to an image.
        writer: Writer of the new recording, open.

    Attributes:
        counts: The counts so far.
    """

    def __init__(
        self,
        make: RecordedMessageMaker,
        stream: PoseActionStream | Replay,
        topics: RecordingTopics,
        settings: MatchSettings,
        writer: Writer,
    ) -> None:
        self.counts = Counts()
        self._make, self._stream, self._topics, self._writer = make, stream, topics, writer
        skeleton = get_skeleton(stream.layout)
        self._results = ResultBuilder(make, skeleton, MarkerSettings())
        self._layout = layout_to_msg(make, skeleton)  # until it is written
        self._connections = {
            name: writer.add_connection(
                topics.output(name),
                kind,
                typestore=make.store,
                offered_qos_profiles=[_LATCHED] if name == SKELETON else [],
            )
            for name, kind in OUTPUTS.items()
        }
        self._waiting: deque[_Waiting] = deque()
        self._settings = settings
        self._matched = MatchedInputs(
            depth=DepthImages(_KEPT) if topics.depth else None,
            boxes=Detections(_KEPT) if topics.detections else None,
        )
        self._takers = {
            **{(topics.image, kind): self._take_image for kind in IMAGE_TYPES},
            **{(topics.depth, kind): self._take_beside for kind in IMAGE_TYPES},
            (topics.detections, DETECTIONS_TYPE): self._take_beside,
            (topics.camera_info, CAMERA_INFO_TYPE): self._take_info,
        }

    def calibrate(self, connection: Connection, data: bytes) -> bool:
        """Take a CameraInfo for the images that follow; False if it can't be read."""
        info = self._read(connection, data)
        if info is None:
            return False
        self._matched.calibration = calibration_from_msg(info, rectified=self._topics.rectified)
        return True

    def see(self, connection: Connection, time_ns: int, data: bytes) -> None:
        """Process one message; results get the time of recording of their image."""
        self.counts.messages[connection.topic] += 1
        self._process_ready(time_ns)
        take = self._takers.get((connection.topic, connection.msgtype))
        if take is not None:
            take(connection, time_ns, data)
        self._process_ready(time_ns)

    def _take_info(self, connection: Connection, time_ns: int, data: bytes) -> None:
        if not self.calibrate(connection, data):
            self._count_damaged(connection)

    def _take_beside(self, connection: Connection, time_ns: int, data: bytes) -> None:
        matched, message = self._matched, self._read(connection, data)
        is_boxes = connection.topic == self._topics.detections
        source = matched.boxes if is_boxes else matched.depth
        if message is None:
            self._count_damaged(connection)
        elif source is not None and source.items is not None:
            source.items.put(stamp_from_msg(message.header.stamp), message, time_ns)

    def _take_image(self, connection: Connection, time_ns: int, data: bytes) -> None:
        message = self._read(connection, data)
        if message is None:
            self.counts.images += 1
            self._count_bad(encoding_problem(connection) or 'the message is cut short or damaged')
            return
        stamp_ns = stamp_from_msg(message.header.stamp)
        self._matched.note_image(stamp_ns, time_ns)
        self._waiting.append(_Waiting(time_ns, stamp_ns, message, self._matched.calibration))

    def finish(self) -> None:
        """Process the images that still wait at the end of the recording."""
        while self._waiting:
            self._process(self._waiting.popleft())

    def _process_ready(self, time_ns: int) -> None:
        """Process the images whose inputs are complete, or that have waited long enough."""
        wait_s = self._settings.sync_wait_s
        while self._waiting:
            first = self._waiting[0]
            is_over = first.time_ns + round(wait_s * 1e9) < time_ns
            if not is_over and self._matched.awaited(first.stamp_ns, wait_s):
                return
            self._process(self._waiting.popleft())

    def _read(self, connection: Connection, data: bytes) -> Any:
        """A message, or None if it is damaged or not CDR."""
        if encoding_problem(connection):
            return None
        try:
            return self._make.store.deserialize_cdr(data, connection.msgtype)
        except Exception:  # any error of numpy, struct and rosbags
            return None

    def _process(self, waiting: _Waiting) -> None:
        self.counts.images += 1
        message = waiting.message
        try:
            image = rgb_from_msg(message, infrared=self._topics.infrared)
            prediction = self._predict(image, waiting)
        except Exception as error:  # no image may end a conversion
            self._count_bad(error)
            return
        if prediction.skipped:
            return
        height, width = image.shape[:2]
        source = SourceImage(message.header, (width, height), self._stream.model_name)
        self._write_results(prediction, source, waiting.time_ns)

    def _predict(self, image: NDArray[np.uint8], waiting: _Waiting) -> FramePrediction:
        height, width = image.shape[:2]
        stamp_ns = waiting.stamp_ns
        calibration = waiting.calibration.for_image(width, height)
        self.counts.calibrated |= calibration.camera is not None
        boxes, depth_m = self._matched.boxes_and_depth(stamp_ns, (width, height), self._settings)
        prediction = self._stream.process(
            image,
            stamp_ns,
            camera=calibration.camera,
            boxes=boxes,
            depth_m=depth_m,
        )
        self._count_problems(calibration, prediction)
        return prediction

    def _count_bad(self, reason: object) -> None:
        self.counts.bad_images += 1
        text = str(reason) if isinstance(reason, (str, PoseActionError)) else repr(reason)
        self.counts.problems[f'could not be read: {shortened(text, _REASON)}'] += 1

    def _count_damaged(self, connection: Connection) -> None:
        fault = f'messages of {connection.topic} could not be read'
        self.counts.damaged[encoding_problem(connection) or fault] += 1

    def _count_problems(self, calibration: Calibration, prediction: FramePrediction) -> None:
        problems = [*self._matched.problems().values(), calibration.note]
        if calibration != NO_CALIBRATION:  # which is told of the whole recording
            problems.append(calibration.problem)
        if prediction.skipped:
            problems = [f'skipped: {prediction.skipped}']
        self.counts.problems.update(filter(None, problems))

    def _write_results(
        self, prediction: FramePrediction, source: SourceImage, time_ns: int
    ) -> None:
        messages = self._results.build(prediction, source)
        for pose in messages.poses:
            self._write('poses', pose, time_ns)
        for action in messages.actions:
            self._write('actions', action, time_ns)
        self.counts.poses += len(messages.poses)
        self.counts.actions += len(messages.actions)
        self.counts.with_depth += sum(
            person.scale_source is ScaleSource.DEPTH for person in prediction.persons
        )
        if self._layout is not None:
            self._write(SKELETON, self._layout, time_ns)
            self._layout = None
        self._write('people', messages.people, time_ns)
        if messages.markers:
            array = self._make('visualization_msgs/MarkerArray', markers=messages.markers)
            self._write('markers', array, time_ns)

    def _write(self, name: str, message: Any, time_ns: int) -> None:
        data = self._make.store.serialize_cdr(message, message.__msgtype__)
        self._writer.write(self._connections[name], time_ns, data)
