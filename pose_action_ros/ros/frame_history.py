"""Causes of missing results although the node runs, with one text for each.

`FrameHistory` keeps the last seconds of images and results and names their faults.
Every problem ends by itself once its cause is gone. Times are seconds of a steady clock.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ['SKIPPED', 'FrameHistory']

_WINDOW_S = 5.0
_BAD_SHARE = 0.05
_MIN_IMAGES = 5  # for a verdict on stamps and frames; slow ones take longer than the window
_MIN_POSES = 3
_MOST_DISTANCES = 0.5  # share of the poses that may lack the distance that was asked for
_PATIENCE_S = 2.0  # beyond the duration of a clip, for a first label
_LENGTH = 4096
_NAMED = 3  # frames, in a text
_MIN_STEPS = 2
_MIN_SKIPPED = 3  # a recording that starts again costs one
_MIN_CHANGES = 3  # of the frame; a camera that is started again with another one makes one

SKIPPED = 'are skipped'
"""The fate of images whose stamps do not fit."""


class _Arrival(NamedTuple):
    at_s: float
    stamp_ns: int
    frame_id: str


class _Outcome(NamedTuple):
    at_s: float
    what: str  # fate of the image, for the message; empty if it was processed
    reason: str


class _Pose(NamedTuple):
    at_s: float
    problem: str  # of its distance; empty if there is none


class _Result(NamedTuple):
    at_s: float
    stamp_ns: int


class FrameHistory:
    """Images and results of the last seconds; written and read by two threads.

    Args:
        clock: Seconds, steady.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._arrivals: deque[_Arrival] = deque(maxlen=_LENGTH)
        self._outcomes: deque[_Outcome] = deque(maxlen=_LENGTH)
        self._poses: deque[_Pose] = deque(maxlen=_LENGTH)
        self._unlabelled: deque[_Result] = deque(maxlen=_LENGTH)  # since the last valid label

    def clear(self) -> None:
        """Clear the history, because the node becomes active or resumes."""
        with self._lock:
            for memory in (self._arrivals, self._outcomes, self._poses, self._unlabelled):
                memory.clear()  # type: ignore[attr-defined]

    def add_arrival(self, stamp_ns: int, frame_id: str) -> None:
        """Note that an image with this stamp and frame has come."""
        with self._lock:
            self._arrivals.append(_Arrival(self._clock(), stamp_ns, frame_id))

    def add_failure(self, what: str, reason: str) -> None:
        """Note that an image gave no result.

        Args:
            what: Predicate that fits all images of this kind: `cannot be decoded`.
            reason: The reason for this image.
        """
        with self._lock:
            self._outcomes.append(_Outcome(self._clock(), what, reason))

    def add_result(
        self, stamp_ns: int, people: int, valid: bool, distance_problems: Sequence[str] = ()
    ) -> None:
        """Note that an image was processed.

        Args:
            stamp_ns: Its stamp.
            people: Number of people seen.
            valid: Some label is valid, or the network gives none.
            distance_problems: A reason for each of them who lacks the distance that was asked for.
        """
        with self._lock:
            now_s = self._clock()
            self._outcomes.append(_Outcome(now_s, '', ''))
            fine = [''] * (people - len(distance_problems))
            self._poses.extend(_Pose(now_s, problem) for problem in (*distance_problems, *fine))
            if valid:
                self._unlabelled.clear()
            elif people:
                self._unlabelled.append(_Result(now_s, stamp_ns))

    def has_results(self) -> bool:
        """Tell whether an image of the last seconds was processed.

        Faults that only an image can renew, such as those of depth, count only then.
        """
        with self._lock:
            since_s = self._clock() - _WINDOW_S
            return any(not o.what for o in self._outcomes if o.at_s >= since_s)

    def problems(self, clip_s: float, max_gap_s: float) -> dict[str, str]:
        """Return the faults, by cause; empty if there is none.

        Args:
            clip_s: Duration of a clip.
            max_gap_s: `clip.max_gap`.
        """
        with self._lock:
            since_s = self._clock() - _WINDOW_S
            arrivals = _latest(list(self._arrivals), since_s)
            outcomes = [outcome for outcome in self._outcomes if outcome.at_s >= since_s]
            poses = [pose for pose in self._poses if pose.at_s >= since_s]
            results = list(self._unlabelled)
        found = {
            'images': _failing(outcomes),
            'stamps': _stamps([arrival.stamp_ns for arrival in arrivals]),
            'frames': _frames([arrival.frame_id for arrival in arrivals]),
            'distance': _distances([pose.problem for pose in poses]),
        }
        is_recent = bool(results) and results[-1].at_s >= since_s
        if is_recent and not found['stamps']:
            found['labels'] = _labels(results, clip_s, max_gap_s)
        return {cause: text for cause, text in found.items() if text}


def _latest(arrivals: list[_Arrival], since_s: float) -> list[_Arrival]:
    """The images of the window, and earlier ones if it has few; none if no image comes."""
    count = sum(arrival.at_s >= since_s for arrival in arrivals)
    return arrivals[-max(count, _MIN_IMAGES) :] if count else []


def _failing(outcomes: list[_Outcome]) -> str:
    """Return the kinds of failure, the most frequent first, if there are too many failures."""
    counts = Counter(outcome.what for outcome in outcomes if outcome.what)
    few = set(counts) == {SKIPPED} and counts.total() < _MIN_SKIPPED
    if few or counts.total() <= _BAD_SHARE * len(outcomes):
        return ''
    last = {outcome.what: outcome.reason for outcome in outcomes}
    (most, number), *others = counts.most_common()
    first = f'{number} of the last {len(outcomes)} images {most}: {last[most]}'
    return '; '.join([first, *(f'{count} {what}: {last[what]}' for what, count in others)])


def _distances(problems: list[str]) -> str:
    """Return the most frequent reason if most poses lack the distance that was asked for.

    Without numbers, so that the text stays the same.
    """
    counts = Counter(filter(None, problems))
    if len(problems) < _MIN_POSES or counts.total() <= _MOST_DISTANCES * len(problems):
        return ''
    ((reason, _),) = counts.most_common(1)
    return f'{reason} (most poses of the last {_WINDOW_S:g} s)'


def _stamps(stamps: list[int]) -> str:
    if len(stamps) < _MIN_IMAGES:
        return ''
    if sum(stamp == 0 for stamp in stamps) > len(stamps) / 2:
        return 'images come without stamps (header.stamp is 0), so no label becomes valid'
    if len(set(stamps)) == 1:
        return 'all images have the same stamp, so no label becomes valid'
    return ''


def _frames(frames: list[str]) -> str:
    """Return the frames that alternate: tracks and clips of two cameras would be mixed."""
    changes = sum(before != after for before, after in pairwise(frames))
    if changes < _MIN_CHANGES:
        return ''
    names = ', '.join(map(repr, sorted(set(frames))[:_NAMED]))
    return f'several cameras publish on one topic (frames {names}): give each its own topic'


def _labels(results: list[_Result], clip_s: float, max_gap_s: float) -> str:
    """The reason why no label of the seen people is valid after the time of a clip."""
    steps_s = np.diff([result.stamp_ns for result in results]) * 1e-9
    # Neither images that come slower than their stamps say count, nor one jump of the stamps.
    waited_s = min(results[-1].at_s - results[0].at_s, steps_s[steps_s > 0.0].sum())
    if len(steps_s) < _MIN_STEPS or waited_s < clip_s + _PATIENCE_S:
        return ''
    usual_s = float(np.median(steps_s))
    if usual_s > max_gap_s:
        return (
            f'no label becomes valid: an image is processed every {usual_s:.2g} s, and '
            f'clip.max_gap is {max_gap_s:g} s; raise the frame rate, or clip.max_gap'
        )
    gaps = int((steps_s > max_gap_s).sum())
    if gaps:
        return (
            f'no label becomes valid: {gaps} pauses between images were longer than clip.max_gap '
            f'({max_gap_s:g} s)'
        )
    if (steps_s < 0.0).any():
        return 'no label becomes valid: the stamps of the images jump back'
    return f'no label becomes valid: nobody is tracked for a whole clip ({clip_s:.2g} s)'
