"""Counts people found in a still image without boxes, and false people.

Owns: the protocol. An image is shown to a fresh stream a few times, as a camera that stands still
shows it. An annotated person is found if the pose of one track has at least half of the person's
joints within half a torso. A person who is not found is misread if a track of a similar size has
most of its joints in the person's box. Every other track that lasts to the end is a false person,
also a second one of the same person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonPrediction
    from pose_action_ros.inference.stream import PoseActionStream

__all__ = ['LOOKS', 'LOOK_NS', 'Finding', 'look_at', 'match_people']

LOOKS = 6
"""How often an image is shown."""

LOOK_NS = 100_000_000
"""Time between two looks: the window closes in on a person meanwhile."""

_THRESHOLD = 0.5  # of the torso
_SHARE = 0.5  # of the annotated joints
_INSIDE = 0.5  # share of a misread person's joints in the person's box
_UNLIKE = 2.0  # ratio of the sizes of a track and of the person whom it misreads


class Finding(NamedTuple):
    """Counts of one image.

    Attributes:
        people: Annotated persons.
        found: Number of annotated persons that were found.
        misread: Tracks with wrong joints on an annotated person who was not found.
        false: All other tracks.
    """

    people: int
    found: int
    misread: int
    false: int


def look_at(
    stream: PoseActionStream, image_rgb: NDArray[np.uint8]
) -> list[tuple[PersonPrediction, ...]]:
    """Show a still image repeatedly to a stream without tracks; return the people of each time.

    Args:
        stream: The stream; it is reset first.
        image_rgb: (H, W, 3) uint8.
    """
    stream.reset()
    stamps = range(LOOK_NS, (LOOKS + 1) * LOOK_NS, LOOK_NS)
    return [stream.process(image_rgb, stamp_ns).persons for stamp_ns in stamps]


def match_people(
    tracks: Sequence[NDArray[np.floating]],
    people: Sequence[NDArray[np.floating]],
    torsos_px: Sequence[float],
    corners_px: Sequence[NDArray[np.floating]] = (),
) -> Finding:
    """Match tracks with annotated persons, one to one.

    Args:
        tracks: (J, 2) joints of each track, pixels; NaN if not seen.
        people: (J, 2) joints of each person, NaN if not annotated.
        torsos_px: Scale of each person.
        corners_px: (4,) x1, y1, x2, y2 of each person, then of others who are not judged.
    """
    shares = np.zeros((len(people), len(tracks)))
    for row, (joints, torso) in enumerate(zip(people, torsos_px, strict=True)):
        known = np.isfinite(joints).all(-1)
        for column, track in enumerate(tracks):
            near = np.linalg.norm(track - joints, axis=-1)[known] <= _THRESHOLD * torso
            shares[row, column] = near.mean() if known.any() else 0.0
    found = _pairs(shares, _SHARE)
    met, used = ({pair[side] for pair in found} for side in (0, 1))
    rest = [track for column, track in enumerate(tracks) if column not in used]
    missed = [c for row, c in enumerate(corners_px) if row not in met]
    misread = _pairs(np.array([[_share_inside(t, c) for t in rest] for c in missed]), _INSIDE)
    return Finding(len(people), len(found), len(misread), len(rest) - len(misread))


def _pairs(shares: NDArray[np.floating], least: float) -> list[tuple[int, int]]:
    """Rows and columns of the largest shares; each row and each column once."""
    shares = shares.copy()
    pairs = []
    while shares.size and shares.max() >= least:
        row, column = (int(i) for i in np.unravel_index(int(shares.argmax()), shares.shape))
        shares[row], shares[:, column] = 0.0, 0.0
        pairs.append((row, column))
    return pairs


def _share_inside(track: NDArray[np.floating], corners_px: NDArray[np.floating]) -> float:
    """Share of a track's joints in a person's box; 0 where the sizes are unlike."""
    seen = track[np.isfinite(track).all(-1)]
    low, high = corners_px[:2], corners_px[2:]
    size = float((high - low).max())
    if not len(seen) or not size / _UNLIKE <= np.ptp(seen, axis=0).max() <= size * _UNLIKE:
        return 0.0
    return float(((seen >= low) & (seen <= high)).all(-1).mean())
