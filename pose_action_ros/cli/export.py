"""`pose-action export`: the network as files for other runtimes, checked against PyTorch."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from pose_action_ros.cli.options import Weights
from pose_action_ros.core.console import ERRORS, RESULTS
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.weights import SHIPPED_WEIGHTS

__all__ = ['export']


def export(
    file_format: Annotated[str, typer.Argument(metavar='FORMAT', help='onnx or openvino.')],
    folder: Annotated[Path, typer.Argument(metavar='OUT_FOLDER', help='A new or empty folder.')],
    weights: Weights = SHIPPED_WEIGHTS,
    quiet: Annotated[bool, typer.Option('--quiet', help='No progress.')] = False,
) -> None:
    """Write backbone and action heads as ONNX or OpenVINO files, and check them."""
    from pose_action_ros.export.check import choose_runtime
    from pose_action_ros.export.writer import check_format, export_network
    from pose_action_ros.inference.settings import TrackSettings
    from pose_action_ros.models import open_model

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f'{folder} exists and is not an empty folder; give a new one')
    check_format(file_format)
    choose_runtime(file_format)
    net = open_model(weights)
    with nullcontext() if quiet else ERRORS.status(f'writing {net.config.name} and checking it'):
        try:
            enlarge = TrackSettings().enlarge
            lines = export_network(net, file_format, folder.absolute(), enlarge)
        except OSError as error:
            raise ConfigError(f'cannot write {folder}: {error}') from error
    files = ', '.join(sorted(path.name for path in folder.iterdir()))
    for line in (*lines, f'{folder}: {net.config.name}: {files}'):
        RESULTS.print(line, soft_wrap=True)
