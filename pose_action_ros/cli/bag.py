"""`pose-action bag`: a rosbag2 recording in; the same with poses, actions and markers out."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from pose_action_ros.cli.bag_messages import (
    MessageFactory,
    load_types,
    register_detections,
)
from pose_action_ros.cli.bag_topics import RecordingTopics
from pose_action_ros.core.errors import ConfigError, DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Reader, Writer

    from pose_action_ros.cli.bag_annotator import Annotator, Counts, SideSettings
    from pose_action_ros.inference import PoseActionStream

__all__ = ['RecordingTopics', 'add_results', 'bag']

_METADATA_VERSION = 8  # read by Humble and all later distributions
_NO_HASH = 'RIHS01_' + 64 * '0'


def bag(
    recording: Annotated[
        Path, typer.Argument(metavar='IN', help='A rosbag2 folder, .mcap or .db3 file.')
    ],
    output: Annotated[Path, typer.Argument(metavar='OUT', help='Folder of the new recording.')],
    weights: Annotated[
        str, typer.Option(help='demo, a fetched preset, untrained:PRESET or a .safetensors file.')
    ] = 'demo',
    image_topic: Annotated[
        str, typer.Option(help='Raw or compressed; by default the only one that there is.')
    ] = '',
    camera_info_topic: Annotated[
        str, typer.Option(help='By default camera_info beside the image.')
    ] = '',
    rectified: Annotated[
        bool, typer.Option('--rectified', help="The image is rectified: CameraInfo's P holds.")
    ] = False,
    depth_topic: Annotated[
        str, typer.Option(help='Depth images registered to the image; distances come from them.')
    ] = '',
    depth_max_age: Annotated[
        float | None, typer.Option(help='How far their stamps may be off, seconds.')
    ] = None,
    people_topic: Annotated[
        str, typer.Option(help='Detection2DArray: where people are; several are followed.')
    ] = '',
    people_class_id: Annotated[
        str | None, typer.Option(help="The detector's class id of people; empty: all are.")
    ] = None,
    people_min_score: Annotated[
        float | None, typer.Option(help='Detections with a lower score are left out.')
    ] = None,
    people_max_age: Annotated[
        float | None, typer.Option(help='How far the stamps of detections may be off, seconds.')
    ] = None,
    sync_wait: Annotated[
        float | None,
        typer.Option(help='How long an image waits for depth and detections after it, seconds.'),
    ] = None,
    body_height: Annotated[
        float | None, typer.Option(help="The person's height, metres; distances scale with it.")
    ] = None,
    namespace: Annotated[
        str, typer.Option(help='Of the new topics poses, actions and markers.')
    ] = '/',
    device: Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:N.')] = 'auto',
    quiet: Annotated[bool, typer.Option('--quiet', help='No progress bar.')] = False,
) -> None:
    """Copy a rosbag2 recording and add poses, actions and markers, with the images' stamps.

    What is not said is as the node has it by default.
    """
    from pose_action_ros.cli.bag_annotator import SideSettings
    from pose_action_ros.inference import PoseActionStream
    from pose_action_ros.inference.settings import BodySettings, PeopleSettings, StreamSettings

    topics = RecordingTopics(
        image_topic, camera_info_topic, namespace, rectified, depth_topic, people_topic
    )
    people = _given(class_id=people_class_id, min_score=people_min_score, max_age_s=people_max_age)
    ages = _given(depth_max_age_s=depth_max_age, sync_wait_s=sync_wait)
    side = SideSettings(**ages, people=PeopleSettings(**people))
    settings = StreamSettings(body=BodySettings(**_given(height=body_height)))
    with _reading(recording) as reader:
        topics = topics.found_in(reader)  # before the network is loaded
    stream = PoseActionStream.open(weights, device=device, settings=settings)
    progress = lambda messages, total: track(  # noqa: E731
        messages,
        description=recording.name,
        total=total,
        console=Console(stderr=True),
        disable=quiet,
    )
    _report(add_results(recording, output, stream, topics, progress, side), topics, output)


def _given(**options: Any) -> dict[str, Any]:
    """Return the options that were given; for the rest the settings have their defaults."""
    return {name: value for name, value in options.items() if value is not None}


def _report(counts: Counts, topics: RecordingTopics, output: Path) -> None:
    notes = [f'{count} images: {problem}' for problem, count in counts.problems.items()]
    if not counts.calibrated:
        notes.append(
            f'no calibration on {topics.camera_info}: positions are relative to the root joint'
        )
    for note in notes:
        Console(stderr=True).print(note, highlight=False, soft_wrap=True)
    by_depth = f' ({counts.with_depth} by depth)' if topics.depth else ''
    Console().print(
        f'{counts.images} images of {topics.image} ({counts.bad_images} bad), {counts.poses} '
        f'poses{by_depth}, {counts.actions} actions: {output}',
        highlight=False,
        soft_wrap=True,
    )


def add_results(
    recording: Path,
    output: Path,
    stream: PoseActionStream,
    topics: RecordingTopics,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda messages, _: messages,
    side: SideSettings | None = None,
) -> Counts:
    """Copy a recording and add what the stream sees in it.

    Args:
        recording: Folder or file, sqlite3 or mcap; the new one is stored the same way.
        output: Folder that is made.
        stream: Images in, predictions out.
        topics: Where things stand.
        progress: Wraps the messages, of which it is told the number.
        side: What serves an image of depth images and detections.

    Raises:
        ConfigError: There is no such topic, or `output` exists.
        DatasetError: The recording is missing or damaged, or its detections are of vision_msgs
            before 4.0.
    """
    from rosbags.rosbag2 import StoragePlugin, Writer

    from pose_action_ros.cli.bag_annotator import Annotator, SideSettings

    if output.exists():
        raise ConfigError(f'{output} exists; give a folder that does not')
    is_mcap = recording.suffix == '.mcap' or any(recording.glob('*.mcap'))
    storage = StoragePlugin.MCAP if is_mcap else StoragePlugin.SQLITE3
    make = MessageFactory(load_types())
    try:
        with (
            _reading(recording) as reader,
            Writer(output, version=_METADATA_VERSION, storage_plugin=storage) as writer,
        ):
            topics = topics.found_in(reader)
            for connection in reader.connections:
                if connection.topic == topics.people:
                    register_detections(make.store, connection.msgdef)
            annotator = Annotator(make, stream, topics, side or SideSettings(), writer)
            copies = {c.id: _copy_connection(writer, c, make) for c in reader.connections}
            _calibrate_first(annotator, reader, topics, make)
            for connection, time_ns, data in progress(reader.messages(), reader.message_count):
                writer.write(copies[connection.id], time_ns, data)
                annotator.see(connection, time_ns, data)
            annotator.finish()
    except BaseException:
        shutil.rmtree(output, ignore_errors=True)  # without metadata nothing reads it
        raise
    return annotator.counts


@contextmanager
def _reading(recording: Path) -> Iterator[Reader]:
    """An open recording; what is wrong with it is said in our words."""
    load_types()  # says so where rosbags is missing
    from rosbags.rosbag2 import Reader, ReaderError

    try:
        with Reader(recording) as reader:
            yield reader
    except (ReaderError, FileNotFoundError) as error:
        raise DatasetError(
            f'{recording} can not be read as a rosbag2 recording ({error}); expected its folder '
            'with metadata.yaml, or a .mcap or .db3 file'
        ) from error


def _copy_connection(writer: Writer, connection: Connection, make: MessageFactory) -> Connection:
    definition, digest = connection.msgdef.data, connection.digest
    if not (definition and digest) and connection.msgtype in make.store.fielddefs:
        definition, _ = make.store.generate_msgdef(connection.msgtype, ros_version=2)
        digest = make.store.hash_rihs01(connection.msgtype)
    return writer.add_connection(
        connection.topic,
        connection.msgtype,
        msgdef=definition,
        rihs01=digest or _NO_HASH,
        serialization_format=connection.ext.serialization_format,
        offered_qos_profiles=connection.ext.offered_qos_profiles,
    )


def _calibrate_first(
    annotator: Annotator, reader: Reader, topics: RecordingTopics, make: MessageFactory
) -> None:
    """Take the calibration that comes first, so that the images before it have it too."""
    infos = [c for c in reader.connections if c.topic == topics.camera_info]
    for connection, _, data in reader.messages(infos) if infos else ():
        annotator.calibrate(make.store.deserialize_cdr(data, connection.msgtype))
        return
