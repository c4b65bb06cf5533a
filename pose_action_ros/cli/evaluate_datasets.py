"""`pose-action evaluate {mpii,h36m,penn_action,ntu}`: the paper's tables on recorded data."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from pose_action_ros.cli.evaluate import evaluate_app
from pose_action_ros.cli.options import Sheet, Weights
from pose_action_ros.cli.train import start_logging
from pose_action_ros.core.console import ERRORS, RESULTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pose_action_ros.data.recorded import Library
    from pose_action_ros.models import MultitaskNet
    from pose_action_ros.training.action_scores import ClipScores
    from pose_action_ros.training.score_tables import ScoreTable

__all__ = [
    'Device',
    'JsonFile',
    'Limit',
    'Markdown',
    'MultiCrop',
    'Prepared',
    'Quiet',
    'Root',
    'Workers',
    'crop_views',
    'evaluate_app',
    'is_shown',
    'open_split',
    'report',
    'report_clips',
    'save_sheet_of',
    'score_clips',
]


Root = Annotated[Path, typer.Argument(help='Folder of the data set, see docs/data.md.')]
Limit = Annotated[int | None, typer.Option(help='Number of samples, spread over all.', min=1)]
JsonFile = Annotated[Path | None, typer.Option('--json', help='File for the scores.')]
Markdown = Annotated[Path | None, typer.Option('--markdown', help='File for the tables.')]
Device = Annotated[str, typer.Option(help='auto (a GPU if there is one), cpu, cuda or cuda:N.')]
Workers = Annotated[int, typer.Option(help='Number of processes or threads that read.', min=0)]
Prepared = Annotated[
    Path | None, typer.Option(help='Cache made by `pose-action data prepare`, for the pictures.')
]
Quiet = Annotated[bool, typer.Option('--quiet', help='No progress bars.')]
MultiCrop = Annotated[
    bool,
    typer.Option(
        '--multi-crop', help='Also report the average over 5 crops and their mirror images.'
    ),
]
_MultiClip = Annotated[
    bool,
    typer.Option(
        '--multi-clip',
        help='Also report clips along the whole film and their mirror images: the product of '
        'their probabilities.',
    ),
]
_Batch = Annotated[int, typer.Option(help='Images per batch.', min=1)]
_Plots = Annotated[Path | None, typer.Option(help='Folder for confusion.png.')]
_BOXES = 'annotated, or seen: found by the network in the whole image, as in the paper'
_Boxes = Annotated[str, typer.Option(help=f'{_BOXES}.')]
_PennBoxes = Annotated[str, typer.Option(help=f'{_BOXES}; or a .json file (multi-clip only).')]


@evaluate_app.command('mpii')
def mpii(
    root: Root,
    weights: Weights = 'mpii',
    multi_crop: MultiCrop = False,
    limit: Limit = None,
    json_file: JsonFile = None,
    markdown: Markdown = None,
    sheet: Sheet = None,
    batch: _Batch = 8,
    device: Device = 'auto',
    workers: Workers = 0,
    quiet: Quiet = False,
) -> None:
    """PCKh at 0.5 and 0.2 and their areas on MPII's validation persons."""
    from pose_action_ros.training.pose_scores import evaluate_mpii
    from pose_action_ros.training.score_tables import mpii_table

    net, library = open_split('mpii', root, 'val', weights, device)
    judge = partial(
        evaluate_mpii, batch=batch, workers=workers, progress=is_shown(quiet), limit=limit
    )
    scores = {name: judge(net, library, view) for name, view in crop_views(multi_crop).items()}
    report([mpii_table(list(scores.values()))], scores, weights, 'mpii', json_file, markdown)
    save_sheet_of(net, library, sheet)


@evaluate_app.command('h36m')
def h36m(
    root: Root,
    weights: Weights = 'h36m',
    multi_crop: MultiCrop = False,
    limit: Limit = None,
    json_file: JsonFile = None,
    markdown: Markdown = None,
    sheet: Sheet = None,
    batch: _Batch = 8,
    device: Device = 'auto',
    workers: Workers = 0,
    quiet: Quiet = False,
) -> None:
    """MPJPE by action on Human3.6M's subjects 9 and 11, laid out as the paper's Table 1."""
    from pose_action_ros.training.pose_scores import evaluate_h36m
    from pose_action_ros.training.score_tables import h36m_tables

    net, library = open_split('h36m', root, 'test', weights, device)
    judge = partial(
        evaluate_h36m, batch=batch, workers=workers, progress=is_shown(quiet), limit=limit
    )
    scores = {name: judge(net, library, view) for name, view in crop_views(multi_crop).items()}
    report(h36m_tables(list(scores.values())), scores, weights, 'h36m', json_file, markdown)
    save_sheet_of(net, library, sheet)


@evaluate_app.command('penn_action')
def penn_action(
    root: Root,
    weights: Weights = 'penn_action',
    multi_clip: _MultiClip = False,
    boxes: _PennBoxes = 'annotated',
    limit: Limit = None,
    json_file: JsonFile = None,
    markdown: Markdown = None,
    plots: _Plots = None,
    prepared: Prepared = None,
    device: Device = 'auto',
    workers: Workers = 0,
    quiet: Quiet = False,
) -> None:
    """Action accuracy of every output on Penn Action's test sequences."""
    net, library = open_split('penn_action', root, 'test', weights, device, prepared=prepared)
    scores = score_clips(net, library, boxes, limit, workers, quiet, multi=multi_clip)
    report_clips(scores, library, weights, json_file, markdown, plots)


@evaluate_app.command('ntu')
def ntu(
    root: Root,
    weights: Weights = 'ntu',
    multi_clip: _MultiClip = False,
    boxes: _Boxes = 'annotated',
    view: Annotated[bool, typer.Option('--view', help='Use the cross-view split.')] = False,
    broken: Annotated[Path | None, typer.Option(help='List of samples to skip.')] = None,
    limit: Limit = None,
    json_file: JsonFile = None,
    markdown: Markdown = None,
    plots: _Plots = None,
    prepared: Prepared = None,
    device: Device = 'auto',
    workers: Workers = 0,
    quiet: Quiet = False,
) -> None:
    """Action accuracy of every output on NTU RGB+D's test sequences."""
    options = {'view': view, 'broken': broken, 'prepared': prepared}
    net, library = open_split('ntu', root, 'test', weights, device, **options)
    scores = score_clips(net, library, boxes, limit, workers, quiet, multi=multi_clip)
    report_clips(scores, library, weights, json_file, markdown, plots)


def crop_views(multi_crop: bool) -> dict[str, Any]:
    """Return the paper's single-crop view, and its multi-crop view if wanted."""
    from pose_action_ros.training.pose_views import MULTI_CROP, SINGLE_CROP

    views = {'single_crop': SINGLE_CROP, 'multi_crop': MULTI_CROP}
    return views if multi_crop else {'single_crop': SINGLE_CROP}


def open_split(
    name: str, root: Path, split: str, weights: str, device: str, **options: Any
) -> tuple[MultitaskNet, Any]:
    """Return a network, and a split in its layout."""
    from pose_action_ros.core.errors import DatasetError, shortened
    from pose_action_ros.core.skeleton import get_skeleton
    from pose_action_ros.data.opening import open_library
    from pose_action_ros.data.recorded import skipped_files
    from pose_action_ros.models import open_model
    from pose_action_ros.runtime.engine import choose_device

    if not root.is_dir():  # before the weights, which may have to be fetched
        raise DatasetError(
            f'there is no folder {root}; give the folder of {name}, see docs/data.md'
        )
    net = open_model(weights).to(choose_device(device))
    skeleton = get_skeleton(net.config.layout)
    library = open_library(name, root, split, skeleton, **options)
    for text in skipped_files(library):
        RESULTS.print(shortened(text, 400), soft_wrap=True)
    return net, library


def save_sheet_of(net: MultitaskNet, library: Any, sheet: Path | None) -> None:
    """Draw predicted poses of a split into a picture, if one is wanted."""
    if sheet is not None:
        from pose_action_ros.data.recorded import RecordedPoses
        from pose_action_ros.training.pose_sheet import save_pose_sheet

        save_pose_sheet(net, RecordedPoses(library), sheet)


def score_clips(
    net: MultitaskNet,
    library: Library,
    boxes: str,
    limit: int | None,
    workers: int,
    quiet: bool,
    *,
    multi: bool,
) -> dict[str, ClipScores]:
    """Return the scores of single-clip and, if wanted, of multi-clip.

    Raises:
        ConfigError: The boxes are unknown, or the network has other actions than the data set.
    """
    from pose_action_ros.core.errors import ConfigError
    from pose_action_ros.data.prepared import PreparedLibrary
    from pose_action_ros.training import action_scores as judge
    from pose_action_ros.training.film_clips import clip_views

    from_file = boxes.endswith('.json')
    if boxes not in ('annotated', 'seen') and not from_file:
        raise ConfigError(f'boxes are annotated, seen or a .json file; found {boxes!r}')
    if from_file and not multi:
        raise ConfigError(f'{boxes} has boxes of multi-clip; add --multi-clip')
    if boxes != 'annotated' and isinstance(library, PreparedLibrary):
        raise ConfigError(
            f'--boxes {boxes} needs whole pictures, and --prepared has only parts; '
            'use one of the two'
        )
    protocols = ('single-clip', 'multi-clip')[from_file : 1 + multi]
    frames = net.config.clip_frames
    views = {
        name: clip_views(library, frames, multi=name == 'multi-clip', limit=limit)
        for name in protocols
    }
    if not quiet and not is_shown(quiet):
        start_logging()  # a line each minute in place of a bar
    windows: Any = judge.seen_boxes if boxes == 'seen' else None
    if from_file:
        windows = judge.given_boxes(Path(boxes), library, views['multi-clip'])
    scores: dict[str, ClipScores] = judge.evaluate_clips(
        net,
        library,
        views,
        boxes=windows,
        limit=limit,
        workers=workers,
        progress=is_shown(quiet),
    )
    return scores


def report_clips(
    scores: Mapping[str, ClipScores],
    library: Library,
    weights: str,
    json_file: Path | None,
    markdown: Path | None,
    plots: Path | None,
) -> None:
    """Print the table of clips; write it, the scores and the confusion matrix if asked for."""
    from pose_action_ros.training.plots import save_confusion_plot
    from pose_action_ros.training.score_tables import action_table

    table = action_table(scores, library.name)
    named = {name.replace('-', '_'): one for name, one in scores.items()}
    report([table], named, weights, library.name, json_file, markdown)
    if plots is not None:
        name, last = list(scores.items())[-1]
        title = f'{library.name}, {name}, accuracy {last.accuracy["m"]:.3f}'
        save_confusion_plot(last.confusion, library.actions, plots / 'confusion.png', title)


def report(
    tables: Sequence[ScoreTable],
    scores: Mapping[str, Any],
    weights: str,
    dataset: str,
    json_file: Path | None,
    markdown: Path | None,
) -> None:
    """Print the tables; write them and the scores to files if these are given."""
    for table in tables:
        shown = Table(*table.header, title=table.title)
        for row in table.rows:
            shown.add_row(*row)
        RESULTS.print(shown)
    if json_file is not None:
        result = {'dataset': dataset, 'weights': weights}
        result |= {name: one.to_mapping() for name, one in scores.items()}
        text = json.dumps(_without_nan(result), indent=2, allow_nan=False)
        _write(json_file, text + '\n')
    if markdown is not None:
        _write(markdown, '\n'.join(table.to_markdown() for table in tables))


def _without_nan(value: Any) -> Any:
    """Return a value that JSON can hold, with null for NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and value != value else value


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding='utf-8')


def is_shown(quiet: bool) -> bool:
    """Return whether progress bars are shown: on a terminal, unless --quiet is given."""
    return not quiet and ERRORS.is_terminal
