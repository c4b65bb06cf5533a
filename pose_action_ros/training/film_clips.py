"""Reading of clips and their windows from recorded films; each film is decoded once.

Decoding and cutting run in threads (OpenCV releases the interpreter's lock). The decoded frames
are kept until a network has found the windows in them, so no film is decoded twice.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from pose_action_ros.data.clips import clip_frames, multi_clips
from pose_action_ros.data.recorded import cut
from pose_action_ros.training.pose_scores import spread_indices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.data.recorded import Library

    Frames = Mapping[int, NDArray[np.uint8]]
    Boxes = Mapping['ClipView', PersonBox]
    Finder = Callable[[Sequence['ClipView'], Frames], Boxes]

__all__ = ['ClipView', 'clip_views', 'read_clips']


class ClipView(NamedTuple):
    """One clip of a recording.

    Attributes:
        recording: Its recording.
        frames: Its frames.
        flip: Mirrored.
        number: Number of the clip in the recording.
    """

    recording: int
    frames: tuple[int, ...]
    flip: bool
    number: int


def clip_views(
    library: Library, frames: int, *, multi: bool, limit: int | None = None
) -> list[ClipView]:
    """Return the clips of a split.

    Args:
        library: The split.
        frames: T.
        multi: Clips all along each sequence, also mirrored; otherwise the middle clip alone.
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


def read_clips(
    library: Library,
    views: Sequence[ClipView],
    boxes: Boxes | Finder | None = None,
    *,
    workers: int = 0,
) -> Iterator[tuple[list[ClipView], dict[str, Tensor]]]:
    """Yield the clips film by film, in the order of `views`.

    Args:
        library: The split.
        views: The clips; those of a film are adjacent.
        boxes: Windows of clips, or a function that finds them in the frames of a film; by default
            the annotated ones.
        workers: Number of threads; w threads keep w + 1 decoded films in memory.

    Yields:
        V views of a film; crop (V, T, 3, H, W) and image_to_crop (V, T, 3, 3).

    Raises:
        DatasetError: A file is missing or damaged.
    """
    films = [list(group) for _, group in groupby(views, key=lambda view: view.recording)]
    finder = boxes if callable(boxes) else None
    given: Any = {} if boxes is None or callable(boxes) else boxes

    def read(film: list[ClipView]) -> Any:
        numbers = sorted({frame for view in film for frame in view.frames})
        images = library.images(film[0].recording, numbers)
        frames = dict(zip(numbers, images, strict=True))
        return frames if finder else [_clip(library, view, frames, given) for view in film]

    with ThreadPoolExecutor(workers) if workers else nullcontext() as pool:
        found = _ahead(pool, read, films, workers) if pool else map(read, films)
        for film, result in zip(films, found, strict=True):
            if finder:
                windows = finder(film, result)
                cuts = [(library, view, result, windows) for view in film]
                result = list((pool.map if pool else map)(_clip, *zip(*cuts, strict=True)))
            yield film, {name: torch.stack([clip[name] for clip in result]) for name in result[0]}


def _ahead(
    pool: ThreadPoolExecutor, job: Callable[[Any], Any], items: Sequence[Any], count: int
) -> Iterator[Any]:
    """Results in order, while up to `count` further jobs run."""
    waiting: deque[Any] = deque()
    for item in items:
        waiting.append(pool.submit(job, item))
        if len(waiting) > count:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _clip(library: Library, view: ClipView, frames: Frames, boxes: Boxes) -> dict[str, Tensor]:
    """Crop (T, 3, H, W), image_to_crop (T, 3, 3)."""
    person = library.track(view.recording, view.frames)
    if view in boxes:
        person = replace(person, box=boxes[view])
    fields = cut(person, [frames[number] for number in view.frames], library.skeleton)
    crop = fields['crop'].flip(-1) if view.flip else fields['crop']
    return {'crop': crop, 'image_to_crop': fields['image_to_crop']}
