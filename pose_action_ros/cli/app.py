"""The verbs of `pose-action`, one file per verb; heavy libraries load inside the verb."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

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

__all__ = ['app']

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
