"""`pose-action train`: one run, from a YAML file to a weights file."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pose_action_ros.core.console import ERRORS, RESULTS

if TYPE_CHECKING:
    from rich.console import Console

    from pose_action_ros.training.config import FinderTrainConfig, TrainConfig

__all__ = ['exit_code', 'start_logging', 'train']

_RANKS = ('LOCAL_RANK', 'NODE_RANK', 'RANK', 'SLURM_PROCID')
_INTERRUPTED = 130  # the status of shells after Ctrl-C


def train(
    config: Annotated[
        Path | None, typer.Argument(help='File of settings, such as config/train/demo.yaml.')
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            '--set', help='section.key=value: replaces a setting of the file; repeatable.'
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help='Folder of the run.')] = None,
    resume: Annotated[
        bool, typer.Option('--resume', help='Continue the run in that folder.')
    ] = False,
    settings: Annotated[
        bool,
        typer.Option('--settings', help='Print every setting with its description, and exit.'),
    ] = False,
    quiet: Annotated[bool, typer.Option('--quiet', help='No progress bars.')] = False,
) -> None:
    """Train a network: pose, then action, then both together; or the finder (`task: finder`)."""
    # Threads that spin while they wait cost tenfold on cores that are shared; set before torch.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    from pose_action_ros.core.errors import ConfigError
    from pose_action_ros.training.config_file import config_from_mapping, load_config

    if config is None and not settings:
        raise ConfigError(
            'the file of settings is missing; give one, such as config/train/demo.yaml'
        )
    changes = list(changes or ())
    if output is not None:
        changes.append(f'output={output}')
    chosen = load_config(config, changes) if config else config_from_mapping({})
    if settings:
        _print_settings(chosen)
        return
    try:
        weights = _trained(chosen, resume=resume, quiet=quiet)
    except (KeyboardInterrupt, SystemExit) as stop:
        code = exit_code(stop)
        _print_first(
            ERRORS,
            'stopped; the same command with --resume continues after the last complete epoch in '
            f'{chosen.output}',
        )
        raise typer.Exit(code) from None
    _print_first(RESULTS, f'weights: {weights}')


def exit_code(stop: BaseException) -> int:
    """Return the exit code of training that a signal has stopped; another exit is raised."""
    if isinstance(stop, KeyboardInterrupt):
        return _INTERRUPTED
    from pose_action_ros.training.trainers import TERMINATED

    if isinstance(stop, SystemExit) and stop.code == TERMINATED:
        return TERMINATED
    raise stop


def _trained(settings: TrainConfig | FinderTrainConfig, *, resume: bool, quiet: bool) -> Path:
    from pose_action_ros.training.config import FinderTrainConfig
    from pose_action_ros.training.finder_run import train_finder
    from pose_action_ros.training.run import train as train_network

    start_logging()
    progress = not quiet and ERRORS.is_terminal
    if isinstance(settings, FinderTrainConfig):
        return train_finder(settings, resume=resume, progress=progress)
    return train_network(settings, resume=resume, progress=progress)


def _print_first(console: Console, text: str) -> None:
    """Print a line in the first of several processes."""
    if all(os.environ.get(name, '0') == '0' for name in _RANKS):
        console.print(text, soft_wrap=True)


def _print_settings(config: object) -> None:
    from pose_action_ros.training.config_file import settings_table

    table = Table('setting', 'value', 'meaning')
    for key, value, text in settings_table(config):
        table.add_row(key, str(value), text)
    RESULTS.print(table)


def start_logging() -> None:
    """Log our own lines with the time, and of Lightning warnings alone."""
    handler = _PresentStderr()
    handler.setFormatter(logging.Formatter('%(asctime)s %(message)s', '%H:%M:%S'))
    logger = logging.getLogger('pose_action_ros')
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    for name in ('lightning.pytorch', 'lightning.fabric'):
        logging.getLogger(name).setLevel(logging.WARNING)


class _PresentStderr(logging.StreamHandler):
    """Writes to the present `sys.stderr`, which a progress bar replaces to keep lines above it."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)
