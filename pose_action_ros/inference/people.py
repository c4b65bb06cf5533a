"""Who is followed, and where to look for them: the one registry of people.

Without given boxes one person is followed: the whole image is searched at first, then the window
around the last pose. Where boxes are given (a detector, a region of interest) each is a person;
boxes of following frames are matched by their overlap. A person is registered when seen for the
first time, and leaves the registry when lost.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pose_action_ros.geometry import box_around, whole_image_box
from pose_action_ros.geometry.crop import MIN_BOX_PX
from pose_action_ros.inference.clip_buffer import ClipBuffer
from pose_action_ros.inference.motion import Motion
from pose_action_ros.inference.person import Person

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.inference.clip_buffer import ClipShape
    from pose_action_ros.inference.person import Reading, Sighting
    from pose_action_ros.inference.settings import TrackSettings

__all__ = ['People', 'Window']

_MIN_OVERLAP = 0.1
_MAX_SIZE = 2.0  # of a window, over the larger side of the image


@dataclass(frozen=True)
class Window:
    """A place to look at in this frame.

    Attributes:
        track_id: Who is expected there; the id becomes a track's once the person is seen.
        box: Where.
    """

    track_id: int
    box: PersonBox


class People:
    """Everybody who is followed. For each frame: `windows`, `sight` for each, `end_lost`.

    Args:
        clip_shape: Of each person's clip.
    """

    def __init__(self, clip_shape: ClipShape) -> None:
        self._clip_shape = clip_shape
        self._people: dict[int, Person] = {}
        self._given: dict[int, PersonBox] = {}  # the box that somebody gave last for a track
        self._next_id = 1
        self._image_size: tuple[int, int] | None = None

    def __iter__(self) -> Iterator[Person]:
        """Iterate over everybody."""
        return iter(self._people.values())

    @property
    def clip_shape(self) -> ClipShape:
        """Shape of each person's clip; another one empties all clips."""
        return self._clip_shape

    @clip_shape.setter
    def clip_shape(self, shape: ClipShape) -> None:
        if shape != self._clip_shape:
            self._clip_shape = shape
            for person in self:
                person.clip = ClipBuffer(*shape)

    def reset(self) -> list[int]:
        """Forget everybody; return the ids of the tracks that end."""
        ended = list(self._people)
        self._people.clear()
        self._given.clear()
        return ended

    def restart(self, stamp_ns: int) -> None:
        """Go on from another time, at which everybody was just seen and stands still."""
        for person in self:
            person.restart(stamp_ns)

    def windows(
        self,
        stamp_ns: int,
        image_size: tuple[int, int],
        settings: TrackSettings,
        boxes: Sequence[PersonBox] | None = None,
    ) -> list[Window]:
        """Return where to look.

        Args:
            stamp_ns: Stamp of the image.
            image_size: Its width and height, pixels.
            settings: Limits.
            boxes: Where people are, if somebody knows; None to look for one person.
        """
        self._image_size = image_size
        if boxes is not None:
            return self._matched(boxes[: settings.max_people])
        self._given.clear()
        if not self._people:
            return [Window(self._next_id, whole_image_box(*image_size))]
        return [
            Window(track_id, person.motion.window(stamp_ns, velocity=settings.velocity))
            for track_id, person in self._people.items()
        ]

    def sight(self, reading: Reading, stamp_ns: int, settings: TrackSettings) -> Sighting | None:
        """Take in what the network read in a window; None where it read nobody.

        Args:
            reading: The window must be one of this frame's.
            stamp_ns: Stamp of the image.
            settings: Limits.
        """
        confidence, found = reading.arrays.visibility, None
        person = self._people.get(reading.track_id)
        if float(confidence.mean()) >= settings.min_confidence:
            certain = confidence >= settings.min_joint_confidence
            found = box_around(reading.joints_image[:, :2], certain, enlarge=settings.enlarge)
        if found is None or not self._is_plausible(found):
            if person is not None:
                person.motion.miss(stop=True)
            return None
        if person is None:
            person = Person(Motion(found, stamp_ns), ClipBuffer(*self._clip_shape))
            self._people[reading.track_id] = person
            self._next_id = max(self._next_id, reading.track_id + 1)
        else:
            person.motion.follow(found, stamp_ns)
        return person.see(reading, stamp_ns)

    def end_lost(
        self, stamp_ns: int, settings: TrackSettings, looked_at: Sequence[int]
    ) -> list[int]:
        """End tracks that were not seen for too long.

        Args:
            stamp_ns: Stamp of the image.
            settings: Limits.
            looked_at: Ids of all windows of this image; other tracks count as missed.

        Returns:
            Ids of the tracks that end with this image.
        """
        for track_id in self._people.keys() - set(looked_at):
            self._people[track_id].motion.miss()
        lost = [
            track_id
            for track_id, person in self._people.items()
            if person.motion.is_lost(stamp_ns, settings.lost_after_s)
        ]
        for track_id in lost:
            del self._people[track_id]
            self._given.pop(track_id, None)
        return lost

    def _is_plausible(self, box: PersonBox) -> bool:
        """Networks see people in any crop; one whose middle is outside the image is none."""
        if self._image_size is None:
            return True
        width, height = self._image_size
        rim = MIN_BOX_PX  # which is all there is of a tiny image
        inside = -rim <= box.center_x <= width + rim and -rim <= box.center_y <= height + rim
        return inside and box.size <= _MAX_SIZE * max(width, height, rim)

    def _matched(self, boxes: Sequence[PersonBox]) -> list[Window]:
        """Give the boxes the ids of the tracks that they overlap most, the rest new ones.

        A track is where its pose was, and where its last given box was: a fixed region of
        interest may be many times as large as the person in it.
        """
        overlaps = {
            (index, track_id): max(
                _overlap(box, person.motion.box),
                _overlap(box, self._given.get(track_id, person.motion.box)),
            )
            for index, box in enumerate(boxes)
            for track_id, person in self._people.items()
        }
        ids: dict[int, int] = {}
        for index, track_id in sorted(overlaps, key=overlaps.__getitem__, reverse=True):
            free = index not in ids and track_id not in ids.values()
            if free and overlaps[index, track_id] > _MIN_OVERLAP:
                ids[index] = track_id
        new_ids = itertools.count(self._next_id)
        windows = [
            Window(ids[index] if index in ids else next(new_ids), box)
            for index, box in enumerate(boxes)
        ]
        self._given |= {window.track_id: window.box for window in windows}
        return windows


def _overlap(a: PersonBox, b: PersonBox) -> float:
    """Intersection over union of two squares."""
    reach = (a.size + b.size) / 2.0
    width = min(reach - abs(a.center_x - b.center_x), a.size, b.size)
    height = min(reach - abs(a.center_y - b.center_y), a.size, b.size)
    if width <= 0.0 or height <= 0.0:
        return 0.0
    inner = width * height
    return inner / (a.size**2 + b.size**2 - inner)
