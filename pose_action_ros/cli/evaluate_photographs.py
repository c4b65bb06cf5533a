"""`pose-action evaluate {coco,yolo_pose,lsp}`: poses of people in photographs."""

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
    Weights,
    Workers,
    crop_views,
    is_shown,
    open_split,
    report,
)

if TYPE_CHECKING:
    from pose_action_ros.models import MultitaskNet

__all__ = ['evaluate_app']

_Split = Annotated[str, typer.Option(help='train, val or test.')]
_SplitFile = Annotated[
    Path | None, typer.Option(help='JSON lists `train` and `test` of images; see docs/data.md.')
]
_MinJoints = Annotated[int, typer.Option(help='Fewest annotated body joints of 12.', min=1)]
_MinHeight = Annotated[float, typer.Option(help="Smallest height of a person's box.", min=0)]


@evaluate_app.command('coco')
def coco(
    root: Root,
    weights: Weights = 'demo',
    split: _Split = 'test',
    split_file: _SplitFile = None,
    annotations: Annotated[
        Path | None, typer.Option(help='A JSON file below ROOT to read instead.')
    ] = None,
    min_joints: _MinJoints = 12,
    min_height: _MinHeight = 160.0,
    multi_crop: MultiCrop = False,
    limit: Limit = None,
    json_file: JsonFile = None,
    markdown: Markdown = None,
    device: Device = 'cpu',
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


@evaluate_app.command('yolo_pose')
def yolo_pose(
    root: Root,
    weights: Weights = 'demo',
    split: _Split = 'test',
    split_file: _SplitFile = None,
    min_joints: _MinJoints = 12,
    min_height: _MinHeight = 160.0,
    multi_crop: MultiCrop = False,
    limit: Limit = None,
    json_file: JsonFile = None,
    markdown: Markdown = None,
    device: Device = 'cpu',
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


@evaluate_app.command('lsp')
def lsp(
    root: Root,
    weights: Weights = 'demo',
    split: _Split = 'test',
    checks: Annotated[
        Path | None, typer.Option(help='NumPy file of checks of the labels; see docs/data.md.')
    ] = None,
    min_joints: _MinJoints = 10,
    multi_crop: MultiCrop = False,
    limit: Limit = None,
    json_file: JsonFile = None,
    markdown: Markdown = None,
    device: Device = 'cpu',
    workers: Workers = 0,
    quiet: Quiet = False,
) -> None:
    """PCK at 0.2 and 0.5 of the torso on Leeds Sports Pose, or on its extended training set."""
    options = {'checks': checks, 'min_joints': min_joints}
    net, library = open_split('lsp', root, split, weights, device, **options)
    scores = _scores(net, library, multi_crop, limit, workers, is_shown(quiet))
    _report(scores, weights, 'lsp', split, json_file, markdown)


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
