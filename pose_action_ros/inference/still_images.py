"""Counts people found in a still image without boxes, and false people.

Owns: the protocol. An image is shown to a fresh stream a few times, as a camera that stands still
shows it. An annotated person is found if the pose of one track has at least half of the person's
joints within half a torso. Every other track that lasts to the end is a false person.
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


class Finding(NamedTuple):
    """Counts of one image.

    Attributes:
        people: Annotated persons.
        found: Number of annotated persons that were found.
        false: Tracks that match none of them.
    """

    people: int
    found: int
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
) -> Finding:
    """Match tracks with annotated persons, one to one.

    Args:
        tracks: (J, 2) joints of each track, pixels.
        people: (J, 2) joints of each person, NaN if not annotated.
        torsos_px: Scale of each person.
    """
    shares = np.zeros((len(people), len(tracks)))
    for row, (joints, torso) in enumerate(zip(people, torsos_px, strict=True)):
        known = np.isfinite(joints).all(-1)
        for column, track in enumerate(tracks):
            near = np.linalg.norm(track - joints, axis=-1)[known] <= _THRESHOLD * torso
            shares[row, column] = near.mean() if known.any() else 0.0
    found = 0
    while shares.size and shares.max() >= _SHARE:
        row, column = (int(i) for i in np.unravel_index(int(shares.argmax()), shares.shape))
        shares[row], shares[:, column] = 0.0, 0.0
        found += 1
    return Finding(len(people), found, len(tracks) - found)
