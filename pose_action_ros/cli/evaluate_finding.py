"""`pose-action evaluate finding`: how many people are found in photographs without boxes."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from pose_action_ros.cli.evaluate_datasets import JsonFile, Limit, Quiet, Root, is_shown
from pose_action_ros.cli.evaluate_photographs import evaluate_app
from pose_action_ros.cli.options import Weights
from pose_action_ros.core.console import RESULTS
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.weights import FINDER_WEIGHTS, SHIPPED_WEIGHTS

if TYPE_CHECKING:
    from pose_action_ros.data.photographs import Person, Photographs
    from pose_action_ros.inference.still_images import Finding
    from pose_action_ros.inference.stream import PoseActionStream

__all__ = ['evaluate_app']

_MIN_SHARE = 0.15  # of the image's height, for people in scenes of several
_MOST = 6
_READERS = ('coco', 'yolo_pose')
_FINDER_MOST = 16
_UNLIKE = 1.7  # ratio of a candidate's size and the person's


@evaluate_app.command('finding')
def finding(
    root: Root,
    weights: Weights = SHIPPED_WEIGHTS,
    split: Annotated[str, typer.Option(help='train, val or test.')] = 'test',
    split_file: Annotated[
        Path | None, typer.Option(help='JSON file with the lists `train` and `test` of images.')
    ] = None,
    annotations: Annotated[
        Path | None,
        typer.Option(
            help='COCO JSON below ROOT that names every person; read instead of the default.'
        ),
    ] = None,
    reader: Annotated[
        str,
        typer.Option(
            help='coco (everybody is annotated) or yolo_pose (people without key points are not '
            'annotated, so only scenes of 2 to 6 people are measured).'
        ),
    ] = 'coco',
    finder: Annotated[
        str,
        typer.Option(help='Weights of the finder; empty: one person, from the whole image.'),
    ] = FINDER_WEIGHTS,
    limit: Limit = None,
    json_file: JsonFile = None,
    quiet: Quiet = False,
) -> None:
    """Count found people, false people and empty windows with a person in COCO's photographs.

    The stream gets only the image, six times, as from a camera at rest. A person is misread if a
    track of the right place and size has the wrong joints. The finder alone is measured too: the
    share of people with a candidate whose centre lies in their box and whose size is similar, and
    the number of candidates per image.
    """
    if reader not in _READERS:
        raise ConfigError(f'found reader {reader!r}; expected one of {", ".join(_READERS)}')
    from pose_action_ros.core.skeleton import get_skeleton
    from pose_action_ros.data.opening import open_library
    from pose_action_ros.inference.stream import PoseActionStream

    stream = PoseActionStream.open(weights, finder=finder or None)
    skeleton = get_skeleton(stream.layout)
    options: dict[str, Any] = {'split_file': split_file}
    if reader == 'coco':
        options['annotations'] = annotations
    library: Any = open_library(reader, root, split, skeleton, **options)
    shown = is_shown(quiet)
    scores = _scenes(stream, library, limit, shown)
    if finder:
        scores |= _candidates(finder, library, limit, shown)
    if reader == 'coco':
        scores |= _empty(stream, library, limit, shown)
    else:
        scores = {name: pair for name, pair in scores.items() if 'single' not in name}
    table = Table('measure', 'share', 'of', title=f'{weights} on photographs, {split}')
    for name, (count, total) in scores.items():
        table.add_row(name, f'{count / max(total, 1):.3f}', str(total))
    RESULTS.print(table)
    if json_file is not None:
        result = {name: {'count': c, 'of': t} for name, (c, t) in scores.items()}
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps({'weights': weights, **result}, indent=2) + '\n')


def _scenes(
    stream: PoseActionStream, library: Photographs, limit: int | None, shown: bool
) -> dict[str, tuple[int, int]]:
    """Single people and scenes of two to six."""
    from pose_action_ros.training.reporting import track

    scenes = _chosen(library, limit)
    chosen = list(scenes)
    single: list[Finding] = []
    several: list[Finding] = []
    for path in track(chosen, 'scenes', total=len(chosen), shown=shown):
        result = _scene(stream, library, scenes[path])
        if result is not None:
            (single if len(scenes[path]) == 1 else several).append(result)
    return {
        'single people found': (sum(f.found for f in single), sum(f.people for f in single)),
        'single people misread': (sum(f.misread for f in single), sum(f.people for f in single)),
        'false people a single scene': (sum(f.false for f in single), len(single)),
        'people found in scenes of 2 to 6': (
            sum(f.found for f in several), sum(f.people for f in several),
        ),
    }  # fmt: skip


def _chosen(library: Photographs, limit: int | None) -> dict[Path, list[Person]]:
    """The people of each scene of at most six."""
    from pose_action_ros.training.pose_scores import spread_indices

    scenes: dict[Path, list[Person]] = defaultdict(list)
    for person in library.everybody:
        scenes[person.image].append(person)
    paths = sorted(path for path, people in scenes.items() if len(people) <= _MOST)
    return {paths[i]: scenes[paths[i]] for i in spread_indices(len(paths), limit)}


def _candidates(
    finder: str, library: Photographs, limit: int | None, shown: bool
) -> dict[str, tuple[int, int]]:
    """People found by the finder alone, of those with a body and at least 15 % of the height."""
    import numpy as np

    from pose_action_ros.data.files import read_picture
    from pose_action_ros.inference.settings import FindSettings
    from pose_action_ros.models.finder import open_finder
    from pose_action_ros.runtime.finder_engine import FinderEngine
    from pose_action_ros.training.reporting import track

    engine = FinderEngine(open_finder(finder))
    scenes = _chosen(library, limit)
    found = {True: 0, False: 0}
    people = {True: 0, False: 0}
    count = 0
    for path in track(list(scenes), 'candidates', total=len(scenes), shown=shown):
        image = read_picture(path)
        candidates = engine.candidates(image, FindSettings().min_score, _FINDER_MOST)
        count += len(candidates)
        for person in scenes[path]:
            if person.height_px < _MIN_SHARE * len(image) or not person.body_joints:
                continue
            x1, y1, x2, y2 = person.corners_px
            size = max(x2 - x1, y2 - y1)
            met = any(
                x1 <= box.center_x <= x2
                and y1 <= box.center_y <= y2
                and abs(np.log(box.size / size)) <= np.log(_UNLIKE)
                for box, _ in candidates
            )
            found[len(scenes[path]) == 1] += met
            people[len(scenes[path]) == 1] += 1
    return {
        'single people with a candidate': (found[True], people[True]),
        'people in scenes of 2 to 6 with a candidate': (found[False], people[False]),
        'candidates an image': (count, len(scenes)),
    }


def _scene(stream: PoseActionStream, library: Photographs, people: list[Person]) -> Finding | None:
    """Return the counts of a scene; None if nobody in it is annotated well enough to judge."""
    import numpy as np

    from pose_action_ros.data.files import read_picture
    from pose_action_ros.data.layouts import named_joints
    from pose_action_ros.data.photographs import BODY_JOINTS
    from pose_action_ros.inference.still_images import look_at, match_people
    from pose_action_ros.training.photograph_scores import torso_px

    image = read_picture(people[0].image)
    names = library.skeleton.joint_names
    body = [names.index(name) for name in BODY_JOINTS]
    joints = np.array([named_joints(library.skeleton, p.names, p.joints_px) for p in people])
    torsos = torso_px(joints, names)
    judged = [
        i
        for i, person in enumerate(people)
        if np.isfinite(torsos[i]) and person.height_px >= _MIN_SHARE * len(image)
    ]
    if not judged:
        return None
    tracks = [person.joints_image_px[body] for person in look_at(stream, image)[-1]]
    others = [i for i in range(len(people)) if i not in judged]
    return match_people(
        tracks,
        [joints[i, body] for i in judged],
        [float(torsos[i]) for i in judged],
        [people[i].corners_px for i in judged + others],
    )


def _empty(
    stream: PoseActionStream, library: Photographs, limit: int | None, shown: bool
) -> dict[str, tuple[int, int]]:
    """Count the people seen in windows beside all people, each shown as an image."""
    from pose_action_ros.data.empty_windows import EmptyWindows
    from pose_action_ros.inference.still_images import look_at
    from pose_action_ros.training.pose_scores import spread_indices
    from pose_action_ros.training.reporting import track

    windows = EmptyWindows(library)
    chosen = spread_indices(len(windows), limit)
    somebody = 0
    for index in track(chosen, 'empty windows', total=len(chosen), shown=shown):
        crop = windows[index]['crop'].permute(1, 2, 0).contiguous().numpy()
        somebody += any(look_at(stream, crop))
    return {'empty windows with somebody': (somebody, len(chosen))}
