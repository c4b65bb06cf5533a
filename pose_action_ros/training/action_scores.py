"""Accuracy of the actions of recorded data, for every output of the network: p1 to m.

Protocols: the authors' release (branch cvpr18). Single-clip uses the middle clip of each sequence.
Multi-clip uses clips all along it, each also mirrored, and multiplies their probabilities. A
sequence that is too short for a clip counts as the first class. Windows are the annotated ones,
those of a file, or those that the network finds in the whole image, as in the paper.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.data.windows import corner_box, union_box
from pose_action_ros.geometry.crop import box_around, crop_transform, extract_crop, whole_image_box
from pose_action_ros.metrics import accuracy, confusion_matrix, multiply_clips
from pose_action_ros.training.feature_cache import clip_features
from pose_action_ros.training.film_clips import read_clips
from pose_action_ros.training.phase_module import to_network_input
from pose_action_ros.training.pose_scores import spread_indices
from pose_action_ros.training.reporting import track

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.data.recorded import Library
    from pose_action_ros.models import MultitaskNet
    from pose_action_ros.training.film_clips import ClipView

    FindBoxes = Callable[
        [MultitaskNet, Sequence[ClipView], Mapping[int, NDArray[np.uint8]]],
        Mapping[ClipView, PersonBox],
    ]

__all__ = ['ClipScores', 'evaluate_clips', 'given_boxes', 'seen_boxes']

_SEEN = 0.25  # visibility of a joint that counts for a window, as released
_ENLARGE = 1.5
_CROPS_AT_ONCE = 128


@dataclass(frozen=True)
class ClipScores:
    """Shares from 0 to 1; the names are the keys of the JSON file.

    Attributes:
        accuracy: By output: p1 to p4 (pose), v1 to v4 (appearance), m (both).
        recall: Of m, by action; actions without sequences are absent.
        confusion: Counts of m; rows are the true action.
        sequences: Number of sequences.
        clips: Number of clips, mirrored ones included.
    """

    accuracy: dict[str, float]
    recall: dict[str, float]
    confusion: list[list[int]]
    sequences: int
    clips: int

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


def evaluate_clips(
    net: MultitaskNet,
    library: Library,
    views: Sequence[ClipView] | Mapping[str, Sequence[ClipView]],
    *,
    boxes: Mapping[ClipView, PersonBox] | FindBoxes | None = None,
    limit: int | None = None,
    workers: int = 0,
    progress: bool = False,
) -> Any:
    """Measure a network on the sequences of a split.

    Args:
        net: The network, on any device; left in evaluation mode.
        library: The split, in the network's layout.
        views: From `clip_views`, with the same limit; or several of these by name of the protocol,
            for which each film is decoded once.
        boxes: Windows of clips, or the function that finds them (`seen_boxes`); by default the
            annotated ones.
        limit: As in `clip_views`.
        workers: Threads that read.
        progress: Show a bar.

    Returns:
        The scores; by protocol if there are several.

    Raises:
        ConfigError: The network's actions are not those of the data set.
        DatasetError: A file is missing or damaged.
    """
    if net.config.actions != library.actions:
        raise ConfigError(
            f'the network {net.config.name!r} knows {len(net.config.actions)} actions, '
            f'{library.name} has {len(library.actions)} others'
        )
    net.eval()
    named = views if isinstance(views, Mapping) else {'': views}
    all_views = sorted({view for each in named.values() for view in each})
    finder = partial(boxes, net) if callable(boxes) else boxes
    films = read_clips(library, all_views, finder, workers=workers)
    outputs: dict[ClipView, dict[str, Any]] = {}
    total = len({view.recording for view in all_views})
    for film, clips in track(films, 'films', total=total, shown=progress):
        outputs |= zip(film, _outputs(net, clips), strict=True)
    recordings = spread_indices(len(library), limit)
    labels = np.array([library.action(recording) for recording in recordings])
    scores = {
        name: _scores(outputs, each, recordings, labels, library) for name, each in named.items()
    }
    return scores if isinstance(views, Mapping) else scores['']


def seen_boxes(
    net: MultitaskNet, views: Sequence[ClipView], images: Mapping[int, NDArray[np.uint8]]
) -> dict[ClipView, PersonBox]:
    """Return windows that the network itself finds in a film, as in the paper.

    The network processes the whole first, middle and last frame of each clip. The window is the
    smallest square around the visible joints of the three. A clip without a person keeps the whole
    image.

    Args:
        net: The network, in evaluation mode.
        views: The clips.
        images: Their frames by number, (H, W, 3) RGB.
    """
    device = next(net.parameters()).device
    ends = {view: _ends(view.frames) for view in views}
    numbers = sorted({number for chosen in ends.values() for number in chosen})
    height, width = images[numbers[0]].shape[:2]
    whole = whole_image_box(width, height)
    transform = crop_transform(whole)
    crops = np.stack([extract_crop(images[n], transform).transpose(2, 0, 1) for n in numbers])
    with torch.inference_mode():
        parts = torch.from_numpy(crops).split(_CROPS_AT_ONCE)
        seen = [net.forward_pose(to_network_input(part.to(device)))[-1] for part in parts]
    joints = transform.to_image(
        torch.cat([s.joints[..., :2] for s in seen]).double().cpu().numpy()
    )
    sure = torch.cat([s.visibility for s in seen]).cpu().numpy() > _SEEN
    found = [box_around(j, s, enlarge=_ENLARGE) for j, s in zip(joints, sure, strict=True)]
    box_of = dict(zip(numbers, found, strict=True))
    kept = {v: [b for n in chosen if (b := box_of[n])] for v, chosen in ends.items()}
    return {view: union_box(boxes) if boxes else whole for view, boxes in kept.items()}


def _ends(frames: Sequence[int]) -> list[int]:
    """The first, the middle and the last of the frames."""
    return [frames[at] for at in sorted({0, len(frames) // 2, len(frames) - 1})]


def given_boxes(
    path: Path, library: Library, views: Sequence[ClipView]
) -> dict[ClipView, PersonBox]:
    """Return the windows of a file such as the authors' `penn_pred_bboxes_16f.json`.

    Its keys are `%04d.%d.%03d.%d`: sequence, stride, clip and flip. Sequences count from 0 in the
    order of the authors' annotations, and clips are those of multi-clip. Its values are x1, y1,
    x2, y2 in the image before it is mirrored.

    Raises:
        DatasetError: The file is missing, damaged, or lacks a clip.
    """
    try:
        table = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise DatasetError(f'{path} cannot be read as JSON: {error}') from error
    boxes = {}
    for view in views:
        key = f'{view.recording:04d}.{library.stride}.{view.number:03d}.{int(view.flip)}'
        if np.shape(table.get(key)) != (4,):
            raise DatasetError(f'{path} has no box x1, y1, x2, y2 under {key}')
        boxes[view] = corner_box(table[key])
    return boxes


@torch.inference_mode()
def _outputs(net: MultitaskNet, clips: dict[str, Tensor]) -> list[dict[str, Any]]:
    """(A,) probabilities by name of the output, for each of V clips."""
    device = next(net.parameters()).device
    found: list[dict[str, Any]] = []
    step = max(1, _CROPS_AT_ONCE // net.config.clip_frames)
    for at in range(0, len(clips['crop']), step):
        part = {name: value[at : at + step].to(device) for name, value in clips.items()}
        features = clip_features(net, part)
        names = ('clip_joints', 'probability', 'joint_features')
        output = net.forward_actions(*(features[name] for name in names))
        named = {f'p{i + 1}': scores for i, scores in enumerate(output.pose_actions)}
        named |= {f'v{i + 1}': scores for i, scores in enumerate(output.appearance_actions)}
        named['m'] = output.actions
        rows = {name: scores.double().cpu().numpy() for name, scores in named.items()}
        found += [{name: row[v] for name, row in rows.items()} for v in range(len(part['crop']))]
    return found


def _scores(
    outputs: Mapping[ClipView, dict[str, Any]],
    views: Sequence[ClipView],
    recordings: Sequence[int],
    labels: Any,
    library: Library,
) -> ClipScores:
    if not views:
        raise ConfigError('every sequence is too short for a clip; use single-clip')
    place = {recording: number for number, recording in enumerate(recordings)}
    owners = [place[view.recording] for view in views]
    names = library.actions
    combined = {
        output: multiply_clips(
            np.stack([outputs[view][output] for view in views]), owners, len(labels)
        )
        for output in outputs[views[0]]
    }
    counts = confusion_matrix(combined['m'].argmax(axis=1), labels, len(names))
    totals = counts.sum(axis=1)
    return ClipScores(
        accuracy={output: accuracy(scores, labels) for output, scores in combined.items()},
        recall={n: float(counts[i, i] / totals[i]) for i, n in enumerate(names) if totals[i]},
        confusion=counts.tolist(),
        sequences=len(labels),
        clips=len(owners),
    )
