"""Position and speed of one person in the image, and the time since they were seen."""

from __future__ import annotations

import math

import numpy as np

from pose_action_ros.core.predictions import PersonBox

__all__ = ['Motion']

_SPEED_MEMORY = 0.5  # weight of the last speed in the new one
_SIZE_MEMORY = 0.5  # weight of the last size in the new one
_MAX_LOOK_AHEAD_S = 0.2
_SHRINK_S = 0.3  # time in which a window may shrink to a third (1 / e); it may grow at once
_LEAST_STEP_S = 1.0 / 60.0  # least time between two images, for any stamps
_MAX_HIDDEN_AHEAD_S = 0.7  # look-ahead for a person who walks on behind another
_MAX_SPEED = 1.0  # window sides a second; a window is larger than its person
_SIZES = 8  # sizes of windows from one to its double
_PLACES = 24  # places of a window's centre along a side
_TIMELESS_MISSES = 5  # missed images that end a track if the stamps do not advance


class Motion:
    """A window that follows a person.

    Args:
        box: The box around the first pose.
        stamp_ns: Stamp of that image.
        seen_in: The window in which it was seen.

    Attributes:
        box: The box around the last pose, in source pixels.
        hidden: The person was not seen in the last image, because another one is in front.
    """

    def __init__(self, box: PersonBox, stamp_ns: int, seen_in: PersonBox) -> None:
        self.box = box
        self._seen_in_px = seen_in.size
        self.hidden = False
        self._stamp_ns = stamp_ns  # when the person was seen last
        self._speed_px_s = np.zeros(2)
        self._misses = 0  # images in a row

    def restart(self, stamp_ns: int) -> None:
        """Continue from another time, as if the person had just been seen, standing still."""
        self._stamp_ns = stamp_ns
        self._speed_px_s *= 0.0

    def window(self, stamp_ns: int, *, velocity: bool) -> PersonBox:
        """Return where the person is expected in an image.

        A window shrinks slowly. In a window that is too small the network mistakes a part of the
        person for the whole, an arm for a body, and the window never grows again.

        Windows lie on a grid. Poses that differ a little then lead to the same window, the same
        crop and the same next pose, so results soon no longer depend on where a stream began
        (docs/adr/0017-window-grid.md).

        Args:
            stamp_ns: Its stamp.
            velocity: Move the window ahead with the speed of the person.
        """
        ahead_s = (stamp_ns - self._stamp_ns) * 1e-9 if velocity else 0.0
        limit_s = _MAX_HIDDEN_AHEAD_S if self.hidden else _MAX_LOOK_AHEAD_S
        x, y = self._speed_px_s * np.clip(ahead_s, 0.0, limit_s)
        since_s = max((stamp_ns - self._stamp_ns) * 1e-9, _LEAST_STEP_S)
        least = self._seen_in_px * math.exp(-since_s / _SHRINK_S)
        size = max(self.box.size, least)
        return _on_grid(self.box.center_x + x, self.box.center_y + y, size)

    def follow(self, found: PersonBox, stamp_ns: int, seen_in: PersonBox) -> None:
        """Update with the box around a pose and the window in which it was seen."""
        step_s = (stamp_ns - self._stamp_ns) * 1e-9
        moved = np.array([found.center_x - self.box.center_x, found.center_y - self.box.center_y])
        speed = moved / step_s if 0.0 < step_s <= _MAX_LOOK_AHEAD_S else np.zeros(2)
        # Seen wrongly, a person seems to move with the window: without a limit both run away.
        limit = _MAX_SPEED * found.size
        speed *= min(1.0, limit / max(float(np.linalg.norm(speed)), 1e-9))
        self._speed_px_s = _SPEED_MEMORY * self._speed_px_s + (1.0 - _SPEED_MEMORY) * speed
        size = _SIZE_MEMORY * self.box.size + (1.0 - _SIZE_MEMORY) * found.size
        # A person that grows fast (arms up) must not leave the window meanwhile.
        self.box = PersonBox(found.center_x, found.center_y, max(size, 0.9 * found.size))
        self._seen_in_px = seen_in.size
        self._stamp_ns, self._misses, self.hidden = stamp_ns, 0, False

    @property
    def is_missed(self) -> bool:
        """The person was not seen in the last image in which they were looked for."""
        return self._misses > 0

    def miss(self, *, stop: bool = False, hidden: bool = False) -> None:
        """Count an image in which the person was not seen; a window that stops waits there."""
        self._misses += 1
        self.hidden = hidden
        if stop:
            self._speed_px_s *= 0.0

    def is_lost(self, stamp_ns: int, lost_after_s: float) -> bool:
        """Tell whether the person was not seen for too long."""
        if not self._misses:
            return False
        unseen_ns = stamp_ns - self._stamp_ns
        if not unseen_ns:
            return self._misses >= _TIMELESS_MISSES
        return unseen_ns >= round(lost_after_s * 1e9)


def _on_grid(x: float, y: float, size: float) -> PersonBox:
    """The nearest window of the grid, whose steps grow with the window."""
    size = 2.0 ** (round(math.log2(size) * _SIZES) / _SIZES)
    step = size / _PLACES
    return PersonBox(round(x / step) * step, round(y / step) * step, size)
