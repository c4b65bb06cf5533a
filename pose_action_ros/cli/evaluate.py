"""`pose-action evaluate`: measures weights, with one subcommand per data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pose_action_ros.cli.options import Sheet, Weights
from pose_action_ros.core.console import ERRORS, RESULTS
from pose_action_ros.core.weights import SHIPPED_WEIGHTS

if TYPE_CHECKING:
    from pose_action_ros.training.evaluation import Scores

__all__ = ['evaluate_app']

evaluate_app = typer.Typer(help='Measure weights on a data set.', no_args_is_help=True)


@evaluate_app.callback()
def _evaluate() -> None:
    """Measure weights on a data set."""


@evaluate_app.command('simulated')
def simulated(
    weights: Weights = SHIPPED_WEIGHTS,
    json_file: Annotated[Path | None, typer.Option('--json', help='File for the scores.')] = None,
    split: Annotated[str, typer.Option(help='train, val or test.')] = 'test',
    poses: Annotated[int, typer.Option(help='Number of single images.', min=1)] = 600,
    clips: Annotated[int, typer.Option(help='Number of clips.', min=1)] = 300,
    plots: Annotated[Path | None, typer.Option(help='Folder for confusion.png.')] = None,
    sheet: Sheet = None,
    device: Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:N.')] = 'auto',
    workers: Annotated[int, typer.Option(help='Number of processes that render.', min=0)] = 1,
    quiet: Annotated[bool, typer.Option('--quiet', help='No progress bars.')] = False,
) -> None:
    """Measure weights on the simulated actor, whose test set never occurs in training."""
    from pose_action_ros.models import open_model
    from pose_action_ros.runtime.engine import choose_device
    from pose_action_ros.training.evaluation import evaluate_simulated

    net = open_model(weights).to(choose_device(device))
    scores = evaluate_simulated(
        net,
        split=split,
        poses=poses,
        clips=clips,
        workers=workers,
        progress=not quiet and ERRORS.is_terminal,
    )
    _print_scores(scores, f'{weights} on the simulated {split} set')
    if json_file is not None:
        result = {'weights': weights, 'split': split, **scores.to_mapping()}
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(result, indent=2) + '\n', encoding='utf-8')
    if plots is not None:
        from pose_action_ros.training.plots import save_confusion_plot

        title = f'action accuracy {scores.action_accuracy:.3f}, {scores.clips} clips'
        path = plots / 'confusion.png'
        save_confusion_plot(scores.confusion, net.config.actions, path, title)
    if sheet is not None:
        from pose_action_ros.data.simulated import SimulatedPoses
        from pose_action_ros.training.pose_sheet import save_pose_sheet

        save_pose_sheet(net, SimulatedPoses(split, poses), sheet)


def _print_scores(scores: Scores, title: str) -> None:
    table = Table('score', 'network', 'baseline', title=title)
    rows = [
        ('MPJPE, root-relative (mm)', scores.mpjpe_mm, scores.baseline_mpjpe_mm, '.1f'),
        ('P-MPJPE (mm)', scores.p_mpjpe_mm, None, '.1f'),
        ('pixel error', scores.pixel_error, None, '.2f'),
        ('PCK, torso 0.1', scores.pck_torso_10, None, '.3f'),
        ('person or empty window (AUC)', scores.presence_auc, 0.5, '.3f'),
        ('confidence, person, 5th percentile', scores.confidence_person_p5, None, '.2f'),
        ('confidence, empty window, 95th percentile', scores.confidence_empty_p95, None, '.2f'),
        ('action accuracy', scores.action_accuracy, scores.baseline_accuracy, '.3f'),
    ]
    for name, value, baseline, form in rows:
        table.add_row(name, f'{value:{form}}', '' if baseline is None else f'{baseline:{form}}')
    for action, recall in scores.recall.items():
        table.add_row(f'  {action}', f'{recall:.2f}', '')
    RESULTS.print(table)
