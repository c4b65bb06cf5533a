"""A summary of a folder of films, and advice before training begins."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pose_action_ros.data.film_folder import FilmFolder, FolderFilm
    from pose_action_ros.teaching.film_features import FilmFeatures

__all__ = ['OTHERS', 'ClassSummary', 'advice', 'check_folder', 'summaries']

OTHERS = ('other', 'others', 'nothing', 'none', 'background')
"""Names of a class for everything else."""

_FEW, _UNEVEN = 10, 5.0
_SEEN = 0.5  # below this share of frames with a person, a film is named in the advice
_LISTED = 5


@dataclass(frozen=True)
class ClassSummary:
    """One class of a folder.

    Attributes:
        action: Its name.
        films: Number of films by part: train, val, test.
        seconds: Shortest and longest film.
        rate_hz: Lowest and highest rate.
        seen: Mean share of frames in which a person is found.
        unseen: Number of films in which nobody is found.
    """

    action: str
    films: dict[str, int]
    seconds: tuple[float, float]
    rate_hz: tuple[float, float]
    seen: float
    unseen: int

    @property
    def length(self) -> str:
        """Seconds of its films, for people."""
        return _span(*(f'{value:.1f}' for value in self.seconds))

    @property
    def rate(self) -> str:
        """Hz of its films, for people."""
        return _span(*(f'{value:.0f}' for value in self.rate_hz))


def check_folder(folder: FilmFolder) -> None:
    """Check that a network can be taught with a folder.

    Raises:
        DatasetError: There is one class, or a class has no training film or no held-out one.
    """
    if len(folder.actions) < 2:
        raise DatasetError(
            f'{folder.root} has one class, {folder.actions[0]}; expected two or more sub-folders '
            'with films. A class `other` of everything else makes a second one'
        )
    faults = []
    for action in folder.actions:
        parts = {film.part for film in folder.films if film.action == action}
        count = sum(film.action == action for film in folder.films)
        missing = [name for name in ('train', 'val') if name not in parts]
        if missing == ['val'] and 'test' in parts:
            missing = []
        if missing:
            what = {'train': 'none for training', 'val': 'none held out'}[missing[0]]
            faults.append(f'films of {action}: {count}, {what}')
    if faults:
        raise DatasetError(
            f'{"; ".join(faults)}. Give every class two films or more, from two groups if '
            'split.csv has groups'
        )


def summaries(folder: FilmFolder, seen: Mapping[str, FilmFeatures]) -> list[ClassSummary]:
    """Return a summary of each class.

    Args:
        folder: The films.
        seen: Features by name of the film; damaged films are absent.
    """
    found = []
    for action in folder.actions:
        mine = [film for film in folder.films if film.action == action and film.name in seen]
        views = [seen[film.name] for film in mine]
        seconds = [view.last_s for view in views]
        rates = [view.rate_hz for view in views if math.isfinite(view.rate_hz)]
        found.append(
            ClassSummary(
                action=action,
                films={p: sum(f.part == p for f in mine) for p in ('train', 'val', 'test')},
                seconds=(min(seconds, default=math.nan), max(seconds, default=math.nan)),
                rate_hz=(min(rates, default=math.nan), max(rates, default=math.nan)),
                seen=float(np.mean([view.seen for view in views])) if views else 0.0,
                unseen=sum(not len(view) for view in views),
            )
        )
    return found


def advice(
    folder: FilmFolder,
    seen: Mapping[str, FilmFeatures],
    *,
    clip_s: float,
    period_s: float,
    left_right_matters: bool,
) -> list[str]:
    """Return ways to improve the result, a sentence or two each.

    Args:
        folder: The films.
        seen: As in `summaries`.
        clip_s: Seconds that a clip covers.
        period_s: Seconds between its frames.
        left_right_matters: Training uses no mirrored films.
    """
    lines = _about_classes(folder, left_right_matters)
    lines += _about_films(folder, seen, clip_s, period_s)
    if twins := _twins(folder.films):
        lines.append(
            f'The folder has copies: {_listed(twins)}. If one of the two is held out, the '
            'measured accuracy is too high.'
        )
    return lines


def _about_classes(folder: FilmFolder, left_right_matters: bool) -> list[str]:
    lines = []
    names = {action.lower() for action in folder.actions}
    if not names & set(OTHERS):
        lines.append(
            'There is no class `other`. Without it every movement gets one of the '
            f'{len(names)} labels, also standing still or walking by. Film ordinary movement '
            'for a sub-folder `other`: about as many films as all other classes have together.'
        )
    sided = sorted(
        n
        for n in names
        if {'left', 'right'} & set(n.replace('-', '_').split('_'))
        or n.startswith(('left ', 'right '))
        or n.endswith((' left', ' right'))
    )
    if sided and not left_right_matters:
        lines.append(
            f'The names {_listed(sided)} distinguish left and right, but training also uses '
            'mirrored films. Add --left-right-matters.'
        )
    counts = {a: sum(film.action == a for film in folder.films) for a in folder.actions}
    few = [f'{action} ({count})' for action, count in counts.items() if count < _FEW]
    if few:
        lines.append(
            f'Fewer than {_FEW} films: {_listed(few)}. More films help most, especially of other '
            'people, clothes and places.'
        )
    rarest, most = min(counts.values()), max(counts.values())
    if most > _UNEVEN * rarest:
        lines.append(
            f'The classes have {rarest} to {most} films. Training draws all classes equally '
            'often, so films of the small classes repeat.'
        )
    return lines


def _about_films(
    folder: FilmFolder, seen: Mapping[str, FilmFeatures], clip_s: float, period_s: float
) -> list[str]:
    lines = []
    films = [(film.name, seen[film.name]) for film in folder.films if film.name in seen]
    nobody = [name for name, view in films if not len(view)]
    hardly = [name for name, view in films if len(view) and view.seen < _SEEN]
    short = [name for name, view in films if view.last_s < clip_s - period_s / 2]
    slow = [name for name, view in films if view.rate_hz * period_s < 0.8]
    if nobody:
        lines.append(
            f'Nobody is found in {_listed(nobody)}. Such films are not used. The person should '
            'be visible from head to knees and fill at least a third of the '
            'image height. Otherwise give boxes.csv.'
        )
    if hardly:
        lines.append(f'The person is found in fewer than half of the frames of {_listed(hardly)}.')
    if short:
        lines.append(
            f'Shorter than a clip of {clip_s:.1f} s: {_listed(short)}. The first frame fills the '
            'beginning.'
        )
    if slow:
        lines.append(
            f'Fewer frames than the {1 / period_s:.0f} Hz of a clip: {_listed(slow)}. Frames '
            'repeat.'
        )
    return lines


def _twins(films: Iterable[FolderFilm]) -> list[str]:
    """Names of films whose file is a copy of another."""
    sizes: dict[int, list[FolderFilm]] = {}
    for film in films:
        if film.path.is_file():
            sizes.setdefault(film.path.stat().st_size, []).append(film)
    twins = []
    for alike in (found for found in sizes.values() if len(found) > 1):
        first: dict[bytes, str] = {}
        for film in alike:
            digest = hashlib.sha256(film.path.read_bytes()).digest()
            if digest in first:
                twins.append(f'{film.name} = {first[digest]}')
            first.setdefault(digest, film.name)
    return twins


def _span(low: str, high: str) -> str:
    return low if low == high else f'{low} to {high}'


def _listed(names: Sequence[str]) -> str:
    more = f' and {len(names) - _LISTED} more' if len(names) > _LISTED else ''
    return ', '.join(names[:_LISTED]) + more
