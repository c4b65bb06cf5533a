"""`pose-action`: one command, one file per verb; heavy libraries load inside the verb."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from pose_action_ros.cli.bag import bag
from pose_action_ros.cli.bench import bench
from pose_action_ros.cli.convert_weights import convert_weights
from pose_action_ros.cli.data_candidates import data_app
from pose_action_ros.cli.doctor import doctor
from pose_action_ros.cli.evaluate_films import evaluate_app
from pose_action_ros.cli.export import export
from pose_action_ros.cli.fetch_weights import fetch_weights
from pose_action_ros.cli.predict import predict
from pose_action_ros.cli.record import record
from pose_action_ros.cli.teach import teach
from pose_action_ros.cli.train import train
from pose_action_ros.core.ending import ended_by, interrupted_by_signals
from pose_action_ros.core.errors import PoseActionError

__all__ = ['app', 'main']

_CTRL_C = 130  # the status of every verb that KeyboardInterrupt ends

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(predict)
app.command()(bag)
app.command()(teach)
app.command()(record)
app.command()(train)
app.add_typer(evaluate_app, name='evaluate')
app.add_typer(data_app, name='data')
app.command()(fetch_weights)
app.command()(convert_weights)
app.command()(export)
app.command()(bench)
app.command()(doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        try:
            release = version('pose_action_ros')
        except PackageNotFoundError:
            release = 'of a checkout'
        typer.echo(f'pose-action {release}')
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool,
        typer.Option(
            '--version', callback=_print_version, is_eager=True, help='Print the version.'
        ),
    ] = False,
) -> None:
    """2D and 3D pose and action of a person from one camera, in one pass of one network."""


def main() -> None:
    """Run the command line.

    An expected error is one line and exit status 1. A signal gives 128 and its number.
    """
    # Threads that spin while they wait cost tenfold on cores that are shared; set before torch.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    with interrupted_by_signals():
        try:
            app()
        except SystemExit as end:
            sys.exit((end.code == _CTRL_C and ended_by()) or end.code)
        except Exception as error:
            if ended_by():  # a library may turn the interruption into an error of its own
                sys.exit(ended_by())
            if isinstance(error, ImportError):
                text = f'{type(error).__name__}: {error}'
                _fail(f'{text}; `pose-action doctor` names the broken library')
            if not isinstance(error, (PoseActionError, OSError)):
                raise
            _fail(str(error))  # an OSError: such as a folder that may not be written


def _fail(message: str) -> NoReturn:
    text = escape(' '.join(message.split()))
    Console(stderr=True).print(f'[bold red]error:[/] {text}', highlight=False, soft_wrap=True)
    sys.exit(1)


if __name__ == '__main__':
    main()
