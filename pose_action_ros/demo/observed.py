"""One image of the demo: the people that the node published, and the actors that were filmed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pose_action_ros.msg import Pose3D

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.msg import ActionLabel, Person

__all__ = ['ObservedFrame', 'TruePerson', 'joints_from_msg']


class TruePerson(NamedTuple):
    """The truth of one simulated actor.

    Attributes:
        pose: The true pose; `track_id` is constant for an actor.
        action: The true label; None until its message has arrived.
    """

    pose: Pose3D
    action: ActionLabel | None


@dataclass
class ObservedFrame:
    """One image, its results and its truth.

    Attributes:
        stamp_ns: The image's stamp.
        image_rgb: (H, W, 3) uint8.
        people: The people in this image; None if the node did not process it.
        actors: The simulated actors in this image; empty for other sources.
    """

    stamp_ns: int
    image_rgb: NDArray[np.uint8]
    people: tuple[Person, ...] | None = None
    actors: tuple[TruePerson, ...] = ()

    def pairs(self) -> list[tuple[Person, TruePerson]]:
        """Return people with their actors: the nearest pairs first, one to one.

        People and actors differ in number if somebody was missed or is false.
        """
        people = self.people or ()
        rest = {
            (row, column): distance
            for row, person in enumerate(people)
            for column, actor in enumerate(self.actors)
            if np.isfinite(distance := _distance_px(person.pose, actor.pose))
        }
        found = []
        while rest:
            row, column = min(rest, key=rest.__getitem__)
            found.append((people[row], self.actors[column]))
            rest = {pair: d for pair, d in rest.items() if pair[0] != row and pair[1] != column}
        return found


def joints_from_msg(pose: Pose3D) -> NDArray[np.float64]:
    """Return (J, 5): u, v in pixels, then x, y, z in metres; from the root without a camera."""
    is_placed = pose.reference == Pose3D.REFERENCE_CAMERA
    places = [joint.position if is_placed else joint.from_root for joint in pose.joints]
    return np.array(
        [(j.u, j.v, p.x, p.y, p.z) for j, p in zip(pose.joints, places, strict=True)], np.float64
    )


def _distance_px(pose: Pose3D, other: Pose3D) -> float:
    """Distance of the middles of two poses, which may have different layouts; NaN without one."""
    middles = []
    for each in (pose, other):
        places = np.array([(joint.u, joint.v) for joint in each.joints])
        places = places[np.isfinite(places).all(axis=1)]
        if not len(places):
            return float('nan')
        middles.append(places.mean(axis=0))
    return float(np.linalg.norm(middles[0] - middles[1]))
