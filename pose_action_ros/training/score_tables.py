"""Scores as tables: ours above, and below them the paper's rows if a source gives figures.

Sources of the paper's rows: its supplement, Table 1 (Human3.6M); its Table 2 (MPII's test set,
where joints are not public: a bound, not the same persons); its abstract and text (NTU, Penn
Action).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pose_action_ros.data.human36m_files import H36M_ACTIONS
from pose_action_ros.training.pose_scores import MPII_GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pose_action_ros.training.action_scores import ClipScores
    from pose_action_ros.training.photograph_scores import PhotographScores
    from pose_action_ros.training.pose_scores import H36mScores, MpiiScores

__all__ = [
    'PAPER_TABLE_1',
    'ScoreTable',
    'action_table',
    'film_table',
    'h36m_tables',
    'mpii_table',
    'photograph_table',
]

PAPER_TABLE_1 = {
    'paper: Human3.6 only - SC': (
        *(64.1, 66.3, 59.4, 61.9, 64.4, 59.6, 66.1, 78.4),
        *(102.1, 67.4, 77.8, 59.3, 51.5, 69.7, 60.1, 67.3),
    ),
    'paper: Human3.6 only - MC': (
        *(61.7, 63.5, 56.1, 60.1, 60.0, 57.6, 64.6, 75.1),
        *(95.4, 63.4, 73.3, 57.0, 48.2, 66.8, 55.1, 63.8),
    ),
    'paper: Human3.6 + MPII - SC': (
        *(51.5, 53.4, 49.0, 52.5, 53.9, 50.3, 54.4, 63.6),
        *(73.5, 55.3, 61.9, 50.1, 46.0, 60.2, 51.0, 55.1),
    ),
    'paper: Human3.6 + MPII - MC': (
        *(49.2, 51.6, 47.6, 50.5, 51.8, 48.5, 51.7, 61.5),
        *(70.9, 53.7, 60.3, 48.9, 44.4, 57.9, 48.9, 53.2),
    ),
}
"""MPJPE in mm by action, in the order of `H36M_ACTIONS`, then the average."""

_HEADINGS = (
    *('Direction', 'Discuss', 'Eat', 'Greet', 'Phone', 'Posing', 'Purchase', 'Sitting'),
    *('Sit Down', 'Smoke', 'Photo', 'Wait', 'Walk', 'Walk Dog', 'Walk Pair', 'Average'),
)
_FIRST_HALF = 8
_PAPER_MPII = (
    ('paper: MPII test, PCKh@0.5', 91.2, 63.9),
    ('paper: MPII test, PCKh@0.2', 67.7, 34.9),
    ('released weights: MPII val, single crop, PCKh@0.5', 89.1, None),
)
_PAPER_ACTIONS = {
    'ntu': ('paper: cross-subject, RGB, multi-clip', 85.5),
    'penn_action': ('paper: with annotated poses', 98.6),
}
_NOTHING = '-'


class FilmShares(Protocol):
    """Scores of whole films."""

    accuracy: float
    recall: dict[str, float]
    films: int


@dataclass(frozen=True)
class ScoreTable:
    """A table of texts.

    Attributes:
        title: The title above the table.
        header: Names of the columns; the first column names the rows.
        rows: Rows as wide as the header.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_markdown(self) -> str:
        """Return the table as GitHub's Markdown."""
        lines = [self.header, ('---', *['---:'] * (len(self.header) - 1)), *self.rows]
        return '\n'.join(
            (f'**{self.title}**', '', *(f'| {" | ".join(line)} |' for line in lines), '')
        )


def h36m_tables(scores: Sequence[H36mScores]) -> list[ScoreTable]:
    """Return the paper's Table 1 in its two halves, with our rows on top.

    Args:
        scores: Single-crop, multi-crop, or both.
    """
    rows: dict[str, Sequence[float]] = {}
    for one in scores:
        kind = 'SC' if one.views == 1 else 'MC'
        values = [one.mpjpe_mm.get(name, math.nan) for name in H36M_ACTIONS]
        rows[f'ours - {kind}'] = (*values, one.mean_mpjpe_mm)
        aligned = [one.p_mpjpe_mm.get(name, math.nan) for name in H36M_ACTIONS]
        rows[f'ours - {kind}, P-MPJPE'] = (*aligned, one.mean_p_mpjpe_mm)
    rows.update(PAPER_TABLE_1)
    cells = {name: tuple(_number(value) for value in values) for name, values in rows.items()}
    title = 'Human3.6M, MPJPE in mm (SC: single-crop, MC: multi-crop)'
    return [
        ScoreTable(
            title,
            ('Methods', *_HEADINGS[part]),
            tuple((name, *values[part]) for name, values in cells.items()),
        )
        for part in (slice(None, _FIRST_HALF), slice(_FIRST_HALF, None))
    ]


def mpii_table(scores: Sequence[MpiiScores]) -> ScoreTable:
    """Return PCKh and its area by group of joints, in per cent.

    Args:
        scores: Single-crop, multi-crop, or both.
    """
    rows: list[tuple[str, ...]] = []
    for one in scores:
        kind = 'single-crop' if one.views == 1 else 'multi-crop'
        for label, values, area in (
            ('PCKh@0.5', one.pckh_50, one.auc_50),
            ('PCKh@0.2', one.pckh_20, one.auc_20),
        ):
            shares = [_percent(values[group]) for group in (*MPII_GROUPS, 'total')]
            rows.append((f'ours, {kind}, {label}', *shares, _percent(area['total'])))
            shares = [_percent(area[group]) for group in (*MPII_GROUPS, 'total')]
            rows.append((f'ours, {kind}, AUC up to {label[-3:]}', *shares, _NOTHING))
    rows += [
        (
            name,
            *[_NOTHING] * len(MPII_GROUPS),
            _number(total),
            _NOTHING if area is None else f'{area}',
        )
        for name, total, area in _PAPER_MPII
    ]
    header = ('Methods', *(group.capitalize() for group in MPII_GROUPS), 'Total', 'AUC')
    return ScoreTable('MPII, PCKh in per cent', header, tuple(rows))


def action_table(scores: Mapping[str, ClipScores], dataset: str) -> ScoreTable:
    """Return accuracies of every output, in per cent.

    Args:
        scores: Name of the row (single-clip, multi-clip) to scores.
        dataset: Its name; the paper has figures of penn_action and ntu.
    """
    outputs = list(next(iter(scores.values())).accuracy)
    rows = [
        (f'ours, {name}', *_percents(one.accuracy[output] for output in outputs))
        for name, one in scores.items()
    ]
    if dataset in _PAPER_ACTIONS:
        label, value = _PAPER_ACTIONS[dataset]
        rows.append((label, *[_NOTHING] * (len(outputs) - 1), _number(value)))
    title = f'{dataset}, action accuracy in per cent (p: pose, v: appearance, m: both)'
    return ScoreTable(title, ('Methods', *outputs), tuple(rows))


def film_table(scores: FilmShares, title: str) -> ScoreTable:
    """Return the share of right films by action, in per cent; the names are the network's own.

    Args:
        scores: Of whole films.
        title: Above the table.
    """
    rows = [(action, _percent(share)) for action, share in scores.recall.items()]
    rows.append((f'all {scores.films} films', _percent(scores.accuracy)))
    return ScoreTable(title, ('Action', 'right, per cent'), tuple(rows))


def photograph_table(scores: Mapping[str, PhotographScores], title: str) -> ScoreTable:
    """Return PCK over the torso by part of the body, in per cent.

    Args:
        scores: Name of the row (single_crop, multi_crop) to scores.
        title: Above the table.
    """
    parts = list(next(iter(scores.values())).pck_20)
    rows = [
        (f'ours, {name}, PCK@{threshold}', *_percents(values[part] for part in parts))
        for name, one in scores.items()
        for threshold, values in (('0.2', one.pck_20), ('0.5', one.pck_50))
    ]
    header = ('Methods', *(part.capitalize() for part in parts))
    return ScoreTable(f'{title}, PCK in per cent', header, tuple(rows))


def _number(value: float) -> str:
    return _NOTHING if math.isnan(value) else f'{value:.1f}'


def _percent(share: float) -> str:
    return _number(100.0 * share)


def _percents(shares: Iterable[float]) -> list[str]:
    return [_percent(share) for share in shares]
