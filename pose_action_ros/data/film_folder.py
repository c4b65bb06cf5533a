"""A folder of films whose sub-folders are classes: its films, and their split into parts.

FOLDER/CLASS/FILM.mp4       a film, or a folder of pictures in the order of their names
FOLDER/split.csv            optional: film,split,group; split is train, val, test or empty
FOLDER/boxes.csv            optional: film,frame,x1,y1,x2,y2 in pixels, frames from 0
FOLDER/joints.npz           optional: joints, see `data.film_labels`

Without a split, a fifth of the films of each class is held out. Films of one `group`, such as
those of one person or one source, stay together.
"""

from __future__ import annotations

import csv
import hashlib
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import DatasetError, ImageError
from pose_action_ros.core.paths import visible_files
from pose_action_ros.data.files import read_picture, require_folder
from pose_action_ros.data.photographs import LARGEST_PX
from pose_action_ros.data.recorded import skipped_lines
from pose_action_ros.data.windows import corner_box
from pose_action_ros.geometry.film import Film

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Boxes = dict[str, dict[int, tuple[float, float, float, float]]]

__all__ = [
    'FILM_ENDINGS',
    'PARTS',
    'FilmFolder',
    'FolderFilm',
    'read_boxes',
    'read_film_folder',
]

FILM_ENDINGS = frozenset(
    {'.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.ogv', '.webm', '.wmv'}
)
"""Endings of film files."""

PARTS = ('train', 'val', 'test')
"""The parts of a folder: training, validation, and the final score."""

_PICTURE_ENDINGS = frozenset({'.bmp', '.jpeg', '.jpg', '.png', '.webp'})
_HELD_OUT = 0.2
_SEED = 1


@dataclass(frozen=True)
class FolderFilm:
    """One film of a folder.

    Attributes:
        name: CLASS/FILE.
        action: Its class.
        path: A film, or a folder of pictures.
        part: One of `PARTS`; empty until it is chosen.
        group: Films of one group are never in different parts; its own name by default.
        picture_rate_hz: Rate of a folder of pictures.
    """

    name: str
    action: str
    path: Path
    part: str
    group: str
    picture_rate_hz: float = 30.0

    def frames(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """Yield time in seconds from the start and image, (H, W, 3) uint8 RGB, of each frame.

        Raises:
            DatasetError: The film or a picture is missing or damaged.
        """
        if self.path.is_dir():
            for number, path in enumerate(_pictures(self.path)):
                yield number / self.picture_rate_hz, read_picture(path)
            return
        yield from self._film()

    def times(self) -> NDArray[np.float64]:
        """Return the times of all frames, (F,) seconds; raises as above."""
        if self.path.is_dir():
            return np.arange(len(_pictures(self.path))) / self.picture_rate_hz
        return self._film().times()

    def _film(self) -> Film:
        try:
            return Film(self.path)
        except ImageError as error:
            raise DatasetError(str(error)) from error


@dataclass(frozen=True)
class FilmFolder:
    """The content of a folder.

    Attributes:
        root: The folder.
        actions: Its classes, by name.
        films: All films, each with its part.
        skipped: Files that are not films, folders that can't be read, and names without a film,
            with the reason.
        boxes: x1, y1, x2, y2 in pixels by film and frame.
    """

    root: Path
    actions: tuple[str, ...]
    films: tuple[FolderFilm, ...]
    skipped: dict[str, str] = field(default_factory=dict)
    boxes: Boxes = field(default_factory=dict)

    def part(self, name: str) -> tuple[FolderFilm, ...]:
        """Return the films of a part."""
        return tuple(film for film in self.films if film.part == name)

    def note_missing(self, names: Iterable[str], file: str) -> None:
        """Add those names of a file to `skipped` that are no film here."""
        there = {film.name for film in self.films} | set(self.skipped)
        self.skipped.update(
            (name, f'{file} names it, it is missing') for name in names if name not in there
        )


def read_film_folder(
    root: Path, *, picture_rate_hz: float = 30.0, boxes: Path | None = None
) -> FilmFolder:
    """List the films of a folder.

    Args:
        root: The folder.
        picture_rate_hz: Rate of folders of pictures.
        boxes: CSV file of boxes; by default the folder's boxes.csv, if there is one.

    Raises:
        DatasetError: There is no such folder, it has no film, or a CSV file is damaged.
    """
    require_folder(root, 'a folder whose sub-folders are classes of films')
    paths, skipped = _candidates(root)
    rows = _split_rows(root / 'split.csv')
    films = []
    for name, path in paths.items():
        if rows and name not in rows:
            skipped[name] = 'split.csv does not name it'
            continue
        part, group = rows.get(name, ('', ''))
        action = path.parent.name
        films.append(FolderFilm(name, action, path, part, group or name, picture_rate_hz))
    if paths and not films:
        raise DatasetError(
            f'{root}: split.csv names none of its {len(paths)} films; found '
            f'{next(iter(rows))!r}, expected CLASS/FILE such as {next(iter(paths))!r}'
        )
    if not films:
        reasons = ''.join(f'; {text}' for text in skipped_lines(skipped))
        raise DatasetError(
            f'{root} has no films; expected sub-folders, one per class, with films '
            f'({", ".join(sorted(FILM_ENDINGS))}) or folders of pictures{reasons}'
        )
    actions = tuple(sorted({film.action for film in films}))
    path = boxes or root / 'boxes.csv'
    known = read_boxes(path) if boxes or path.exists() else {}
    folder = FilmFolder(root, actions, tuple(_parted(films)), skipped, known)
    folder.note_missing(rows, 'split.csv')
    folder.note_missing(known, path.name)
    return folder


def read_boxes(path: Path) -> Boxes:
    """Return x1, y1, x2, y2 in pixels by film and frame.

    Raises:
        DatasetError: The file is missing or damaged.
    """
    boxes: Boxes = {}
    for line, row in _rows(path, ('film', 'frame', 'x1', 'y1', 'x2', 'y2')):
        try:
            x1, y1, x2, y2 = (float(row[name]) for name in ('x1', 'y1', 'x2', 'y2'))
            frame = int(row['frame'])
        except (TypeError, ValueError) as error:
            raise DatasetError(f'{path}, line {line}: {row} is not a box: {error}') from error
        if not (
            np.isfinite([x1, y1, x2, y2]).all() and x2 > x1 and y2 > y1 and 0 <= frame < 2**53
        ):
            raise DatasetError(
                f'{path}, line {line}: found {row}; expected x1 < x2, y1 < y2 and a frame from 0'
            )
        if not corner_box((x1, y1, x2, y2)).is_usable(LARGEST_PX, LARGEST_PX):
            raise DatasetError(
                f'{path}, line {line}: found {row}; expected pixels, but no film is so large'
            )
        boxes.setdefault(row['film'], {})[frame] = (x1, y1, x2, y2)
    return boxes


def _candidates(root: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Films by CLASS/FILE, and the reason for everything else."""
    films: dict[str, Path] = {}
    skipped: dict[str, str] = {}
    for folder in visible_files(root):
        if not folder.is_dir():
            continue
        if reason := _why_no_name(folder):
            skipped[_shown(folder.name)] = reason
            continue
        try:
            paths = visible_files(folder)
        except OSError as error:
            skipped[folder.name] = f'{_unreadable(error)}, or its class is missing'
            continue
        for path in paths:
            name = f'{folder.name}/{path.name}'
            if reason := _why_no_name(path) or _why_no_film(path):
                skipped[_shown(name)] = reason
            else:
                films[name] = path
    return films, skipped


def _pictures(folder: Path) -> list[Path]:
    return [p for p in visible_files(folder) if p.suffix.lower() in _PICTURE_ENDINGS]


def _why_no_film(path: Path) -> str:
    ending = path.suffix.lower()
    try:
        if path.is_dir():
            return '' if _pictures(path) else 'a folder without pictures'
    except OSError as error:
        return _unreadable(error)
    if ending in _PICTURE_ENDINGS:
        return 'a single picture; put the pictures of a film into one folder'
    return '' if ending in FILM_ENDINGS else f'not a film: the ending is {ending or "missing"}'


def _why_no_name(path: Path) -> str:
    """Reports, tables and weights files can only have names that are text."""
    try:
        path.name.encode()
    except UnicodeEncodeError:
        return 'the name is not UTF-8; rename it'
    return ''


def _shown(name: str) -> str:
    return os.fsencode(name).decode(errors='backslashreplace')


def _unreadable(error: OSError) -> str:
    return f'the folder cannot be read ({error.strerror}); make it readable'


def _split_rows(path: Path) -> dict[str, tuple[str, str]]:
    """Part and group by CLASS/FILE; both may be empty."""
    if not path.exists():
        return {}
    rows: dict[str, tuple[str, str]] = {}
    for _, row in _rows(path, ('film', 'split')):
        part = (row['split'] or '').strip()
        if part not in ('', *PARTS):
            raise DatasetError(
                f'{path}: found split {part!r} of {row["film"]}; expected {", ".join(PARTS)} or '
                'nothing'
            )
        if row['film'] in rows:
            raise DatasetError(f'{path} names {row["film"]} twice')
        rows[row['film']] = (part, (row.get('group') or '').strip())
    return rows


def _rows(path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Rows with the number of their last line; a short row has None in the last columns."""
    try:
        with path.open(newline='', encoding='utf-8-sig') as file:
            reader = csv.DictReader(file)
            missing = set(columns) - set(reader.fieldnames or ())
            if missing:
                raise DatasetError(f'{path} has no column {", ".join(sorted(missing))}')
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f'{path} cannot be read as CSV: {error}') from error
    for line, row in rows:
        if not row['film']:
            raise DatasetError(f'{path}, line {line}: found {row}; expected the name of a film')
    return rows


def _parted(films: list[FolderFilm]) -> list[FolderFilm]:
    """Assign every film to a part; hold out a fifth of those that split.csv does not assign."""
    held_out: set[str] = set()
    if not any(film.part == 'val' for film in films):
        held_out = _held_out([film for film in films if film.part != 'test'])
    return [
        replace(film, part='val' if film.name in held_out else film.part or 'train')
        for film in films
    ]


def _held_out(films: Sequence[FolderFilm]) -> set[str]:
    """Names of a fifth of each class, in whole groups; the choice depends on the names alone."""
    groups = sorted({film.group for film in films}, key=_order)
    chosen: set[str] = set()
    for action in sorted({film.action for film in films}):
        mine = [film for film in films if film.action == action]
        there = {film.group for film in mine}
        wanted = max(1, round(_HELD_OUT * len(mine)))
        for group in groups:
            held = sum(film.group in chosen for film in mine)
            if group in there and held < wanted and len(there - chosen) > 1:
                chosen.add(group)
    return {film.name for film in films if film.group in chosen}


def _order(name: str) -> str:
    return hashlib.sha256(f'{_SEED} {name}'.encode()).hexdigest()
