"""The report of a lesson: scores, advice, and the command that launches the result."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pose_action_ros.core.weights import UNTRAINED
from pose_action_ros.teaching.judging import most_confused
from pose_action_ros.training.plots import save_confusion_plot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pose_action_ros.models import ModelConfig
    from pose_action_ros.teaching.judging import FilmScores
    from pose_action_ros.teaching.settings import TeachSettings
    from pose_action_ros.teaching.survey import ClassSummary

__all__ = ['launch_line', 'write_report']

_PARTS = {'val': 'held-out films', 'test': 'test films'}
_LISTED = 30


def launch_line(weights: Path) -> str:
    """Return the command that launches the node with these weights."""
    return (
        'ros2 launch pose_action_ros pose_action.launch.py image:=/camera/image_raw '
        f'weights:={weights.resolve()}'
    )


def write_report(
    output: Path,
    weights: Path,
    config: ModelConfig,
    table: Sequence[ClassSummary],
    scores: Mapping[str, FilmScores],
    hints: Sequence[str],
    minutes: Mapping[str, float],
    settings: TeachSettings,
    earlier_data: Sequence[str],
) -> Path:
    """Write report.md, report.json and the confusion matrices; return the first.

    Args:
        output: The folder.
        weights: The weights file.
        config: Of the network.
        table: A summary of each class.
        scores: By part.
        hints: Ways to improve the result.
        minutes: Duration by stage.
        settings: The settings of the lesson.
        earlier_data: Names of the training data of `settings.weights`.
    """
    for part, one in scores.items():
        picture = 'confusion.png' if part == 'val' else f'confusion_{part}.png'
        title = f'{_PARTS[part]}: {round(one.accuracy * one.films)} of {one.films} right'
        save_confusion_plot(one.confusion, config.actions, output / picture, title)
    mapping: dict[str, Any] = {
        'weights': str(weights),
        'actions': list(config.actions),
        'scores': {part: one.to_mapping() for part, one in scores.items()},
        'classes': [asdict(row) for row in table],
        'advice': list(hints),
        'minutes': {stage: round(value, 2) for stage, value in minutes.items()},
        'settings': asdict(settings),
        'training_data_of_weights': list(earlier_data),
    }
    text = json.dumps(_without_nan(mapping), indent=2, allow_nan=False)
    (output / 'report.json').write_text(text + '\n', encoding='utf-8')
    path = output / 'report.md'
    lines = [
        f'# {config.name}',
        *_how_good(scores, config.actions),
        *_what_was_known(settings.weights, earlier_data),
        *_what_to_mend(hints),
        *_what_was_there(table),
        '## Launch it',
        f'```\n{launch_line(weights)}\npose-action predict FILM --weights {weights}\n```',
        '## Time',
        ', '.join(f'{stage} {value:.1f} min' for stage, value in minutes.items()) + '.',
    ]
    path.write_text('\n\n'.join(lines) + '\n', encoding='utf-8')
    return path


def _how_good(scores: Mapping[str, FilmScores], actions: Sequence[str]) -> list[str]:
    lines = ['## How good it is']
    for part, one in scores.items():
        low, high = (100 * value for value in one.interval)
        lines.append(
            f'**{100 * one.accuracy:.0f} %** of {one.films} {_PARTS[part]} are right, each judged '
            f'over its whole length. Guessing gives {100 / len(actions):.0f} %. The 95 % '
            f'confidence interval is {low:.0f} to {high:.0f} %. None of these films was used in '
            'this training.'
        )
        rows = [f'| {action} | {100 * share:.0f} % |' for action, share in one.recall.items()]
        lines.append('\n'.join(['| action | right |', '|---|---:|', *rows]))
        pairs = most_confused(one.confusion, actions)
        if pairs:
            lines.append(
                'Most frequent mistakes (true action, predicted action, number of films):'
            )
            lines.append('\n'.join(f'* {true} as {taken}: {n}' for true, taken, n in pairs))
        if one.unseen:
            lines.append(f'Nobody is found in {_listed(one.unseen)}.')
        if one.wrong:
            named = [f'{name} as {taken}' for name, taken in one.wrong.items()]
            lines.append(f'Misjudged: {_listed(named)}.')
    return lines


def _what_was_known(weights: str, earlier_data: Sequence[str]) -> list[str]:
    """The limit of the scores: films that the initial weights may have been trained on."""
    if weights.startswith(UNTRAINED):
        return []
    source = f'This training started from `{weights}`, which was trained on '
    if earlier_data:
        return [
            f'{source}{", ".join(earlier_data)}. If films of these data are among the films '
            'above, the score can be too high.'
        ]
    return [
        f'{source}data that its file does not name. If some of the films above are among '
        'them, the score can be too high.'
    ]


def _what_to_mend(hints: Sequence[str]) -> list[str]:
    if not hints:
        return []
    return ['## What would make it better', '\n'.join(f'* {text}' for text in hints)]


def _what_was_there(table: Sequence[ClassSummary]) -> list[str]:
    rows = [
        f'| {row.action} | {row.films["train"]} | {row.films["val"]} | {row.films["test"]} | '
        f'{row.length} | {row.rate} | {100 * row.seen:.0f} % |'
        for row in table
    ]
    head = [
        '| class | learned | held out | test | seconds | Hz | frames with a person |',
        '|---|---:|---:|---:|---:|---:|---:|',
    ]
    return ['## The films', '\n'.join([*head, *rows])]


def _listed(names: Sequence[str]) -> str:
    more = f' and {len(names) - _LISTED} more' if len(names) > _LISTED else ''
    return ', '.join(names[:_LISTED]) + more


def _without_nan(value: Any) -> Any:
    """Replace NaN by None, which JSON can hold."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
