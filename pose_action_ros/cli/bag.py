"""`pose-action bag`: adds people, poses, actions and markers to rosbag2 recordings."""

from __future__ import annotations

import signal
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pose_action_ros.batch.items import Item, Summary
from pose_action_ros.batch.run import Workers
from pose_action_ros.batch.stores import is_url
from pose_action_ros.batch.task import Batch
from pose_action_ros.cli.batch_options import (
    Again,
    Count,
    Gpus,
    RayAddress,
    Threads,
    batch_key,
    for_workers,
)
from pose_action_ros.cli.batch_report import run_batch
from pose_action_ros.cli.options import Device, Weights
from pose_action_ros.core.console import ERRORS, RESULTS, bar
from pose_action_ros.core.ending import STATUS
from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.core.weights import SHIPPED_WEIGHTS, NetworkChoice
from pose_action_ros.recordings.finding import name_of, recordings_below
from pose_action_ros.recordings.topics import RecordingTopics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_action_ros.recordings.annotator import Counts
    from pose_action_ros.recordings.job import ConversionSettings
    from pose_action_ros.recordings.parts import Watched

__all__ = ['bag', 'convert_one']


def _names(option: str) -> tuple[str, str]:
    """Return the name of an option of detections, and its name in version 0.1."""
    return f'--detections-{option}', f'--people-{option}'


def bag(
    recordings: Annotated[
        list[str],
        typer.Argument(
            metavar='IN...',
            help='Rosbag2 folders, .mcap or .db3 files, also .zstd; or folders of recordings.',
        ),
    ],
    output: Annotated[
        str,
        typer.Argument(metavar='OUT', help='Folder of the new recording, or of all of them.'),
    ],
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
    workers: Count = 1,
    ray: RayAddress = '',
    threads: Threads = 0,
    gpus: Gpus = 0.0,
    split_s: Annotated[
        float,
        typer.Option(
            min=0.0,
            help='Cut longer recordings into parts of about this length for several workers, '
            'seconds; 0: never. Joints agree with the whole run; see docs/cluster.md.',
        ),
    ] = 0.0,
    again: Again = False,
    quiet: Annotated[bool, typer.Option('--quiet', help='No progress bar.')] = False,
) -> None:
    """Copy rosbag2 recordings and add the results, with the stamps of the images.

    Options have the defaults of the node. Unreadable messages are counted, and the reasons are
    printed. If IN is one recording, OUT is a complete recording at any moment: after Ctrl-C, a
    full disk or a kill it still has everything that was written before. With several recordings, a
    folder of recordings, a URL, `--workers`, `--ray` or `--again`, OUT holds a new recording for
    each of them, and `report.json`. There a recording appears once it is complete, and recordings
    that are done and unchanged are skipped. The exit status is 0 if everything was read to its
    end, 1 if no image of a recording could be read or the disk is full, and 130 or 143 after
    Ctrl-C or SIGTERM.
    """
    from pose_action_ros.inference.settings import BodySettings, DetectionSettings, StreamSettings
    from pose_action_ros.messages.matched_inputs import MatchSettings
    from pose_action_ros.recordings.job import ConversionSettings, watch

    if split_s and workers == 1 and not ray:
        raise ConfigError('--split-s is for several workers; give --workers or --ray too')
    topics = RecordingTopics(
        *(image_topic, camera_info_topic, namespace, rectified),
        *(depth_topic, detections_topic, infrared),
    )
    boxes = _given(
        class_id=detections_class_id, min_score=detections_min_score, max_age_s=detections_max_age
    )
    ages = _given(depth_max_age_s=depth_max_age, sync_wait_s=sync_wait)
    who = Workers(workers, ray, threads, gpus)
    network = for_workers(NetworkChoice(weights, finder, device), who)
    settings = ConversionSettings(
        network=network,
        topics=topics,
        matching=MatchSettings(**ages, detections=DetectionSettings(**boxes)),
        stream=StreamSettings(body=BodySettings(**_given(height=body_height))),
    )
    items = _items(recordings, output)
    is_alone = [item.source for item in items] == [_place(recordings[0])] and len(recordings) == 1
    has_url = any(map(is_url, (*recordings, output)))
    if not (is_alone and who.is_here) or again or has_url:
        items = [_in_parts(item, split_s) for item in items] if split_s else items
        batch = Batch(
            partial(convert_one, settings=settings),
            _place(output),
            batch_key(network, topics, settings.matching, settings.stream, split_s),
            again,
            partial(watch, settings=settings),
        )
        run_batch(items, batch, who, quiet=quiet)
        return
    _convert_alone(Path(recordings[0]), Path(output), settings, quiet=quiet)


def convert_one(
    recording: Path,
    output: Path,
    watched: Sequence[Watched] = (),
    *,
    settings: ConversionSettings,
) -> Summary:
    """Convert one recording of a batch.

    Args:
        recording: Folder or file.
        output: Folder that is made.
        watched: The results of its parts.
        settings: The settings of the conversion.
    """
    from pose_action_ros.recordings.job import convert, notes_of

    topics, counts = convert(recording, output, settings, watched=watched)
    return Summary(
        images=counts.images,
        poses=counts.poses,
        notes=tuple(notes_of(counts, topics)),
        failure=_failure(recording, counts, topics),
        stopped_by=counts.stopped_by,
    )


def _convert_alone(
    recording: Path, output: Path, settings: ConversionSettings, *, quiet: bool
) -> None:
    from pose_action_ros.recordings.job import convert

    progress = lambda messages, total: bar(  # noqa: E731
        messages, recording.name, total=total, shown=not quiet
    )
    topics, counts = convert(recording, output, settings, progress)
    _report(counts, topics, output)
    if counts.stopped_by:
        raise typer.Exit(STATUS + counts.stopped_by)
    if failure := _failure(recording, counts, topics):
        raise DatasetError(failure)


def _items(recordings: list[str], output: str) -> list[Item]:
    """The recordings in the arguments, and the names of their outputs."""
    items = []
    for given in recordings:
        if is_url(given):
            items.append(Item(given, PurePosixPath(given).stem))
            continue
        folder, out = Path(given), None if is_url(output) else Path(output)
        found = recordings_below(folder, out)
        items += [Item(_place(str(path)), name_of(path, folder)) for path in found]
    return items


def _in_parts(item: Item, split_s: float) -> Item:
    from pose_action_ros.recordings.parts import parts_of

    if is_url(item.source):
        return item
    try:
        return replace(item, parts=tuple(parts_of(Path(item.source), split_s)))
    except Exception:  # of any library; its task reports the reason
        return item


def _place(given: str) -> str:
    """A path that is valid for every worker, or a URL."""
    return given if is_url(given) else str(Path(given).absolute())


def _failure(recording: Path, counts: Counts, topics: RecordingTopics) -> str:
    if not counts.images:
        return f'{topics.image} has no messages; {recording} has {counts.listed()}'
    if counts.bad_images == counts.images:
        return f'none of the {counts.images} images of {topics.image} could be read'
    return ''


def _given(**options: Any) -> dict[str, Any]:
    """Return the options that were given; the settings have defaults for the others."""
    return {name: value for name, value in options.items() if value is not None}


def _report(counts: Counts, topics: RecordingTopics, output: Path) -> None:
    from pose_action_ros.recordings.job import notes_of

    notes = notes_of(counts, topics)
    if counts.stopped_by:
        notes.append(
            f'stopped by {signal.Signals(counts.stopped_by).name}: the rest of the recording is '
            'missing'
        )
    for note in notes:
        ERRORS.print(note, soft_wrap=True)
    by_depth = f' ({counts.with_depth} by depth)' if topics.depth else ''
    RESULTS.print(
        f'{counts.images} images of {topics.image} ({counts.bad_images} bad), {counts.poses} '
        f'poses{by_depth}, {counts.actions} actions: {output}',
        soft_wrap=True,
    )
