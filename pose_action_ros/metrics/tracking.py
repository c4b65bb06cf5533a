"""Quality of tracks: misses, false people and changes of identity.

After K. Bernardin and R. Stiefelhagen, Evaluating Multiple Object Tracking Performance: The CLEAR
MOT Metrics, 2008, with joints in place of boxes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ['TrackScore']

_NEAR = 0.25  # mean distance of the joints, over the person's size
_SEEN = 0.5  # share of somebody's joints that must be visible to count as missed


@dataclass
class TrackScore:
    """Counts over the frames of a film.

    Attributes:
        frames: Number of frames.
        people: Visible people, summed over the frames.
        missed: Of these, those without a track.
        false: Tracks without a person.
        switches: Number of times that a person's track had another id than before.
    """

    frames: int = 0
    people: int = 0
    missed: int = 0
    false: int = 0
    switches: int = 0
    _ids: dict[int, int] = field(default_factory=dict)

    def add(
        self,
        tracks: Mapping[int, NDArray[np.floating]],
        people: Sequence[NDArray[np.floating]],
        visible: Sequence[NDArray[np.bool_]],
    ) -> None:
        """Count a frame.

        Args:
            tracks: (J, 2) joints in pixels by id, NaN where unknown.
            people: (J, 2) joints of each person, in the same order in each frame.
            visible: (J,) bool, the joints that the camera sees. A person with fewer than half of
                them does not count as missed.
        """
        ids = list(tracks)
        costs = np.array(
            [[_distance(tracks[i], person) for i in ids] for person in people]
        ).reshape(len(people), len(ids))
        for person, track_id in self._ids.items():  # CLEAR MOT: earlier matches have priority
            if track_id in ids and costs[person, ids.index(track_id)] <= _NEAR:
                costs[person, ids.index(track_id)] -= 1.0
        matched: dict[int, int] = {}
        while costs.size and costs.min() <= _NEAR:
            person, column = (int(i) for i in np.unravel_index(int(costs.argmin()), costs.shape))
            matched[person] = ids[column]
            costs[person], costs[:, column] = np.inf, np.inf
        self.frames += 1
        self.false += len(ids) - len(matched)
        for person, seen in enumerate(visible):
            counts = bool(seen.mean() >= _SEEN)
            self.people += counts
            self.missed += counts and person not in matched
            if person in matched:
                self.switches += self._ids.get(person, matched[person]) != matched[person]
        self._ids |= matched


def _distance(track: NDArray[np.floating], person: NDArray[np.floating]) -> float:
    """Mean distance of the known joints over the person's size; infinite without any."""
    away = np.linalg.norm(track - person, axis=-1)
    known = np.isfinite(away)
    size = float(np.ptp(person, axis=0).max())
    return float(away[known].mean()) / max(size, 1e-9) if known.any() else np.inf
