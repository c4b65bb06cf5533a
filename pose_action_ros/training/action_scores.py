"""How often actions of recorded data are right, for every output of the network: p1 to m.

Protocols: the authors' release (branch cvpr18). Single-clip: the middle clip of each sequence.
Multi-clip: clips all along it, each also mirrored, their probabilities multiplied; a sequence
that is too short for any clip counts as the first class. Windows are the annotated ones, given by
a file, or, as in the paper, found by the network itself on the whole image.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.data.clips import clip_frames, multi_clips
from pose_action_ros.data.recorded import cut
from pose_action_ros.data.windows import corner_box, union_box
from pose_action_ros.geometry.crop import box_around, crop_transform, extract_crop, whole_image_box
from pose_action_ros.metrics import accuracy, confusion_matrix, multiply_clips
from pose_action_ros.training.feature_cache import clip_features
from pose_action_ros.training.phase_module import to_network_input
from pose_action_ros.training.pose_scores import spread_indices
from pose_action_ros.training.reporting import track

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.data.recorded import Library
    from pose_action_ros.models import MultitaskNet

__all__ = ['ClipScores', 'ClipView', 'clip_views', 'evaluate_clips', 'given_boxes', 'seen_boxes']

_SEEN = 0.25  # visibility of a joint that counts for a window, as released
_ENLARGE = 1.5


class ClipView(NamedTuple):
    """One clip to look at.

    Attributes:
        recording: Its recording.
        frames: Its frames.
        flip: Mirrored.
        number: Which clip of the recording it is.
    """

    recording: int
    frames: tuple[int, ...]
    flip: bool
    number: int


@dataclass(frozen=True)
class ClipScores:
    """Shares from 0 to 1; the names are the keys of the JSON file.

    Attributes:
        accuracy: By output: p1 to p4 (pose), v1 to v4 (appearance), m (both).
        recall: Of m, by action; actions without sequences are left out.
        confusion: Counts of m; rows are the true action.
        sequences: Sequences judged.
        clips: Clips looked at, mirrored ones included.
    """

    accuracy: dict[str, float]
    recall: dict[str, float]
    confusion: list[list[int]]
    sequences: int
    clips: int

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


def clip_views(
    library: Library, frames: int, *, multi: bool, limit: int | None = None
) -> list[ClipView]:
    """Return the clips of a split to look at.

    Args:
        library: The split.
        frames: T.
        multi: All along each sequence and mirrored, or the middle one alone.
        limit: Largest number of sequences, spread over the split.
    """
    views = []
    for recording in spread_indices(len(library), limit):
        length, stride = library.length(recording), library.stride
        if not multi:
            views.append(ClipView(recording, tuple(clip_frames(length, frames, stride)), False, 0))
            continue
        for number, chosen in enumerate(multi_clips(length, frames, stride)):
            views += [ClipView(recording, tuple(chosen), flip, number) for flip in (False, True)]
    return views


def evaluate_clips(
    net: MultitaskNet,
    library: Library,
    views: Sequence[ClipView],
    *,
    boxes: Mapping[ClipView, PersonBox] | None = None,
    limit: int | None = None,
    workers: int = 0,
    progress: bool = False,
) -> ClipScores:
    """Measure a network on the sequences of a split.

    Args:
        net: The network, wherever it is; left in evaluation mode.
        library: The split, in the network's layout.
        views: From `clip_views`, with the same limit.
        boxes: Windows of clips; the annotated ones by default.
        limit: As of `clip_views`.
        workers: Processes that read.
        progress: Show a bar.

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
    device = next(net.parameters()).device
    loader: Any = DataLoader(_Clips(library, views, boxes or {}), 1, num_workers=workers)
    outputs: dict[str, list[Any]] = {}
    for clip in track(loader, 'clips', total=len(loader), shown=progress):
        for name, scores in _outputs(net, {k: v.to(device) for k, v in clip.items()}).items():
            outputs.setdefault(name, []).append(scores)
    recordings = spread_indices(len(library), limit)
    place = {recording: number for number, recording in enumerate(recordings)}
    owners = [place[view.recording] for view in views]
    labels = np.array([library.action(recording) for recording in recordings])
    return _scores(outputs, owners, labels, library.actions)


def seen_boxes(
    net: MultitaskNet, library: Library, views: Sequence[ClipView], *, progress: bool = False
) -> dict[ClipView, PersonBox]:
    """Return windows that the network finds itself, as in the paper.

    It looks at the whole first, middle and last frame of each clip; the window is the smallest
    square around what it takes for the person in them. Clips without a person keep the whole
    image.
    """
    net.eval()
    device = next(net.parameters()).device
    found: dict[ClipView, PersonBox] = {}
    for view in track(views, 'boxes', total=len(views), shown=progress):
        same = view._replace(flip=False)
        if view.flip and same in found:
            found[view] = found[same]
            continue
        chosen = [
            view.frames[at] for at in sorted({0, len(view.frames) // 2, -1 % len(view.frames)})
        ]
        images = library.images(view.recording, chosen)
        whole = whole_image_box(images[0].shape[1], images[0].shape[0])
        transform = crop_transform(whole)
        crops = np.stack([extract_crop(image, transform).transpose(2, 0, 1) for image in images])
        with torch.inference_mode():
            seen = net.forward_pose(to_network_input(torch.from_numpy(crops).to(device)))[-1]
        joints = transform.to_image(seen.joints[..., :2].double().cpu().numpy())
        sure = seen.visibility.cpu().numpy() > _SEEN
        boxes = [box_around(j, s, enlarge=_ENLARGE) for j, s in zip(joints, sure, strict=True)]
        kept = [box for box in boxes if box is not None]
        found[view] = union_box(kept) if kept else whole
    return found


def given_boxes(
    path: Path, library: Library, views: Sequence[ClipView]
) -> dict[ClipView, PersonBox]:
    """Return the windows of a file such as the authors' `penn_pred_bboxes_16f.json`.

    Its keys are sequence, stride, clip and flip, `%04d.%d.%03d.%d`: sequences count from 0 in the
    order of the authors' annotations, clips are those of multi-clip. Its values are x1, y1, x2,
    y2 in the image before it is mirrored.

    Raises:
        DatasetError: The file is missing, damaged, or lacks a clip.
    """
    try:
        table = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise DatasetError(f'{path} can not be read as JSON: {error}') from error
    boxes = {}
    for view in views:
        key = f'{view.recording:04d}.{library.stride}.{view.number:03d}.{int(view.flip)}'
        if np.shape(table.get(key)) != (4,):
            raise DatasetError(f'{path} has no box x1, y1, x2, y2 under {key}')
        boxes[view] = corner_box(table[key])
    return boxes


class _Clips(Dataset):  # type: ignore[type-arg]
    """Clips to look at: crop (T, 3, H, W), image_to_crop (T, 3, 3)."""

    def __init__(
        self,
        library: Library,
        views: Sequence[ClipView],
        boxes: Mapping[ClipView, PersonBox],
    ) -> None:
        self._library = library
        self._views = views
        self._boxes = boxes

    def __len__(self) -> int:
        return len(self._views)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        view, library = self._views[number], self._library
        person = library.track(view.recording, view.frames)
        if view in self._boxes:
            person = replace(person, box=self._boxes[view])
        fields = cut(person, library.images(view.recording, view.frames), library.skeleton)
        crop = fields['crop'].flip(-1) if view.flip else fields['crop']
        return {'crop': crop, 'image_to_crop': fields['image_to_crop']}


@torch.inference_mode()
def _outputs(net: MultitaskNet, clip: dict[str, Tensor]) -> dict[str, Any]:
    """Name of the output to (A,) probabilities of one clip."""
    features = clip_features(net, clip)
    parts = ('clip_joints', 'probability', 'joint_features')
    output = net.forward_actions(*(features[name] for name in parts))
    named = {f'p{i + 1}': scores for i, scores in enumerate(output.pose_actions)}
    named |= {f'v{i + 1}': scores for i, scores in enumerate(output.appearance_actions)}
    named['m'] = output.actions
    return {name: scores[0].double().cpu().numpy() for name, scores in named.items()}


def _scores(
    outputs: dict[str, list[Any]], owners: list[int], labels: Any, names: Sequence[str]
) -> ClipScores:
    combined = {
        output: multiply_clips(np.stack(scores), owners, len(labels))
        for output, scores in outputs.items()
    }
    if not combined:
        raise ConfigError('every sequence is too short for a clip; use single-clip')
    counts = confusion_matrix(combined['m'].argmax(axis=1), labels, len(names))
    totals = counts.sum(axis=1)
    return ClipScores(
        accuracy={output: accuracy(scores, labels) for output, scores in combined.items()},
        recall={n: float(counts[i, i] / totals[i]) for i, n in enumerate(names) if totals[i]},
        confusion=counts.tolist(),
        sequences=len(labels),
        clips=len(owners),
    )
