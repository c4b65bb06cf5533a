"""`pose-action bag`: a rosbag2 recording in; the same with poses, actions and markers out."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from pose_action_ros.cli.bag_markers import delete_markers, person_markers, person_text
from pose_action_ros.cli.bag_messages import (
    COMPRESSED_TYPE,
    IMAGE_TYPE,
    MessageFactory,
    SourceImage,
    action_message,
    camera_of_message,
    load_types,
    pose_message,
    rgb_of_message,
    stamp_ns_of_message,
)
from pose_action_ros.core.errors import ConfigError, DatasetError, ImageError
from pose_action_ros.core.skeleton import get_skeleton

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Reader, Writer

    from pose_action_ros.core.predictions import FramePrediction
    from pose_action_ros.geometry import Camera
    from pose_action_ros.inference import PoseActionStream

__all__ = ['Counts', 'RecordingTopics', 'add_results', 'bag']

_CAMERA_INFO_TYPE = 'sensor_msgs/msg/CameraInfo'
_OUTPUTS = {
    'poses': 'pose_action_ros/msg/Pose3D',
    'actions': 'pose_action_ros/msg/ActionLabel',
    'markers': 'visualization_msgs/msg/MarkerArray',
}
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
    namespace: Annotated[
        str, typer.Option(help='Of the new topics poses, actions and markers.')
    ] = '/',
    device: Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:N.')] = 'auto',
    quiet: Annotated[bool, typer.Option('--quiet', help='No progress bar.')] = False,
) -> None:
    """Copy a rosbag2 recording and add poses, actions and markers, with the images' stamps."""
    from pose_action_ros.inference import PoseActionStream

    topics = RecordingTopics(image_topic, camera_info_topic, namespace, rectified)
    with _reading(recording) as reader:
        topics = topics.found_in(reader)  # before the network is loaded
    stream = PoseActionStream.open(weights, device=device)
    progress = lambda messages, total: track(  # noqa: E731
        messages,
        description=recording.name,
        total=total,
        console=Console(stderr=True),
        disable=quiet,
    )
    counts = add_results(recording, output, stream, topics, progress)
    if not counts.calibrated:
        Console(stderr=True).print(
            f'no calibration on {topics.camera_info}: positions are relative to the root joint'
        )
    Console().print(
        f'{counts.images} images of {topics.image} ({counts.bad_images} bad), {counts.poses} '
        f'poses, {counts.actions} actions: {output}',
        highlight=False,
        soft_wrap=True,
    )


@dataclass(frozen=True)
class RecordingTopics:
    """Where things stand in a recording; empty: as `found_in` finds them.

    Attributes:
        image: Raw or compressed image.
        camera_info: Its calibration.
        namespace: Of the topics that are added.
        rectified: The image is rectified.
    """

    image: str = ''
    camera_info: str = ''
    namespace: str = '/'
    rectified: bool = False

    def found_in(self, reader: Reader) -> RecordingTopics:
        """Return the topics of this recording.

        Raises:
            ConfigError: There is no such topic, more than one image, or a topic to be added is
                there already.
        """
        types = {connection.topic: connection.msgtype for connection in reader.connections}
        images = [topic for topic, kind in types.items() if kind in (IMAGE_TYPE, COMPRESSED_TYPE)]
        image = self.image or _only_image(images)
        if image not in images:
            raise ConfigError(
                f'there is no image topic {image}; the recording has {_listed(images)}'
            )
        info = self.camera_info
        if info and types.get(info) != _CAMERA_INFO_TYPE:
            infos = [topic for topic, kind in types.items() if kind == _CAMERA_INFO_TYPE]
            raise ConfigError(
                f'there is no CameraInfo topic {info}; the recording has {_listed(infos)}'
            )
        info = info or f'{image.removesuffix("/compressed").rpartition("/")[0]}/camera_info'
        found = RecordingTopics(image, info, self.namespace, self.rectified)
        taken = [topic for name in _OUTPUTS if (topic := found.output(name)) in types]
        if taken:
            raise ConfigError(
                f'the recording has {_listed(taken)} already; give another --namespace'
            )
        return found

    def output(self, name: str) -> str:
        """Return the full name of a topic that is added."""
        return '/'.join(['', *filter(None, self.namespace.split('/')), name])


@dataclass
class Counts:
    """What was found in a recording."""

    images: int = 0
    bad_images: int = 0
    poses: int = 0
    actions: int = 0
    calibrated: bool = False


def add_results(
    recording: Path,
    output: Path,
    stream: PoseActionStream,
    topics: RecordingTopics,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda messages, _: messages,
) -> Counts:
    """Copy a recording and add what the stream sees in it.

    Args:
        recording: Folder or file, sqlite3 or mcap; the new one is stored the same way.
        output: Folder that is made.
        stream: Images in, predictions out.
        topics: Where things stand.
        progress: Wraps the messages, of which it is told the number.

    Raises:
        ConfigError: There is no such topic, or `output` exists.
        DatasetError: The recording is missing or damaged.
    """
    from rosbags.rosbag2 import StoragePlugin, Writer

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
            annotator = _Annotator(make, stream, topics, writer)
            copies = {c.id: _copy_connection(writer, c, make) for c in reader.connections}
            annotator.camera = _first_camera(reader, topics, make)
            for connection, time_ns, data in progress(reader.messages(), reader.message_count):
                writer.write(copies[connection.id], time_ns, data)
                annotator.see(connection, time_ns, data)
    except BaseException:
        shutil.rmtree(output, ignore_errors=True)  # without metadata nothing reads it
        raise
    return annotator.counts


@dataclass
class _Annotator:
    """Sees the messages of a recording and writes results beside them."""

    make: MessageFactory
    stream: PoseActionStream
    topics: RecordingTopics
    writer: Writer
    camera: Camera | None = None
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self._skeleton = get_skeleton(self.stream.layout)
        self._shown: set[int] = set()  # tracks that have markers
        store = self.make.store
        self._connections = {
            name: self.writer.add_connection(self.topics.output(name), kind, typestore=store)
            for name, kind in _OUTPUTS.items()
        }

    def see(self, connection: Connection, time_ns: int, data: bytes) -> None:
        """Take in one message; results get its time of recording."""
        if connection.topic == self.topics.camera_info:
            info = self.make.store.deserialize_cdr(data, connection.msgtype)
            self.camera = camera_of_message(info, rectified=self.topics.rectified)
        if connection.topic != self.topics.image:
            return
        self.counts.images += 1
        self.counts.calibrated |= self.camera is not None
        message = self.make.store.deserialize_cdr(data, connection.msgtype)
        try:
            image = rgb_of_message(message)
        except ImageError:
            self.counts.bad_images += 1
            return
        stamp_ns = stamp_ns_of_message(message.header.stamp)
        prediction = self.stream.process(image, stamp_ns, camera=self.camera)
        height, width = image.shape[:2]
        source = SourceImage(message.header, (width, height), self.stream.model_name)
        self._write_results(prediction, source, time_ns)

    def _write_results(
        self, prediction: FramePrediction, source: SourceImage, time_ns: int
    ) -> None:
        make, markers = self.make, []
        for person in prediction.persons:
            pose = pose_message(make, person, self._skeleton, source)
            self._write('poses', pose, time_ns)
            self.counts.poses += 1
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
        data = self.make.store.serialize_cdr(message, message.__msgtype__)
        self.writer.write(self._connections[name], time_ns, data)


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


def _first_camera(reader: Reader, topics: RecordingTopics, make: MessageFactory) -> Camera | None:
    """The calibration that comes first, so that the images before it have it too."""
    infos = [c for c in reader.connections if c.topic == topics.camera_info]
    for connection, _, data in reader.messages(infos) if infos else ():
        info = make.store.deserialize_cdr(data, connection.msgtype)
        return camera_of_message(info, rectified=topics.rectified)
    return None


def _only_image(images: list[str]) -> str:
    """The one image topic; raw wins over its own compressed copy, depth does not count."""
    colour = [topic for topic in images if 'depth' not in topic.lower()]
    copies = {f'{topic}/compressed' for topic in colour}
    chosen = [topic for topic in colour if topic not in copies]
    if len(chosen) != 1:
        raise ConfigError(
            f'the recording has {_listed(images)}; say which image with --image-topic'
        )
    return chosen[0]


def _listed(topics: list[str]) -> str:
    return ', '.join(topics) or 'none'
