"""`pose-action bag`: adds people, poses, actions and markers to a rosbag2 recording."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from pose_action_ros.cli.options import Device, Weights
from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.weights import SHIPPED_WEIGHTS
from pose_action_ros.recordings.reader import opened
from pose_action_ros.recordings.topics import RecordingTopics

if TYPE_CHECKING:
    from pose_action_ros.recordings.annotator import Counts

__all__ = ['bag']

_STOPPED = 128  # exit status over the number of the signal, as shells have it
_NOTES = 20  # reasons that are listed one by one


def _names(option: str) -> tuple[str, str]:
    """Return the name of an option of detections, and its name in version 0.1."""
    return f'--detections-{option}', f'--people-{option}'


def bag(
    recording: Annotated[
        Path,
        typer.Argument(metavar='IN', help='A rosbag2 folder, .mcap or .db3 file, also .zstd.'),
    ],
    output: Annotated[Path, typer.Argument(metavar='OUT', help='Folder of the new recording.')],
    weights: Weights = SHIPPED_WEIGHTS,
    image_topic: Annotated[
        str, typer.Option(help='Raw or compressed image topic; default: the only one in IN.')
    ] = '',
    camera_info_topic: Annotated[
        str, typer.Option(help='Default: camera_info beside the image topic.')
    ] = '',
    rectified: Annotated[
        bool, typer.Option('--rectified', help="The image is rectified: use CameraInfo's P.")
    ] = False,
    depth_topic: Annotated[
        str,
        typer.Option(
            help='Topic of depth images registered to the image; distances are taken from it.'
        ),
    ] = '',
    depth_max_age: Annotated[
        float | None,
        typer.Option(
            help='Largest difference between the stamps of an image and its depth image, seconds.'
        ),
    ] = None,
    detections_topic: Annotated[
        str,
        typer.Option(
            *_names('topic'),
            help='Topic of a Detection2DArray with boxes of people; several are tracked.',
        ),
    ] = '',
    detections_class_id: Annotated[
        str | None,
        typer.Option(
            *_names('class-id'),
            help='Class id of people in the detections; empty: every detection is a person.',
        ),
    ] = None,
    detections_min_score: Annotated[
        float | None,
        typer.Option(*_names('min-score'), help='Detections with a lower score are skipped.'),
    ] = None,
    detections_max_age: Annotated[
        float | None,
        typer.Option(
            *_names('max-age'),
            help='Largest difference between the stamps of an image and its detections, seconds.',
        ),
    ] = None,
    sync_wait: Annotated[
        float | None,
        typer.Option(
            help='How long an image waits for its depth image and its detections, seconds.'
        ),
    ] = None,
    infrared: Annotated[
        bool,
        typer.Option('--infrared', help='The images are infrared: read 16UC1 as grey.'),
    ] = False,
    body_height: Annotated[
        float | None,
        typer.Option(help='Assumed height of the person, metres; distances scale with it.'),
    ] = None,
    namespace: Annotated[
        str, typer.Option(help='Namespace of the new topics people, poses, actions and markers.')
    ] = '/',
    device: Device = 'auto',
    finder: Annotated[
        str,
        typer.Option(help='Weights of the finder, to track several people; empty: one person.'),
    ] = '',
    quiet: Annotated[bool, typer.Option('--quiet', help='No progress bar.')] = False,
) -> None:
    """Copy a rosbag2 recording and add the results, with the stamps of the images.

    Options have the defaults of the node. Unreadable messages are counted, and the reasons are
    printed. OUT is a complete recording at any moment: after Ctrl-C, a full disk or a kill it
    keeps all that was written. The exit status is 0 if IN was read to its end, 1 if no image
    could be read or the disk is full, and 130 or 143 after Ctrl-C or SIGTERM.
    """
    from pose_action_ros.inference import PoseActionStream
    from pose_action_ros.inference.settings import BodySettings, DetectionSettings, StreamSettings
    from pose_action_ros.messages.matched_inputs import MatchSettings
    from pose_action_ros.recordings.conversion import add_results

    topics = RecordingTopics(
        *(image_topic, camera_info_topic, namespace, rectified),
        *(depth_topic, detections_topic, infrared),
    )
    boxes = _given(
        class_id=detections_class_id, min_score=detections_min_score, max_age_s=detections_max_age
    )
    ages = _given(depth_max_age_s=depth_max_age, sync_wait_s=sync_wait)
    matching = MatchSettings(**ages, detections=DetectionSettings(**boxes))
    settings = StreamSettings(body=BodySettings(**_given(height=body_height)))
    with opened(recording) as reader:
        topics = topics.found_in(reader)  # before the network is loaded
    stream = PoseActionStream.open(
        weights, device=device, settings=settings, finder=finder or None
    )
    progress = lambda messages, total: track(  # noqa: E731
        messages,
        description=recording.name,
        total=total,
        console=Console(stderr=True),
        disable=quiet,
    )
    counts = add_results(recording, output, stream, topics, progress, matching)
    _report(counts, topics, output)
    if counts.stopped_by:
        raise typer.Exit(_STOPPED + counts.stopped_by)
    if not counts.images:
        raise DatasetError(f'{topics.image} has no messages; {recording} has {counts.listed()}')
    if counts.bad_images == counts.images:
        raise DatasetError(f'none of the {counts.images} images of {topics.image} could be read')


def _given(**options: Any) -> dict[str, Any]:
    """Return the options that were given; the settings have defaults for the others."""
    return {name: value for name, value in options.items() if value is not None}


def _report(counts: Counts, topics: RecordingTopics, output: Path) -> None:
    notes = [f'{count} images: {problem}' for problem, count in counts.problems.most_common()]
    notes += [f'{count} {problem}' for problem, count in counts.damaged.most_common()]
    if len(notes) > _NOTES:
        notes[_NOTES:] = [f'and {len(notes) - _NOTES} further reasons']
    if not counts.calibrated:
        notes.append(
            f'no calibration on {topics.camera_info}: positions are relative to the root joint'
        )
    for name in sorted(topics.moved):
        notes.append(f'{name} are on {topics.output(name)}: the recording has another {name}')
    if counts.stopped_by:
        notes.append(
            f'stopped by {signal.Signals(counts.stopped_by).name}: the rest of the recording is '
            'missing'
        )
    for note in notes:
        Console(stderr=True).print(note, highlight=False, markup=False, soft_wrap=True)
    by_depth = f' ({counts.with_depth} by depth)' if topics.depth else ''
    Console().print(
        f'{counts.images} images of {topics.image} ({counts.bad_images} bad), {counts.poses} '
        f'poses{by_depth}, {counts.actions} actions: {output}',
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
