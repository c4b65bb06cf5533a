"""Copies a recording and adds poses and actions: the work of `pose-action bag`.

Everything of the old recording is copied byte for byte. A signal ends the work in order.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pose_action_ros.core.ending import ENDING_SIGNALS, note_signal
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.messages.matched_inputs import MatchSettings
from pose_action_ros.recordings.annotator import Annotator
from pose_action_ros.recordings.message_types import (
    RecordedMessageMaker,
    load_types,
    register_detections,
)
from pose_action_ros.recordings.parts import PartAnnotator
from pose_action_ros.recordings.reader import opened
from pose_action_ros.recordings.topics import CAMERA_INFO_TYPE, RecordingTopics
from pose_action_ros.recordings.writer import CheckpointedWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Writer

    from pose_action_ros.inference import PoseActionStream
    from pose_action_ros.recordings.annotator import Counts
    from pose_action_ros.recordings.parts import Part, Replay, Watched
    from pose_action_ros.recordings.reader import Recording

__all__ = ['add_results', 'watch_part']

_NO_HASH = 'RIHS01_' + 64 * '0'


def add_results(
    recording: Path,
    output: Path,
    stream: PoseActionStream | Replay,
    topics: RecordingTopics,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda messages, _: messages,
    settings: MatchSettings | None = None,
) -> Counts:
    """Copy a recording and add the results of the stream.

    Args:
        recording: Folder or file, sqlite3 or mcap; the new one is stored the same way.
        output: Folder that is made.
        stream: Images in, predictions out.
        topics: Topics of the recording.
        progress: Wraps the messages; it also gets their number.
        settings: Rules for matching depth images and detections to an image.

    Raises:
        ConfigError: There is no such topic, or `output` exists.
        DatasetError: There is no recording that can be read, the disk is full (what was written
            stays), or detections are of vision_msgs before 4.0.
    """
    make = RecordedMessageMaker(load_types())
    if output.exists():
        raise ConfigError(f'{output} exists; give a folder that does not')
    with (
        _signals() as came,
        opened(recording) as reader,
        CheckpointedWriter(output, is_mcap=reader.is_mcap) as writer,
    ):
        topics = _prepared(reader, topics, make)
        annotator = Annotator(make, stream, topics, settings or MatchSettings(), writer)
        copies = {c.id: _copy_connection(writer, c, make) for c in reader.connections}
        _calibrate_first(annotator, reader, topics)
        for connection, time_ns, data in progress(reader.messages(), reader.message_count):
            if came:
                break
            writer.write(copies[connection.id], time_ns, data)
            annotator.see(connection, time_ns, data)
        annotator.finish()
        annotator.counts.damaged.update(reader.problems)
        annotator.counts.stopped_by = came[0] if came else 0
    return annotator.counts


def watch_part(
    recording: Path,
    part: Part,
    stream: PoseActionStream,
    topics: RecordingTopics,
    settings: MatchSettings,
) -> Watched:
    """Process a part of a recording; nothing is written.

    Args:
        recording: As `add_results`.
        part: The part.
        stream: As `add_results`, without tracks.
        topics: As `add_results`.
        settings: As `add_results`.

    Raises:
        ConfigError: There is no such topic.
        DatasetError: There is no recording that can be read.
    """
    make = RecordedMessageMaker(load_types())
    with opened(recording) as reader:
        topics = _prepared(reader, topics, make)
        annotator = PartAnnotator(part, make, stream, topics, settings)
        _calibrate_first(annotator, reader, topics)
        return annotator.watch(reader.messages())


def _prepared(
    reader: Recording, topics: RecordingTopics, make: RecordedMessageMaker
) -> RecordingTopics:
    """Return the topics of a recording; detections are read as it defines them."""
    topics = topics.found_in(reader)
    for connection in reader.connections:
        if connection.topic == topics.detections:
            register_detections(make.store, connection.msgdef)
    return topics


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Received signals: the first one ends the work in order, a second one at once."""
    came: list[int] = []

    def note(number: int, _: Any) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)
        note_signal(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        heeded = [n for n in ENDING_SIGNALS if signal.getsignal(n) is not signal.SIG_IGN]
        before = {number: signal.signal(number, note) for number in heeded}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _copy_connection(
    writer: Writer, connection: Connection, make: RecordedMessageMaker
) -> Connection:
    definition, digest = connection.msgdef.data, connection.digest
    if not definition and connection.msgtype in make.store.fielddefs:
        definition, _ = make.store.generate_msgdef(connection.msgtype, ros_version=2)
    if not digest and connection.msgtype in make.store.fielddefs:
        digest = make.store.hash_rihs01(connection.msgtype)
    return writer.add_connection(
        connection.topic,
        connection.msgtype,
        msgdef=definition,
        rihs01=digest or _NO_HASH,
        serialization_format=connection.ext.serialization_format,
        offered_qos_profiles=connection.ext.offered_qos_profiles,
    )


def _calibrate_first(annotator: Annotator, reader: Recording, topics: RecordingTopics) -> None:
    """Use the first calibration for the images before it too."""
    wanted = (topics.camera_info, CAMERA_INFO_TYPE)
    if wanted not in {(c.topic, c.msgtype) for c in reader.connections}:
        return
    for connection, _, data in reader.messages():
        found = (connection.topic, connection.msgtype) == wanted
        if found and annotator.calibrate(connection, data):
            return
