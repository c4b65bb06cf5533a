"""`pose-action teach`: learns the actions of a folder of films."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from pose_action_ros.core.console import ERRORS, RESULTS
from pose_action_ros.core.weights import SHIPPED_WEIGHTS

__all__ = ['teach']


def teach(
    folder: Annotated[
        Path, typer.Argument(help='Sub-folders are classes and hold films; see docs/teaching.md.')
    ],
    name: Annotated[str, typer.Option(help="Name of the result; the folder's by default.")] = '',
    output: Annotated[
        Path | None, typer.Option(help='Folder of the result; taught/NAME by default.')
    ] = None,
    weights: Annotated[
        str, typer.Option(help='Weights whose pose network is used unchanged.')
    ] = SHIPPED_WEIGHTS,
    finder: Annotated[
        str,
        typer.Option(help='Weights of the finder, if the node will use one; empty: one person.'),
    ] = '',
    left_right_matters: Annotated[
        bool,
        typer.Option(
            '--left-right-matters',
            help='Do not train on mirrored films: left and right hand mean different actions.',
        ),
    ] = False,
    clip_seconds: Annotated[
        float,
        typer.Option(help='Seconds that a clip covers; 0: those of the network (1 s).', min=0),
    ] = 0.0,
    epochs: Annotated[int | None, typer.Option(help='Epochs of training.', min=1)] = None,
    seed: Annotated[int, typer.Option(help='Seed of weights and clips.', min=0)] = 1,
    features: Annotated[
        Path | None,
        typer.Option(help='Folder of the features of the films; several lessons may share it.'),
    ] = None,
    picture_rate: Annotated[
        float, typer.Option(help='Rate of folders of pictures, Hz.', min=0.1)
    ] = 30.0,
    device: Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:N.')] = 'auto',
    threads: Annotated[int, typer.Option(help='CPU threads; 0: all cores.', min=0)] = 0,
    quiet: Annotated[bool, typer.Option('--quiet', help='No progress bars.')] = False,
) -> None:
    """Teach a network the actions of a folder of films.

    The films are checked and processed, the action branches are trained on four fifths of them,
    and the rest measures the result. If interrupted, the same command continues.
    """
    # Threads that spin while they wait cost tenfold on cores that are shared; set before torch.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    from pose_action_ros.cli.train import exit_code, start_logging
    from pose_action_ros.teaching.lesson import Lesson
    from pose_action_ros.teaching.report import launch_line
    from pose_action_ros.teaching.settings import TeachSettings

    start_logging()  # after Lightning is loaded, which sets its own level
    given = {} if epochs is None else {'epochs': epochs}
    settings = TeachSettings(
        weights=weights,
        finder=finder,
        left_right_matters=left_right_matters,
        clip_seconds=clip_seconds,
        seed=seed,
        picture_rate=picture_rate,
        device=device,
        threads=threads,
        **given,
    )
    name = name or folder.resolve().name
    lesson = Lesson(
        folder,
        output or Path('taught') / name,
        name,
        settings,
        features=features,
        progress=not quiet and ERRORS.is_terminal,
        say=_say,
    )
    try:
        outcome = lesson.run()
    except (KeyboardInterrupt, SystemExit) as stop:
        code = exit_code(stop)
        _say('stopped; the same command continues from here')
        raise typer.Exit(code) from None
    for part, scores in outcome.scores.items():
        films = {'val': 'held-out films', 'test': 'test films'}[part]
        _say(f'{100 * scores.accuracy:.0f} % of {scores.films} {films} are right')
    _say(f'report: {outcome.report}')
    _say(f'weights: {outcome.weights}')
    _say(f'launch it: {launch_line(outcome.weights)}')


def _say(text: str) -> None:
    RESULTS.print(text, soft_wrap=True)
