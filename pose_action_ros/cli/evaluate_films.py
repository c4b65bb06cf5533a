"""`pose-action evaluate {folder,clips}`: actions of your own films, and of any data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pose_action_ros.cli.data import parsed_options
from pose_action_ros.cli.evaluate_datasets import (
    Device,
    JsonFile,
    Limit,
    Markdown,
    Quiet,
    Root,
    Weights,
    Workers,
    is_shown,
    open_split,
    report,
    report_clips,
    score_clips,
)
from pose_action_ros.cli.evaluate_finding import evaluate_app
from pose_action_ros.core.weights import SHIPPED_WEIGHTS

__all__ = ['evaluate_app']

_Plots = Annotated[Path | None, typer.Option(help='Folder for confusion.png.')]
_Split = Annotated[str, typer.Option(help='train, val or test.')]


@evaluate_app.command('folder')
def folder(
    root: Root,
    weights: Weights = SHIPPED_WEIGHTS,
    split: Annotated[
        str, typer.Option(help='train, val or test; all: every film, for a folder of other films.')
    ] = 'val',
    finder: Annotated[
        str,
        typer.Option(help='Weights of the finder, if the node will use one; empty: one person.'),
    ] = '',
    features: Annotated[
        Path | None, typer.Option(help='Folder of the features of the films.')
    ] = None,
    picture_rate: Annotated[float, typer.Option(help='Rate of folders of pictures, Hz.')] = 30.0,
    json_file: JsonFile = None,
    plots: _Plots = None,
    device: Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:N.')] = 'auto',
    quiet: Quiet = False,
) -> None:
    """Accuracy on a folder of films, each processed as by the node and judged as a whole."""
    from pose_action_ros.core.errors import ConfigError
    from pose_action_ros.data.film_folder import read_film_folder
    from pose_action_ros.models import open_model
    from pose_action_ros.teaching.judging import judge_folder
    from pose_action_ros.training.plots import save_confusion_plot
    from pose_action_ros.training.score_tables import film_table

    net = open_model(weights)
    films = read_film_folder(root, picture_rate_hz=picture_rate)
    if unknown := sorted(set(films.actions) - set(net.config.actions)):
        raise ConfigError(
            f'{weights} does not know {", ".join(unknown)}, which are sub-folders of {root}; it '
            f'knows {", ".join(net.config.actions) or "no actions"}'
        )
    scores = judge_folder(
        net, films, split, features, device=device, finder=finder, progress=is_shown(quiet)
    )
    report(
        [film_table(scores, f'{root}, {split}')],
        {split: scores},
        weights,
        'folder',
        json_file,
        None,
    )
    if plots is not None:
        title = f'{root.name}, {split}, accuracy {scores.accuracy:.3f}, {scores.films} films'
        save_confusion_plot(scores.confusion, net.config.actions, plots / 'confusion.png', title)


@evaluate_app.command('clips')
def clips(
    name: Annotated[str, typer.Argument(help='A data set with actions, also one of a package.')],
    root: Root,
    weights: Weights = SHIPPED_WEIGHTS,
    split: _Split = 'test',
    multi_clip: Annotated[
        bool,
        typer.Option(
            '--multi-clip', help='Also use clips along the whole film, and their mirror images.'
        ),
    ] = False,
    option: Annotated[
        list[str] | None, typer.Option(help='KEY=VALUE: an option of the data set; repeatable.')
    ] = None,
    limit: Limit = None,
    json_file: JsonFile = None,
    markdown: Markdown = None,
    plots: _Plots = None,
    device: Device = 'auto',
    workers: Workers = 0,
    quiet: Quiet = False,
) -> None:
    """Action accuracy of every output on clips in the annotated windows of any data set."""
    net, library = open_split(name, root, split, weights, device, **parsed_options(option))
    scores = score_clips(net, library, 'annotated', limit, workers, quiet, multi=multi_clip)
    report_clips(scores, library, weights, json_file, markdown, plots)
