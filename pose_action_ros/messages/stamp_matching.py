"""Messages of one topic, matched by stamp to the images of another: live and recorded alike.

A message that belongs to an image may arrive after it, so images wait. They wait only for topics
whose earlier messages came in time, because useless waiting costs images. All times of arrival are
from one clock: the node's, or that of the recording.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

__all__ = ['StampedItems']

ItemT = TypeVar('ItemT')

_SECOND_NS = 1_000_000_000
_REMEMBERED = 8  # delays, one of which must have been short enough
_IN_VAIN = 8  # images that wait for a topic that is silent
_IMAGES = 64
_MOST_ITEMS = 64
_FOREVER_NS = 2**62  # of an item that belongs to no image


class StampedItems(Generic[ItemT]):
    """The last items of a topic, looked up by stamp; may be written and read by two threads.

    Args:
        length: Smallest number of stored items.
        keep_s: How long each is kept at least, seconds; 64 items at most.
    """

    def __init__(self, length: int, keep_s: float = 0.0) -> None:
        self._lock = threading.Lock()
        self._length, self._keep_ns = length, round(keep_s * _SECOND_NS)
        self._items: deque[tuple[int, ItemT]] = deque(maxlen=_MOST_ITEMS)
        self._arrivals_ns: deque[int] = deque(maxlen=_MOST_ITEMS)  # of the items
        self._images: deque[tuple[int, int]] = deque(maxlen=_IMAGES)  # (stamp, arrival)
        self._delays_ns: deque[int] = deque([0], maxlen=_REMEMBERED)  # the first are awaited
        self._images_alone = 0  # since the last item
        self._unserved = 0

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._items)

    @property
    def unserved(self) -> int:
        """Number of items since the last one that matched an image."""
        return self._unserved

    def put(self, stamp_ns: int, item: ItemT, arrival_ns: int) -> None:
        """Store an item, in place of those that are too old."""
        with self._lock:
            self._items.append((stamp_ns, item))
            self._arrivals_ns.append(arrival_ns)
            oldest_ns = arrival_ns - self._keep_ns
            while len(self._items) > self._length and self._arrivals_ns[0] <= oldest_ns:
                self._items.popleft()
                self._arrivals_ns.popleft()
            self._unserved += 1
            self._images_alone = 0
            if self._images:
                arrivals = (a for stamp, a in reversed(self._images) if stamp <= stamp_ns)
                self._delays_ns.append(arrival_ns - next(arrivals, arrival_ns - _FOREVER_NS))

    def note_image(self, stamp_ns: int, arrival_ns: int) -> None:
        """Note the arrival of an image."""
        with self._lock:
            self._images.append((stamp_ns, arrival_ns))
            self._images_alone += 1

    def awaited(self, stamp_ns: int, wait_s: float) -> bool:
        """Tell whether a nearer item may still arrive in time for an image.

        Args:
            stamp_ns: Stamp of the image.
            wait_s: Longest wait, from its arrival on.
        """
        with self._lock:
            if self._items and self._items[-1][0] >= stamp_ns:
                return False
            in_time = min(self._delays_ns) <= round(wait_s * _SECOND_NS)
            return in_time and self._images_alone <= _IN_VAIN

    def nearest(self, stamp_ns: int, max_age_s: float) -> ItemT | None:
        """Return the item nearest in time, None if none is near enough."""
        with self._lock:
            near = self._nearest(stamp_ns)
            if near is None or abs(near[0] - stamp_ns) > round(max_age_s * _SECOND_NS):
                return None
            self._unserved = 0
            return near[1]

    def missed_by(self, stamp_ns: int) -> str:
        """Describe the distance of the nearest item, to one digit, so that texts stay the same."""
        with self._lock:
            near, is_silent = self._nearest(stamp_ns), self._images_alone > _IN_VAIN
        if near is None:
            return 'none has come'
        if is_silent:
            return 'no more come'
        if near[0] == 0 != stamp_ns:
            return 'their stamps are 0: give them the stamps of the images'
        off_s = (near[0] - stamp_ns) / _SECOND_NS
        text = f'the nearest is {_one_digit(abs(off_s))} s {"newer" if off_s > 0 else "older"}'
        return f'{text}: do their stamps come from another clock?' if abs(off_s) > 1.0 else text

    def _nearest(self, stamp_ns: int) -> tuple[int, ItemT] | None:
        return min(self._items, key=lambda pair: abs(pair[0] - stamp_ns), default=None)


def _one_digit(number: float) -> str:
    return f'{float(f"{number:.0e}"):g}'
