"""Where to look: the whole image at first, then the window around the last pose.

Without given boxes one person is followed. Where boxes are given (a detector, a region of
interest) each is a person; boxes of following frames are matched by their overlap.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.geometry import box_around, whole_image_box
from pose_action_ros.geometry.crop import MIN_BOX_PX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pose_action_ros.inference.settings import TrackSettings

__all__ = ['Tracker', 'Window']

_SPEED_MEMORY = 0.5  # of the last speed in the new one
_SIZE_MEMORY = 0.5  # of the last size in the new one
_MAX_LOOK_AHEAD_S = 0.2
_MIN_OVERLAP = 0.1
_MAX_SPEED = 1.0  # window sides a second; a window holds more than a person
_TIMELESS_MISSES = 5  # that end a track where stamps do not tell the time
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


@dataclass
class _Track:
    box: PersonBox
    stamp_ns: int  # when the person was seen last
    speed_px_s: NDArray[np.float64]
    misses: int = 0  # images in a row


class Tracker:
    """Follows people from frame to frame; one `windows`, then one `update` per window."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}
        self._given: dict[int, PersonBox] = {}  # the box that somebody gave last for a track
        self._next_id = 1
        self._image_size: tuple[int, int] | None = None

    def reset(self) -> list[int]:
        """Forget everybody; return the ids of the tracks that end."""
        ended = list(self._tracks)
        self._tracks.clear()
        self._given.clear()
        return ended

    def restart(self, stamp_ns: int) -> None:
        """Go on from another time, at which everybody was just seen and stands still."""
        for track in self._tracks.values():
            track.stamp_ns = stamp_ns
            track.speed_px_s *= 0.0

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
        if not self._tracks:
            return [Window(self._next_id, whole_image_box(*image_size))]
        windows = []
        for track_id, track in self._tracks.items():
            ahead_s = (stamp_ns - track.stamp_ns) * 1e-9 if settings.velocity else 0.0
            x, y = track.speed_px_s * np.clip(ahead_s, 0.0, _MAX_LOOK_AHEAD_S)
            box = track.box
            windows.append(
                Window(track_id, PersonBox(box.center_x + x, box.center_y + y, box.size))
            )
        return windows

    def update(
        self,
        track_id: int,
        stamp_ns: int,
        joints_image_px: NDArray[np.floating],
        confidence: NDArray[np.floating],
        settings: TrackSettings,
    ) -> bool:
        """Take in what was seen in a window.

        Args:
            track_id: Whose window was looked at.
            stamp_ns: Stamp of the image.
            joints_image_px: (J, 2) source pixels.
            confidence: (J,) 0 to 1.
            settings: Limits.

        Returns:
            True where a person was seen.
        """
        track = self._tracks.get(track_id)
        found = None
        if float(confidence.mean()) >= settings.min_confidence:
            certain = confidence >= settings.min_joint_confidence
            found = box_around(joints_image_px, certain, enlarge=settings.enlarge)
            if found is not None and not self._is_plausible(found):
                found = None
        if found is None:
            if track is not None:
                track.misses += 1
                track.speed_px_s *= 0.0
            return False
        if track is None:
            self._tracks[track_id] = _Track(found, stamp_ns, np.zeros(2))
            self._next_id = max(self._next_id, track_id + 1)
        else:
            _follow(track, found, stamp_ns)
        return True

    def drop_lost(
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
        for track_id, track in self._tracks.items():
            track.misses += track_id not in looked_at
        lost = [i for i, t in self._tracks.items() if _is_lost(t, stamp_ns, settings)]
        for track_id in lost:
            del self._tracks[track_id]
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
            (index, track_id): max(_overlap(box, track.box), _overlap(box, self._given[track_id]))
            if track_id in self._given
            else _overlap(box, track.box)
            for index, box in enumerate(boxes)
            for track_id, track in self._tracks.items()
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


def _is_lost(track: _Track, stamp_ns: int, settings: TrackSettings) -> bool:
    if not track.misses:
        return False
    unseen_ns = stamp_ns - track.stamp_ns
    if not unseen_ns:
        return track.misses >= _TIMELESS_MISSES
    return unseen_ns >= round(settings.lost_after_s * 1e9)


def _follow(track: _Track, found: PersonBox, stamp_ns: int) -> None:
    step_s = (stamp_ns - track.stamp_ns) * 1e-9
    moved = np.array([found.center_x - track.box.center_x, found.center_y - track.box.center_y])
    speed = moved / step_s if 0.0 < step_s <= _MAX_LOOK_AHEAD_S else np.zeros(2)
    # Seen wrongly, a person seems to move with the window: without a limit both run away.
    limit = _MAX_SPEED * found.size
    speed *= min(1.0, limit / max(float(np.linalg.norm(speed)), 1e-9))
    track.speed_px_s = _SPEED_MEMORY * track.speed_px_s + (1.0 - _SPEED_MEMORY) * speed
    size = _SIZE_MEMORY * track.box.size + (1.0 - _SIZE_MEMORY) * found.size
    # A person who grows fast (arms up) must not leave the window meanwhile.
    track.box = PersonBox(found.center_x, found.center_y, max(size, 0.9 * found.size))
    track.stamp_ns, track.misses = stamp_ns, 0


def _overlap(a: PersonBox, b: PersonBox) -> float:
    """Intersection over union of two squares."""
    reach = (a.size + b.size) / 2.0
    width = min(reach - abs(a.center_x - b.center_x), a.size, b.size)
    height = min(reach - abs(a.center_y - b.center_y), a.size, b.size)
    if width <= 0.0 or height <= 0.0:
        return 0.0
    inner = width * height
    return inner / (a.size**2 + b.size**2 - inner)
