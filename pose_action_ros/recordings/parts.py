"""A long recording in parts: each is watched on its own, and the results are joined again.

A part begins early, so that tracks, clips and filters have settled when its own time comes
(`OVERLAP_S`; docs/cluster.md has the differences that remain). Parts return predictions. The
recording is then written once, by the same code as ever, with a stream that gives the predictions
back instead of a network.
"""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from pose_action_ros.core.errors import ImageError
from pose_action_ros.core.predictions import FramePrediction
from pose_action_ros.recordings.annotator import Annotator
from pose_action_ros.recordings.reader import opened
from pose_action_ros.recordings.topics import CAMERA_INFO_TYPE, IMAGE_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.inference import PoseActionStream
    from pose_action_ros.messages.matched_inputs import MatchSettings
    from pose_action_ros.recordings.message_types import RecordedMessageMaker
    from pose_action_ros.recordings.topics import RecordingTopics

__all__ = ['OVERLAP_S', 'Part', 'PartAnnotator', 'Replay', 'Watched', 'joined', 'parts_of']

OVERLAP_S = 4.0
"""How long before its own time a part begins; after 2 s its joints are those of a whole run."""

_FOREVER_NS = 2**63 - 1
_SAME_PLACE = 0.25  # of a window's side: mean distance of joints up to which two are one person


@dataclass(frozen=True)
class Part:
    """A stretch of a recording, by the times at which its images were recorded.

    Attributes:
        start_ns: From here on it is watched.
        first_ns: From here on the results are its own.
        end_ns: Its first image that is another part's.
    """

    start_ns: int
    first_ns: int
    end_ns: int


@dataclass(frozen=True)
class Watched:
    """The results of a part.

    Attributes:
        before: Of the images before its own time, in order.
        own: Of its own images, in order.
        layout: Name of the network's joint layout.
        model_name: Name of the network.
    """

    before: tuple[FramePrediction, ...]
    own: tuple[FramePrediction, ...]
    layout: str
    model_name: str


def parts_of(recording: Path, split_s: float, overlap_s: float = OVERLAP_S) -> list[Part]:
    """Cut a recording into parts of equal length, near `split_s`; nothing where it is one part.

    Its length is taken from `metadata.yaml`; without that file it is one part.

    Args:
        recording: Folder or file.
        split_s: Length of a part, seconds.
        overlap_s: How long before its own time a part begins.

    Raises:
        DatasetError: There is no recording that can be read.
    """
    with opened(recording) as reader:
        span_ns = reader.span_ns
    if span_ns is None:
        return []
    start_ns, duration_ns = span_ns
    count = round(duration_ns * 1e-9 / split_s)
    if count <= 1:
        return []
    cuts = [start_ns + duration_ns * n // count for n in range(1, count)]
    early_ns = round(overlap_s * 1e9)
    return [
        Part(first_ns - early_ns, first_ns, end_ns)
        for first_ns, end_ns in itertools.pairwise([0, *cuts, _FOREVER_NS])
    ]


class PartAnnotator(Annotator):
    """Sees the messages of one part; results are kept, not written.

    Args:
        part: Which.
        make: As `Annotator`.
        stream: As `Annotator`.
        topics: As `Annotator`.
        settings: As `Annotator`.
    """

    def __init__(
        self,
        part: Part,
        make: RecordedMessageMaker,
        stream: PoseActionStream,
        topics: RecordingTopics,
        settings: MatchSettings,
    ) -> None:
        super().__init__(make, stream, topics, settings, cast('Any', _Nowhere()))
        self._part = part
        self._before: list[FramePrediction] = []
        self._own: list[FramePrediction] = []

    def watch(self, messages: Iterable[tuple[Any, int, bytes]]) -> Watched:
        """Take in the messages of a recording, from its start on."""
        part, topics = self._part, self._topics
        late_ns = part.end_ns + round(self._settings.sync_wait_s * 1e9)
        for connection, time_ns, data in messages:
            is_image = connection.topic == topics.image and connection.msgtype in IMAGE_TYPES
            if time_ns > late_ns:
                break
            if is_image and not part.start_ns <= time_ns < part.end_ns:
                continue
            if time_ns >= part.start_ns or connection.msgtype == CAMERA_INFO_TYPE:
                self.see(connection, time_ns, data)
        self.finish()
        return Watched(
            *(tuple(self._before), tuple(self._own)),
            *(self._stream.layout, self._stream.model_name),
        )

    def _predict(self, image: NDArray[np.uint8], waiting: Any) -> FramePrediction:
        prediction = super()._predict(image, waiting)
        is_own = waiting.time_ns >= self._part.first_ns
        (self._own if is_own else self._before).append(prediction)
        return replace(prediction, skipped='watched only')  # nothing is written


class _Nowhere:
    """A writer that nothing is written to."""

    def add_connection(self, *_: Any, **__: Any) -> None:
        """Take a topic."""


class Replay:
    """Gives predictions back, in place of a `PoseActionStream`.

    Args:
        parts: All parts of a recording, in order.
    """

    def __init__(self, parts: Sequence[Watched]) -> None:
        self.layout, self.model_name = parts[0].layout, parts[0].model_name
        self._left: dict[int, deque[FramePrediction]] = defaultdict(deque)
        for prediction in joined(parts):
            self._left[prediction.stamp_ns].append(prediction)

    def process(self, image_rgb: Any, stamp_ns: int, **_: Any) -> FramePrediction:
        """Return the prediction of the image with that stamp.

        Raises:
            ImageError: The network could not look at it.
        """
        if not self._left[stamp_ns]:
            raise ImageError('no part of the recording has a result for this image')
        return self._left[stamp_ns].popleft()


def joined(parts: Sequence[Watched]) -> list[FramePrediction]:
    """Return the predictions of all parts, with the ids that one run would have given.

    People of a part are those of the part before whose joints lie in the same place in the images
    that both have seen. New people get new ids in the order of their appearance.
    """
    found: list[FramePrediction] = []
    next_id = 1
    for part in parts:
        last = found[-1] if found else None
        ids = _same_people(part.before, found)
        gone = () if last is None else set(last.followed_tracks) - set(ids.values())
        for number, prediction in enumerate(part.own):
            for track_id in sorted(_ids_of(prediction) - ids.keys()):
                ids[track_id], next_id = next_id, next_id + 1
            renamed = _renamed(prediction, ids)
            if number == 0 and gone:
                renamed = replace(renamed, ended_tracks=(*sorted(gone), *renamed.ended_tracks))
            found.append(renamed)
    return found


def _ids_of(prediction: FramePrediction) -> set[int]:
    return {person.track_id for person in prediction.persons} | {*prediction.followed_tracks}


def _renamed(prediction: FramePrediction, ids: dict[int, int]) -> FramePrediction:
    return replace(
        prediction,
        persons=tuple(replace(p, track_id=ids[p.track_id]) for p in prediction.persons),
        ended_tracks=tuple(ids[n] for n in prediction.ended_tracks if n in ids),
        followed_tracks=tuple(ids[n] for n in prediction.followed_tracks),
    )


def _same_people(
    before: Sequence[FramePrediction], found: Sequence[FramePrediction]
) -> dict[int, int]:
    """Ids of one part to ids of the part before, for all tracks that both follow at the cut.

    Both have seen the images before the cut; those nearest to it count first.
    """
    ids: dict[int, int] = {}
    if not (before and found):
        return ids
    mine, theirs = {*before[-1].followed_tracks}, {*found[-1].followed_tracks}
    for here, there in zip(reversed(before), reversed(found), strict=False):
        for a, b in _near(here, there):
            if a in mine and b in theirs:
                ids[a] = b
                mine.discard(a)
                theirs.discard(b)
        if not (mine and theirs):
            break
    return ids


def _near(here: FramePrediction, there: FramePrediction) -> list[tuple[int, int]]:
    """Pairs of ids of people in one place in one image, the nearest first."""
    distances = {
        (a.track_id, b.track_id): float(
            np.nanmean(np.linalg.norm(a.joints_image_px - b.joints_image_px, axis=1))
        )
        / max(a.box.size, 1.0)
        for a in here.persons
        for b in there.persons
        if np.isfinite(a.joints_image_px - b.joints_image_px).any()
    }
    near = [pair for pair, distance in distances.items() if distance < _SAME_PLACE]
    return sorted(near, key=distances.__getitem__)
