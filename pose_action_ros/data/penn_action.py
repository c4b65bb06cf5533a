"""Penn Action (Zhang et al., ICCV 2013): 2326 sequences of frames, 13 joints in 2D, 15 actions.

Reads the data set's own `labels/NNNN.mat`, or the authors' `annotations.mat` (released as
`penn_annotations.mat`). Layout on disk: docs/data.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.actions import PENN_ACTIONS
from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.paths import visible_files
from pose_action_ros.data.files import (
    find_one,
    matlab_items,
    read_mat,
    read_picture,
    require_folder,
)
from pose_action_ros.data.layouts import PENN_JOINTS, named_joints, to_layout
from pose_action_ros.data.photographs import NoSplitError
from pose_action_ros.data.recorded import Track, skipped_files
from pose_action_ros.data.windows import joints_window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.core.skeleton import Skeleton

__all__ = ['PennAction']

_RELEASED = ('annotations.mat', 'penn_annotations.mat')
_FIELDS = ['action', 'x', 'y', 'visibility', 'train', 'dimensions']
_JOINTS = 13
_HELD_OUT = 10  # each training film whose number is divisible by it is for validation


@dataclass(frozen=True, eq=False)
class _Sequence:
    number: int
    action: int
    frames: NDArray[np.int64]  # (F,) numbers of the pictures, from 1
    joints_px: NDArray[np.float64]  # (F, 13, 2), NaN if not visible
    names: tuple[str, ...]  # of the joints; empty: the authors' table
    image_size: tuple[int, int]


class PennAction:
    """A split of Penn Action; see `data.recorded.Library`.

    Args:
        root: Folder with `frames/` and `labels/` or the authors' file.
        split: train, val (each tenth of the data set's training films) or test.
        skeleton: The layout to give joints in.
        validate_on_test: The paper's way: train is all training films, val is test.

    Raises:
        DatasetError: A file is missing or damaged, or there is no such split.
    """

    name = 'penn_action'
    actions = PENN_ACTIONS
    stride = 2
    every: int | None = 1

    def __init__(
        self, root: Path, split: str, skeleton: Skeleton, *, validate_on_test: bool = False
    ) -> None:
        if split not in ('train', 'val', 'test'):
            raise DatasetError(f'Penn Action is split into train, val and test; found {split!r}')
        require_folder(root / 'frames', "Penn Action's frames")
        self.root = root
        self.skeleton = skeleton
        self.skipped: dict[str, str] = {}
        released = find_one(root, _RELEASED)
        train = split == 'train' or (split == 'val' and not validate_on_test)
        found = (
            _released(released, train)
            if released
            else _labels(root / 'labels', train, self.skipped)
        )
        self._sequences = [
            sequence
            for sequence in found
            if not train
            or validate_on_test
            or (sequence.number % _HELD_OUT == 0) == (split == 'val')
        ]
        if not self._sequences:
            raise NoSplitError(
                f'{released or root / "labels"} has no sequence for {split}'
                + ''.join(f'; {text}' for text in skipped_files(self))
            )

    def __len__(self) -> int:
        return len(self._sequences)

    def title(self, index: int) -> str:
        """Return the sequence's number, as its folder has it."""
        return f'{self._sequences[index].number:04d}'

    def length(self, index: int) -> int:
        """Return the number of frames."""
        return len(self._sequences[index].frames)

    def action(self, index: int) -> int:
        """Return the index into `PENN_ACTIONS`."""
        return self._sequences[index].action

    def track(self, index: int, frames: Sequence[int]) -> Track:
        """Return the person."""
        sequence = self._sequences[index]
        given = sequence.joints_px[list(frames)]
        joints = (
            named_joints(self.skeleton, sequence.names, given)
            if sequence.names
            else to_layout(self.skeleton, 'penn_action', given)
        )
        unknown = np.full((*joints.shape[:2], 3), np.nan)
        box = joints_window(joints, sequence.image_size)
        return Track(joints, unknown[..., 0], box, unknown)

    def images(self, index: int, frames: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Return the frames; raises DatasetError if one is missing or damaged."""
        sequence = self._sequences[index]
        folder = self.root / 'frames' / f'{sequence.number:04d}'
        return [read_picture(folder / f'{sequence.frames[f]:06d}.jpg') for f in frames]


def _labels(folder: Path, train: bool, skipped: dict[str, str]) -> Iterator[_Sequence]:
    """Return the data set's own files, one per sequence; others are noted in `skipped`."""
    require_folder(folder, "Penn Action's labels")
    for path in visible_files(folder, '*.mat'):
        try:
            sequence, is_train = _label(path)
        except DatasetError as error:
            skipped[path.name] = str(error).removeprefix(f'{path} ')
            continue
        if is_train == train:
            yield sequence


def _label(path: Path) -> tuple[_Sequence, bool]:
    """A sequence, and whether it is for training."""
    values = read_mat(path, _FIELDS)
    try:
        rows, columns = (int(value) for value in values['dimensions'][:2])
        x, y, visible = (values[k].reshape(-1, _JOINTS) for k in ('x', 'y', 'visibility'))
        joints = np.stack([x, y], axis=-1).astype(float)
        joints = _only_visible(joints, visible.astype(bool))
        number, action = int(path.stem), _action(str(values['action']))
        is_train = int(values['train']) == 1
    except (AttributeError, IndexError, OverflowError, TypeError, ValueError) as error:
        raise DatasetError(f'{path} is not laid out as expected: {error}') from error
    numbers = np.arange(1, len(joints) + 1)
    return _Sequence(number, action, numbers, joints, PENN_JOINTS, (columns, rows)), is_train


def _released(path: Path, train: bool) -> Iterator[_Sequence]:
    """The authors' file: structs of sequences, each with structs of frames."""
    name = 'sequences_tr' if train else 'sequences_te'
    values = read_mat(path, [name, 'action_labels', 'joint_labels'])
    labels = [_action(str(label).strip()) for label in matlab_items(values['action_labels'])]
    names = _joint_names(values['joint_labels'])
    try:
        for sequence in matlab_items(values[name]):
            frames = matlab_items(sequence.frames)
            joints = np.stack([np.asarray(frame.pose, float).T for frame in frames])
            visible = np.stack([np.asarray(frame.visible) for frame in frames]) > 0
            yield _Sequence(
                int(sequence.idx),
                labels[int(sequence.action_id) - 1],
                np.array([int(frame.f) for frame in frames]),
                _only_visible(joints, visible),
                names,
                (int(frames[0].w), int(frames[0].h)),
            )
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise DatasetError(f'{path} is not laid out as expected: {error}') from error


def _only_visible(joints: NDArray[np.float64], visible: NDArray[np.bool_]) -> NDArray[np.float64]:
    """NaN for joints that are not visible or at 0, as released."""
    return np.where(visible[..., None] & (joints != 0.0).all(-1, keepdims=True), joints, np.nan)


def _action(label: str) -> int:
    """The class of a label; in the data set some have underscores and some do not."""
    plain = [_letters(name) for name in PENN_ACTIONS]
    try:
        return plain.index(_letters(label))
    except ValueError:
        raise DatasetError(
            f'unknown action {label!r}; expected one of {", ".join(PENN_ACTIONS)}'
        ) from None


def _letters(label: str) -> str:
    return ''.join(letter for letter in label.lower() if letter.isalpha()).rstrip('s')


def _joint_names(labels: Any) -> tuple[str, ...]:
    """Our names of the authors' joint labels, or none if one is unknown."""
    names = []
    for label in matlab_items(labels):
        words = str(label).strip().lower().replace('-', '_').replace(' ', '_').split('_')
        side = {'r': 'right', 'right': 'right', 'l': 'left', 'left': 'left'}.get(words[0])
        names.append(f'{side}_{"_".join(words[1:])}' if side else words[0])
    return tuple(names) if sorted(names) == sorted(PENN_JOINTS) else ()
