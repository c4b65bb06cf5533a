"""`pose-action evaluate {coco,yolo_pose,lsp,jhmdb}`: people in photographs and short films."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pose_action_ros.cli.evaluate import evaluate_app
from pose_action_ros.cli.evaluate_datasets import (
    Device,
    JsonFile,
    Limit,
    Markdown,
    MultiCrop,
    Quiet,
    Root,
    Workers,
    crop_views,
    is_shown,
    open_split,
    report,
    save_sheet_of,
)
from pose_action_ros.cli.options import Sheet, Weights
from pose_action_ros.core.weights import SHIPPED_WEIGHTS

if TYPE_CHECKING:
    from pose_action_ros.models import MultitaskNet

__all__ = ['evaluate_app']

_Split = Annotated[str, typer.Option(help='train, val or test.')]
_SplitFile = Annotated[
    Path | None,
    typer.Option(help='JSON file with the lists `train` and `test` of images; see docs/data.md.'),
]
_MinJoints = Annotated[
    int, typer.Option(help='Smallest number of annotated body joints, of 12.', min=1)
]
_MinHeight = Annotated[
    float, typer.Option(help="Smallest height of a person's box, pixels.", min=0)
]


@evaluate_app.command('coco')
def coco(
    root: Root,
    weights: Weights = SHIPPED_WEIGHTS,
    split: _Split = 'test',
    split_file: _SplitFile = None,
    annotations: Annotated[
        Path | None, typer.Option(help='JSON file below ROOT, read instead of the default.')
    ] = None,
    min_joints: _MinJoints = 12,
    min_height: _MinHeight = 160.0,
    multi_crop: MultiCrop = False,
    limit: Limit = None,
    json_file: JsonFile = None,
    markdown: Markdown = None,
    sheet: Sheet = None,
    device: Device = 'auto',
    workers: Workers = 0,
    quiet: Quiet = False,
) -> None:
    """PCK at 0.2 and 0.5 of the torso on COCO's people, each in a given window."""
    options = {
        'split_file': split_file,
        'annotations': annotations,
        'min_joints': min_joints,
        'min_height_px': min_height,
    }
    net, library = open_split('coco', root, split, weights, device, **options)
    scores = _scores(net, library, multi_crop, limit, workers, is_shown(quiet))
    _report(scores, weights, 'coco', split, json_file, markdown)
    save_sheet_of(net, library, sheet)


@evaluate_app.command('yolo_pose')
def yolo_pose(
    root: Root,
    weights: Weights = SHIPPED_WEIGHTS,
    split: _Split = 'test',
    split_file: _SplitFile = None,
    min_joints: _MinJoints = 12,
    min_height: _MinHeight = 160.0,
    multi_crop: MultiCrop = False,
    limit: Limit = None,
    json_file: JsonFile = None,
    markdown: Markdown = None,
    sheet: Sheet = None,
    device: Device = 'auto',
    workers: Workers = 0,
    quiet: Quiet = False,
) -> None:
    """PCK at 0.2 and 0.5 of the torso on people of a YOLO-pose folder, each in a given window."""
    options = {
        'split_file': split_file,
        'min_joints': min_joints,
        'min_height_px': min_height,
    }
    net, library = open_split('yolo_pose', root, split, weights, device, **options)
    scores = _scores(net, library, multi_crop, limit, workers, is_shown(quiet))
    _report(scores, weights, 'yolo_pose', split, json_file, markdown)
    save_sheet_of(net, library, sheet)


@evaluate_app.command('lsp')
def lsp(
    root: Root,
    weights: Weights = SHIPPED_WEIGHTS,
    split: _Split = 'test',
    checks: Annotated[
        Path | None, typer.Option(help='NumPy file with checks of the labels; see docs/data.md.')
    ] = None,
    min_joints: _MinJoints = 10,
    multi_crop: MultiCrop = False,
    limit: Limit = None,
    json_file: JsonFile = None,
    markdown: Markdown = None,
    sheet: Sheet = None,
    device: Device = 'auto',
    workers: Workers = 0,
    quiet: Quiet = False,
) -> None:
    """PCK at 0.2 and 0.5 of the torso on Leeds Sports Pose, or on its extended training set."""
    options = {'checks': checks, 'min_joints': min_joints}
    net, library = open_split('lsp', root, split, weights, device, **options)
    scores = _scores(net, library, multi_crop, limit, workers, is_shown(quiet))
    _report(scores, weights, 'lsp', split, json_file, markdown)
    save_sheet_of(net, library, sheet)


@evaluate_app.command('jhmdb')
def jhmdb(
    root: Root,
    weights: Weights = SHIPPED_WEIGHTS,
    split: _Split = 'test',
    labels: Annotated[
        Path | None, typer.Option(help="NumPy file of joints, used instead of the data set's own.")
    ] = None,
    official_split: Annotated[int, typer.Option(help='1, 2 or 3.', min=1, max=3)] = 1,
    limit: Limit = None,
    json_file: JsonFile = None,
    markdown: Markdown = None,
    sheet: Sheet = None,
    plots: Annotated[Path | None, typer.Option(help='Folder for confusion.png.')] = None,
    device: Device = 'auto',
    workers: Workers = 0,
    quiet: Quiet = False,
) -> None:
    """PCK on J-HMDB's labelled frames, and the accuracy of the action of each film.

    A class that the network does not know counts as `other`, and is skipped if the network has
    no `other`.
    """
    options = {'labels': labels, 'official_split': official_split}
    net, library = open_split('jhmdb', root, split, weights, device, **options)
    scores = _scores(net, library, False, limit, workers, is_shown(quiet))
    _report(scores, weights, 'jhmdb', split, json_file, markdown)
    save_sheet_of(net, library, sheet)
    if net.config.actions:
        _report_actions(net, library, limit, workers, is_shown(quiet), json_file, plots)


def _report_actions(
    net: MultitaskNet,
    library: Any,
    limit: int | None,
    workers: int,
    progress: bool,
    json_file: Path | None,
    plots: Path | None,
) -> None:
    """Judge the middle clip of each film, which holds nearly all of it."""
    from pose_action_ros.core.actions import JHMDB_IN_PEOPLE, OTHER
    from pose_action_ros.data.renamed import RenamedLibrary
    from pose_action_ros.training.action_scores import evaluate_clips
    from pose_action_ros.training.film_clips import clip_views
    from pose_action_ros.training.plots import save_confusion_plot
    from pose_action_ros.training.score_tables import action_table

    actions = net.config.actions
    known = {name: action for name, action in JHMDB_IN_PEOPLE.items() if action in actions}
    films = RenamedLibrary(library, actions, known, OTHER if OTHER in actions else None)
    views = clip_views(films, net.config.clip_frames, multi=False, limit=limit)
    scores = evaluate_clips(net, films, views, limit=limit, workers=workers, progress=progress)
    path = None if json_file is None else json_file.with_suffix('.actions.json')
    named = {'single_clip': scores}
    report([action_table(named, 'jhmdb')], named, net.config.name, 'jhmdb', path, None)
    if plots is not None:
        title = f'J-HMDB, accuracy {scores.accuracy["m"]:.3f}, {scores.sequences} films'
        save_confusion_plot(scores.confusion, actions, plots / 'confusion.png', title)


def _scores(
    net: MultitaskNet,
    library: Any,
    multi_crop: bool,
    limit: int | None,
    workers: int,
    progress: bool,
) -> dict[str, Any]:
    from pose_action_ros.training.photograph_scores import evaluate_photographs

    return {
        name: evaluate_photographs(
            net, library, view, limit=limit, workers=workers, progress=progress
        )
        for name, view in crop_views(multi_crop).items()
    }


def _report(
    scores: dict[str, Any],
    weights: str,
    dataset: str,
    split: str,
    json_file: Path | None,
    markdown: Path | None,
) -> None:
    from pose_action_ros.training.score_tables import photograph_table

    table = photograph_table(scores, f'{weights} on {dataset}, {split}')
    report([table], scores, weights, dataset, json_file, markdown)
