"""`pose-action`: one command, one file per verb; heavy libraries load inside the verb."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from pose_action_ros.core.errors import PoseActionError

__all__ = ['app', 'main']

app = typer.Typer(
    help="A person's 2D/3D pose and action from one camera, out of one network pass.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; an expected error is one line and exit status 1."""
    try:
        app()
    except PoseActionError as error:
        Console(stderr=True).print(f'[bold red]error:[/] {error}', highlight=False)
        sys.exit(1)
