"""The share of films whose action is right, each judged over its whole length as by the node."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.data.film_folder import PARTS
from pose_action_ros.metrics import confusion_matrix, multiply_clips
from pose_action_ros.teaching.film_clips import clip_at, clip_ends, clip_tensors
from pose_action_ros.teaching.film_features import FeatureFiles
from pose_action_ros.training.reporting import track

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from pose_action_ros.data.film_folder import FilmFolder
    from pose_action_ros.models import MultitaskNet
    from pose_action_ros.teaching.film_features import FilmFeatures

__all__ = ['FilmScores', 'film_scores', 'judge_films', 'judge_folder', 'most_confused']

_BATCH = 64
_95_PERCENT = 1.96


@dataclass(frozen=True)
class FilmScores:
    """Scores; the names are the keys of the JSON file.

    Attributes:
        accuracy: Share of films whose action is right; a film in which nobody is found is wrong.
        interval: 95 % confidence interval of the accuracy (Wilson).
        recall: By action; actions without films are absent.
        confusion: Counts of the films in which somebody is found; rows are the true action.
        films: Number of films.
        unseen: Names of films in which nobody is found.
        wrong: Predicted action by name of each misjudged film.
    """

    accuracy: float
    interval: tuple[float, float]
    recall: dict[str, float]
    confusion: list[list[int]]
    films: int
    unseen: list[str]
    wrong: dict[str, str]

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


@torch.inference_mode()
def film_scores(net: MultitaskNet, film: FilmFeatures) -> NDArray[np.float64] | None:
    """Return (A,) probabilities of a film: the product over all its clips, scaled to sum 1.

    Args:
        net: The network, in evaluation mode.
        film: The features of the film.

    Returns:
        None if nobody is found.
    """
    ends = clip_ends(film, net.config)
    if not ends:
        return None
    device = next(net.parameters()).device
    clips = [clip_tensors(clip_at(film, end, net.config)) for end in ends]
    rows = []
    for at in range(0, len(clips), _BATCH):
        batch = {
            name: torch.stack([clip[name] for clip in clips[at : at + _BATCH]]).to(device)
            for name in clips[0]
        }
        output = net.forward_actions(
            *(batch[name] for name in ('clip_joints', 'probability', 'joint_features'))
        )
        rows.append(output.actions.double().cpu().numpy())
    scores = np.concatenate(rows)
    return multiply_clips(scores, np.zeros(len(scores), np.int64), 1)[0]


def judge_films(net: MultitaskNet, films: Iterable[tuple[str, int, FilmFeatures]]) -> FilmScores:
    """Measure a network on films.

    Args:
        net: The network; left in evaluation mode.
        films: Name, index of the true class, and features.
    """
    net.eval()
    names, labels, found, unseen = [], [], [], []
    total = 0
    per_class: dict[int, list[bool]] = {}
    for name, label, film in films:
        total += 1
        scores = film_scores(net, film)
        if scores is None:
            unseen.append(name)
            per_class.setdefault(label, []).append(False)
            continue
        best = int(scores.argmax())
        names.append(name)
        labels.append(label)
        found.append(best)
        per_class.setdefault(label, []).append(best == label)
    actions = net.config.actions
    right = sum(a == b for a, b in zip(labels, found, strict=True))
    return FilmScores(
        accuracy=right / total if total else math.nan,
        interval=_wilson(right, total),
        recall={actions[k]: float(np.mean(v)) for k, v in sorted(per_class.items())},
        confusion=confusion_matrix(found, labels, len(actions)).tolist(),
        films=total,
        unseen=unseen,
        wrong={
            name: actions[best]
            for name, label, best in zip(names, labels, found, strict=True)
            if best != label
        },
    )


def judge_folder(
    net: MultitaskNet,
    folder: FilmFolder,
    part: str,
    features: Path | None = None,
    *,
    progress: bool = False,
    **watcher: Any,
) -> FilmScores:
    """Measure a network on the films of a part.

    Args:
        net: The network; it knows all classes of the folder.
        folder: The films.
        part: train, val or test; all: every film of the folder.
        features: Folder of the features; None keeps none.
        progress: Show a bar.
        **watcher: Options of `Watcher`.

    Raises:
        DatasetError: There are no such films, or one is damaged.
    """
    films = folder.films if part == 'all' else folder.part(part)
    if not films:
        raise DatasetError(
            f'{folder.root} has no films for {part!r}; expected all or one of {", ".join(PARTS)}, '
            'and films for it'
        )
    with TemporaryDirectory(prefix='pose_action_') as temporary:
        files = FeatureFiles(features or Path(temporary), net, **watcher)
        seen = [
            (
                film.name,
                net.config.actions.index(film.action),
                files.features(film, folder.boxes.get(film.name)),
            )
            for film in track(films, 'films', total=len(films), shown=progress)
        ]
        return judge_films(net, seen)


def _wilson(right: int, total: int) -> tuple[float, float]:
    """Interval of a share (Wilson, 1927)."""
    if not total:
        return (0.0, 1.0)
    share, z = right / total, _95_PERCENT
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + (z / total) ** 2 / 4)
    return (max(0.0, middle - half), min(1.0, middle + half))


def most_confused(
    confusion: Sequence[Sequence[int]], actions: Sequence[str], count: int = 5
) -> list[tuple[str, str, int]]:
    """Return true action, predicted action and number of films, the most frequent first."""
    pairs = [
        (actions[row], actions[column], number)
        for row, counts in enumerate(confusion)
        for column, number in enumerate(counts)
        if number and row != column
    ]
    return sorted(pairs, key=lambda pair: -pair[2])[:count]
