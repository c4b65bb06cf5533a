"""`pose-action predict`: annotates a film, a folder, a picture or the images of a camera.

It also writes one line of JSON per image.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from pose_action_ros.batch.items import Item
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
from pose_action_ros.cli.predict_outputs import Page, Window, wait_for_ctrl_c
from pose_action_ros.core.console import ERRORS, RESULTS, bar
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.weights import SHIPPED_WEIGHTS, NetworkChoice

if TYPE_CHECKING:
    from pose_action_ros.cli.predict_film import FilmSettings
    from pose_action_ros.cli.predict_outputs import Output

__all__ = ['predict']

_CTRL_C = 130


def predict(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar='SOURCE...',
            help='Films, folders of images, pictures, or the number of one camera (0).',
        ),
    ],
    output: Annotated[str, typer.Option(help='Folder for the results.')] = 'predictions',
    weights: Weights = SHIPPED_WEIGHTS,
    device: Device = 'auto',
    finder: Annotated[
        str,
        typer.Option(help='Weights of the finder, to track several people; empty: one person.'),
    ] = '',
    field_of_view: Annotated[
        float | None,
        typer.Option(help='Horizontal field of view, degrees; gives positions in metres.'),
    ] = None,
    show: Annotated[
        bool, typer.Option('--show', help='Show the result in a window; q closes it.')
    ] = False,
    view: Annotated[
        bool,
        typer.Option('--view', help='Show the result on a page in the browser (extra `view`).'),
    ] = False,
    record_view: Annotated[
        Path | None, typer.Option(help='A .rrd file that records that page, for `rerun FILE`.')
    ] = None,
    workers: Count = 1,
    ray: RayAddress = '',
    threads: Threads = 0,
    gpus: Gpus = 0.0,
    again: Again = False,
    quiet: Annotated[bool, typer.Option('--quiet', help='No progress bar.')] = False,
) -> None:
    """Find pose and action; write an annotated NAME.mp4 (NAME.png for a picture) and NAME.jsonl.

    A film has its own stamps. The images of a folder follow at 10 Hz, and those of a camera have
    the time of the clock. A camera is filmed until Ctrl-C. Ctrl-C ends any source and keeps the
    results so far. With several sources, a URL, `--workers`, `--ray` or `--again`, the output
    folder holds a folder for each source, and `report.json`. There results appear once they are
    complete, and sources that are done and unchanged are skipped.
    """
    from pose_action_ros.cli.predict_film import FilmSettings, annotate_film

    who = Workers(workers, ray, threads, gpus)
    network = for_workers(NetworkChoice(weights, finder, device), who)
    settings = FilmSettings(network, field_of_view)
    has_url = any(map(is_url, (*sources, output)))
    if len(sources) == 1 and who.is_here and not (again or has_url):
        _predict_alone(
            sources[0], Path(output), settings, _Shown(show, view, record_view), quiet=quiet
        )
        return
    if show or view or record_view is not None:
        raise ConfigError('--show, --view and --record-view need a single source, and no URL')
    items = [_item(source) for source in sources]
    place = output if is_url(output) else str(Path(output).absolute())
    batch = Batch(
        partial(annotate_film, settings=settings), place, batch_key(network, field_of_view), again
    )
    run_batch(items, batch, who, quiet=quiet)


class _Shown(NamedTuple):
    """The displays of the results of a single source."""

    window: bool
    page: bool
    record: Path | None


def _predict_alone(
    source: str, output: Path, settings: FilmSettings, shown: _Shown, *, quiet: bool
) -> None:
    from pose_action_ros.cli.predict_film import annotate_source, lines_of, output_of
    from pose_action_ros.geometry.image_source import Device, open_images

    images = open_images(source)
    drawn = output_of(images, output, source)
    watchers: list[Output] = [Window(images.name)] if shown.window else []
    if shown.page or shown.record is not None:
        watchers.append(Page(images.name, serve=shown.page, record=shown.record))
    summary = annotate_source(
        images,
        source,
        output,
        settings,
        watchers=watchers,
        progress=lambda seen: bar(seen, images.name, total=images.count, shown=not quiet),
    )
    for note in summary.notes:
        ERRORS.print(note, soft_wrap=True)
    lines = lines_of(drawn)
    frames = f'{summary.images} frame{"" if summary.images == 1 else "s"}'
    RESULTS.print(f'{frames}: {drawn}, {lines}', soft_wrap=True)
    if shown.page and not summary.stopped_by:
        wait_for_ctrl_c()
    if summary.stopped_by and not isinstance(images, Device):
        raise typer.Exit(_CTRL_C)


def _item(source: str) -> Item:
    """One of several sources; its output has its name."""
    from pose_action_ros.geometry.image_source import is_camera_number

    if is_camera_number(source) and not Path(source).exists():
        raise ConfigError(f'camera {source} never ends; give it as the only source, and no URL')
    if is_url(source):
        return Item(source, PurePosixPath(source).stem)
    path = Path(source).expanduser().absolute()
    return Item(str(path), path.name if path.is_dir() else path.stem)
