"""`pose-action data candidates`: places without people that the finder takes for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pose_action_ros.cli.data import DatasetOptions, data_app, parsed_options
from pose_action_ros.core.console import ERRORS, RESULTS

if TYPE_CHECKING:
    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.data.photographs import Person
    from pose_action_ros.runtime.finder_engine import FinderEngine

__all__ = ['data_app']

_MOST = 16  # of a photograph


@data_app.command('candidates')
def candidates(
    name: Annotated[str, typer.Argument(help='coco or yolo_pose.')],
    root: Annotated[Path, typer.Argument(help='Its folder, as in docs/data.md.')],
    output: Annotated[Path, typer.Argument(help='JSON file to write.')],
    finder: Annotated[str, typer.Option(help='The finder: a name or a file.')] = 'finder',
    min_score: Annotated[
        float, typer.Option(help='Lowest score of a candidate.', min=0, max=1)
    ] = 0.1,
    option: DatasetOptions = None,
    quiet: Annotated[bool, typer.Option('--quiet', help='No progress bar.')] = False,
) -> None:
    """Find places in training photographs that resemble people although nobody is there.

    The option `candidates` of a mixture's empty windows trains on them. Everybody in the
    photographs must be annotated.
    """
    from pose_action_ros.core.errors import DatasetError
    from pose_action_ros.core.skeleton import get_skeleton
    from pose_action_ros.data.empty_windows import write_candidates
    from pose_action_ros.data.opening import open_library
    from pose_action_ros.data.photographs import Photographs
    from pose_action_ros.models.finder import open_finder
    from pose_action_ros.runtime.finder_engine import FinderEngine
    from pose_action_ros.training.reporting import track

    library = open_library(name, root, 'train', get_skeleton('pa17j'), **parsed_options(option))
    if not isinstance(library, Photographs):
        raise DatasetError(f'{name} has films; expected a data set of photographs')
    engine = FinderEngine(open_finder(finder), 'cpu')
    photographs: dict[str, list[Person]] = {}
    for person in library.everybody:
        photographs.setdefault(person.title, []).append(person)
    shown = not quiet and ERRORS.is_terminal
    found: dict[str, list[PersonBox]] = {}
    for title, people in track(
        sorted(photographs.items()), 'photographs', total=len(photographs), shown=shown
    ):
        try:
            found[title] = _beside_people(people, engine, min_score)
        except DatasetError as error:
            RESULTS.print(f'skipped: {error}', soft_wrap=True)
    write_candidates(output, found)
    places = sum(map(len, found.values()))
    text = f'{places} places in {len(found)} photographs: {output}'
    RESULTS.print(text, soft_wrap=True)


def _beside_people(
    people: list[Person], engine: FinderEngine, min_score: float
) -> list[PersonBox]:
    """The windows of the candidates in a photograph that touch nobody."""
    import numpy as np

    from pose_action_ros.data.empty_windows import is_free
    from pose_action_ros.data.files import read_picture

    corners = np.array([person.corners_px for person in people])
    found = engine.candidates(read_picture(people[0].image), min_score, _MOST)
    return [candidate.window for candidate in found if is_free(candidate.window, corners)]
