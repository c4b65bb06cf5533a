"""The one registry of tracked people, and of the windows in which to look for them.

With a search, several people are tracked. Each is expected in the window around the last pose, and
each candidate that is not a tracked person gets a window too. Two tracks never share a pose: the
track that fits it worse counts as hidden behind the other and waits. Without a search one person
is tracked, and the first window is the whole image. If boxes are given (by a detector, or as a
region of interest), each is a person; boxes of consecutive frames are matched by their overlap. A
person is registered when first seen, and removed when lost.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pose_action_ros.geometry import whole_image_box
from pose_action_ros.inference.clip_buffer import ClipBuffer
from pose_action_ros.inference.meeting import (
    assign,
    is_behind,
    is_one_pose,
    is_part_of,
    is_same_place,
    misfit,
    shared_area,
)
from pose_action_ros.inference.motion import Motion
from pose_action_ros.inference.newcomers import begins_track, seen_box
from pose_action_ros.inference.person import Person

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.inference.clip_buffer import ClipShape
    from pose_action_ros.inference.person import Reading, Sighting
    from pose_action_ros.inference.settings import TrackSettings

__all__ = ['People', 'Window']

_NEAR = 0.5  # of a window: a candidate this near may be the person who was missed there
_NEARER = 1.3  # times the farthest person's size: a newcomer as large as that takes their place
_MOST_NEW = 2  # candidates beside tracked people
_TAKEN = 0.5  # shared area from which two poses are of one person
_NOT_THERE = 0.15  # misfit of a person who was not seen in the last image


@dataclass(frozen=True)
class Window:
    """A window of this frame.

    Attributes:
        track_id: The expected person; the id becomes a track's once the person is seen.
        box: The window.
    """

    track_id: int
    box: PersonBox


class People:
    """All tracked people. For each frame call `windows`, `sight` and `end_lost`.

    Args:
        clip_shape: Shape of each person's clip.

    Attributes:
        is_crowded: In the last frame a person was dropped because too many others are nearer.
        unlooked: Candidates for which the frame has no time, the most certain first.
    """

    def __init__(self, clip_shape: ClipShape) -> None:
        self._clip_shape = clip_shape
        self._people: dict[int, Person] = {}
        self._given: dict[int, PersonBox] = {}  # the last given box of a track
        self._next_id = 1
        self._searched = False  # the frame's windows come from a search
        self._waiting: set[int] = set()  # whose turn it is not
        self._frames = itertools.count(1)
        self.is_crowded = False
        self.unlooked: list[PersonBox] = []
        self._image_size: tuple[int, int] | None = None

    def __iter__(self) -> Iterator[Person]:
        """Iterate over all tracked people."""
        return iter(self._people.values())

    def __len__(self) -> int:
        """Return the number of tracked people."""
        return len(self._people)

    @property
    def waiting(self) -> list[Person]:
        """People whose turn it was not in the last frame, and who were seen in their last."""
        ids = sorted(self._waiting & self._people.keys())
        return [self._people[i] for i in ids if not self._people[i].motion.is_missed]

    @property
    def track_ids(self) -> tuple[int, ...]:
        """Ids of everybody."""
        return tuple(self._people)

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
        """Drop all people; return the ids of the tracks that end."""
        ended = list(self._people)
        self._people.clear()
        self._given.clear()
        return ended

    def restart(self, stamp_ns: int) -> None:
        """Continue from another time, as if all had just been seen, standing still."""
        for person in self:
            person.restart(stamp_ns)

    def windows(
        self,
        stamp_ns: int,
        image_size: tuple[int, int],
        settings: TrackSettings,
        boxes: Sequence[PersonBox] | None = None,
        *,
        candidates: Sequence[PersonBox] | None = None,
        most: int | None = None,
    ) -> list[Window]:
        """Return where to look.

        Args:
            stamp_ns: Stamp of the image.
            image_size: Its width and height, pixels.
            settings: Limits.
            boxes: Boxes of people from outside; None to look for people.
            candidates: Places of possible people, most certain first; None without a search.
            most: Number of windows for which there is time; None for all.
        """
        self._image_size = image_size
        self._waiting = set()
        self.unlooked = []
        self._searched = boxes is None and candidates is not None
        if boxes is not None:
            return self._matched(boxes[: settings.max_people])
        self._given.clear()
        if candidates is None and not self._people:
            return [Window(self._next_id, whole_image_box(*image_size))]
        expected = {
            track_id: person.motion.window(stamp_ns, velocity=settings.velocity)
            for track_id, person in self._people.items()
        }
        free = self._unexplained(expected, candidates or (), settings)
        own = self._in_turn([Window(*item) for item in expected.items()], most)
        left = settings.max_people if most is None else max(1, most - len(own))
        return own + self._new_windows(free, settings, left)

    def _unexplained(
        self,
        expected: dict[int, PersonBox],
        candidates: Sequence[PersonBox],
        settings: TrackSettings,
    ) -> list[PersonBox]:
        """Candidates that are no tracked person; a missed person takes over a near candidate."""
        free = []
        missed = {i for i, person in self._people.items() if person.motion.is_missed}
        for box in candidates:
            seen = expected.keys() - missed
            if any(is_same_place(box, expected[i], settings.enlarge) for i in seen):
                continue
            near = {i: misfit(box, expected[i]) for i in missed}
            track_id = min(near, key=near.__getitem__, default=None)
            if track_id is not None and near[track_id] < _NEAR:
                expected[track_id] = box
                missed.discard(track_id)
            else:
                free.append(box)
        return free

    def _in_turn(self, windows: list[Window], most: int | None) -> list[Window]:
        """The nearest person first; if there is no time for all, the others take turns."""
        windows.sort(key=lambda window: window.box.size, reverse=True)
        chosen = windows
        if most is not None and len(windows) > most:
            later = sorted(windows[1:], key=lambda w: self._people[w.track_id].last_turn)
            chosen = [windows[0], *later[: max(most, 1) - 1]]
            self._waiting = {w.track_id for w in windows} - {w.track_id for w in chosen}
        turn = next(self._frames)
        for window in chosen:
            self._people[window.track_id].last_turn = turn
        return chosen

    def _new_windows(
        self, free: list[PersonBox], settings: TrackSettings, most: int
    ) -> list[Window]:
        """Windows of candidates, limited by the time and by the number of people."""
        room = settings.max_people - len(self._people)
        if room <= 0:
            farthest = min(person.motion.box.size for person in self)
            free = [box for box in free if box.size > _NEARER * farthest]
        most = min(most, max(room, 1), _MOST_NEW if self._people else room)
        self.unlooked = free[most:]
        return [Window(self._next_id + i, box) for i, box in enumerate(free[:most])]

    def newcomers(
        self, readings: Sequence[Reading], settings: TrackSettings, min_confidence: float
    ) -> list[Window]:
        """Return the windows to look at again: around the poses that would begin a track.

        Args:
            readings: Readings of all windows of this frame.
            settings: Limits.
            min_confidence: Smallest probability of a person with which a track begins.
        """
        if not self._searched:
            return []
        return [
            Window(reading.track_id, box)
            for reading in readings
            if reading.track_id not in self._people
            and (box := seen_box(reading, settings, self._image_size, min_confidence))
        ]

    def confirmed(
        self,
        readings: Sequence[Reading],
        again: Sequence[Reading],
        settings: TrackSettings,
        min_confidence: float,
    ) -> list[Reading]:
        """Replace readings of newcomers by the second ones, or drop them if those are unsure.

        Args:
            readings: As in `newcomers`.
            again: Readings of the windows that `newcomers` returned.
            settings: As in `newcomers`.
            min_confidence: As in `newcomers`.
        """
        if not self._searched:
            return list(readings)
        return [r for r in readings if r.track_id in self._people] + [
            reading
            for reading in again
            if begins_track(reading, settings, self._image_size, min_confidence)
        ]

    def sight(
        self, readings: Sequence[Reading], stamp_ns: int, settings: TrackSettings
    ) -> list[Sighting]:
        """Update the people with the readings of all windows of a frame; return the sightings.

        Args:
            readings: Readings of all windows of this frame.
            stamp_ns: Stamp of the image.
            settings: Limits.
        """
        found = {
            reading.track_id: (reading, box)
            for reading in readings
            if (box := seen_box(reading, settings, self._image_size)) is not None
        }
        for track_id in self._doubles(found, settings) if self._searched else ():
            del found[track_id]
        sightings = []
        for reading in readings:
            track_id = reading.track_id
            person = self._people.get(track_id)
            if track_id not in found:
                if person is not None:
                    others = [box for _, box in found.values()]
                    hidden = self._searched and is_behind(reading.box, others)
                    person.motion.miss(stop=not hidden, hidden=hidden)
                continue
            box = found[track_id][1]
            if person is None:
                person = Person(Motion(box, stamp_ns, reading.box), ClipBuffer(*self._clip_shape))
                self._people[track_id] = person
                self._next_id = max(self._next_id, track_id + 1)
            else:
                person.motion.follow(box, stamp_ns, reading.box)
            sightings.append(person.see(reading, stamp_ns))
        return sightings

    def _doubles(
        self, found: dict[int, tuple[Reading, PersonBox]], settings: TrackSettings
    ) -> set[int]:
        """Ids whose pose fits another track better, or is a part of another person.

        A track begins only where nobody else is: a network often reads two poses of one person,
        and two people rarely cover each other.
        """
        lost: set[int] = set()
        for a, b in itertools.combinations(found, 2):
            if lost & {a, b}:
                continue
            (reading_a, box_a), (reading_b, box_b) = found[a], found[b]
            size = max(box_a.size, box_b.size)
            if is_part_of(reading_a, reading_b, settings):
                lost.add(a)
            elif is_part_of(reading_b, reading_a, settings):
                lost.add(b)
            elif is_one_pose(reading_a, reading_b, size, settings) or (
                not {a, b} <= self._people.keys()
                and shared_area(reading_a, reading_b, settings) > _TAKEN
            ):
                lost.add(max(a, b, key=lambda track_id: self._strangeness(*found[track_id])))
        return lost

    def _strangeness(self, reading: Reading, box: PersonBox) -> tuple[float, float]:
        """Misfit of a pose and its track; new tracks fit worst, above all unsure ones."""
        person = self._people.get(reading.track_id)
        if person is None:
            return math.inf, -reading.person_confidence
        return misfit(box, reading.box) + _NOT_THERE * person.motion.is_missed, 0.0

    def end_lost(
        self,
        stamp_ns: int,
        settings: TrackSettings,
        looked_at: Sequence[int],
        hidden_s: float | None = None,
    ) -> list[int]:
        """End tracks that were not seen for too long, or are too many.

        Args:
            stamp_ns: Stamp of the image.
            settings: Limits.
            looked_at: Ids of all windows of this image; other tracks count as missed, except
                those whose turn it is not.
            hidden_s: Seconds until the track of a hidden person ends; by default as for others.

        Returns:
            Ids of the tracks that end with this image.
        """
        for track_id in self._people.keys() - set(looked_at) - self._waiting:
            self._people[track_id].motion.miss()
        wait_s = settings.lost_after_s if hidden_s is None else hidden_s
        lost = [
            track_id
            for track_id, person in self._people.items()
            if person.motion.is_lost(
                stamp_ns, wait_s if person.motion.hidden else settings.lost_after_s
            )
        ]
        lost += self._too_many(settings.max_people, lost)
        for track_id in lost:
            del self._people[track_id]
            self._given.pop(track_id, None)
        return lost

    def _too_many(self, most: int, lost: Sequence[int]) -> list[int]:
        """Ids of the farthest people, if there are more than may be tracked."""
        kept = [track_id for track_id in self._people if track_id not in lost]
        kept.sort(key=lambda track_id: self._people[track_id].motion.box.size, reverse=True)
        self.is_crowded = self._searched and len(kept) > most
        return kept[most:] if self._searched else []

    def _matched(self, boxes: Sequence[PersonBox]) -> list[Window]:
        """Give the boxes the ids of the tracks that they overlap most; others get new ids.

        The place of a track is that of its pose and that of its last given box, because a fixed
        region of interest may be many times as large as the person in it.
        """
        ids = assign(
            boxes,
            {
                track_id: (person.motion.box, self._given.get(track_id, person.motion.box))
                for track_id, person in self._people.items()
            },
        )
        new_ids = itertools.count(self._next_id)
        windows = [
            Window(ids[index] if index in ids else next(new_ids), box)
            for index, box in enumerate(boxes)
        ]
        self._given |= {window.track_id: window.box for window in windows}
        return windows
