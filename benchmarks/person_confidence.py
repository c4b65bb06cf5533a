"""Compare rules that tell from the joints' confidences whether a window shows a person (ADR 18).

    python benchmarks/person_confidence.py DATA/coco --annotations single_person.json \
        --split-file DATA/coco_split.json

The finder's candidates in training photographs of COCO are read twice, as the stream reads them.
A candidate is a person if half of the joints are within half a torso, and empty if it touches
nobody; other candidates are ignored. Everybody in these photographs must be annotated.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from pose_action_ros.core.person_confidence import certainty
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.data.empty_windows import is_free
from pose_action_ros.data.files import read_picture
from pose_action_ros.data.layouts import named_joints
from pose_action_ros.data.opening import open_library
from pose_action_ros.data.photographs import BODY_JOINTS
from pose_action_ros.geometry.crop import box_around, crop_transform, extract_crop
from pose_action_ros.inference.settings import TrackSettings
from pose_action_ros.inference.still_images import match_people
from pose_action_ros.models import open_model
from pose_action_ros.models.finder import open_finder
from pose_action_ros.runtime.engine import Engine
from pose_action_ros.runtime.finder_engine import FinderEngine
from pose_action_ros.training.photograph_scores import torso_px

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SHARES = (0.95, 0.90, 0.80)
SCORE, MOST = 0.1, 16  # of the finder's candidates
SETTINGS = TrackSettings()


def main(
    root: Annotated[Path, typer.Argument(help='Folder of COCO.')],
    annotations: Annotated[Path | None, typer.Option(help='JSON file below ROOT.')] = None,
    split_file: Annotated[Path | None, typer.Option(help='See docs/data.md.')] = None,
    weights: Annotated[str, typer.Option(help='A name or a file.')] = 'people',
) -> None:
    """Print a table of rules."""
    skeleton = get_skeleton('pa17j')
    options = {'annotations': annotations, 'split_file': split_file}
    library: Any = open_library('coco', root, 'train', skeleton, **options)
    engine = Engine(open_model(weights), 'cpu', backend='auto')
    finder = FinderEngine(open_finder('finder'), 'cpu')
    body = [skeleton.joint_names.index(name) for name in BODY_JOINTS]
    people, empty = [], []
    photographs: dict[Path, list[Any]] = {}
    for person in library.everybody:
        photographs.setdefault(person.image, []).append(person)
    for path, persons in photographs.items():
        corners = np.array([person.corners_px for person in persons])
        truth = np.array([named_joints(skeleton, p.names, p.joints_px) for p in persons])
        torsos = torso_px(truth, skeleton.joint_names).tolist()
        for window, looks, joints in _looks(engine, finder, read_picture(path)):
            if is_free(window, corners):
                empty.append(looks)
            elif match_people([joints[body]], truth[:, body], torsos).found:
                people.append(looks)
    print(f'{len(people)} candidates are people, {len(empty)} are empty')
    print(f'{"rule":20}' + ''.join(f'{share:9.0%}' for share in SHARES) + '   area')
    for name, rule in _rules().items():
        yes, no = (np.array([rule(looks).min() for looks in group]) for group in (people, empty))
        passed = [(no >= np.quantile(yes, 1.0 - share)).mean() for share in SHARES]
        area = (yes[:, None] > no).mean() + 0.5 * (yes[:, None] == no).mean()
        print(f'{name:20}' + ''.join(f'{value:9.3f}' for value in passed) + f'{area:7.3f}')


def _looks(engine: Engine, finder: FinderEngine, image: Any) -> Iterator[tuple[Any, Array, Array]]:
    """The window of each candidate, its confidences (2, J) and the joints of the second look."""
    for candidate in finder.candidates(image, SCORE, MOST):
        box: Any = candidate.window
        looks = np.zeros((2, engine.config.num_joints))
        joints = np.full((engine.config.num_joints, 2), np.nan)
        for look in range(2):
            transform = crop_transform(box)
            found = engine.frames(extract_crop(image, transform)[None])
            looks[look] = found.visibility[0]
            joints = transform.to_image(found.joints[0, :, :2])
            certain = looks[look] >= SETTINGS.min_joint_confidence
            box = box_around(joints, certain, enlarge=SETTINGS.enlarge)
            if box is None:
                break
        yield candidate.window, looks, joints


def _rules() -> dict[str, Any]:
    return {
        'mean probability': lambda looks: looks.mean(-1),
        'mean logit': lambda looks: certainty(looks, looks.shape[-1]),
        '6 highest logits': lambda looks: certainty(looks, 6),
        '3 highest, as used': certainty,
        'highest logit': lambda looks: certainty(looks, 1),
    }


if __name__ == '__main__':
    typer.run(main)
