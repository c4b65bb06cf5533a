"""The check of image stamps: one rule for live images, recordings and films.

Some drivers deliver an image late, or with a stamp of 0 or from the future. A single wrong stamp
must neither empty a clip nor set the clock. A recording that starts again must do both.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ['Admission', 'ImageClock']

_STEPS = 2
"""Largest step, relative to the last one, for images slower than the longest pause."""


@dataclass(frozen=True)
class Admission:
    """The verdict of the clock on an image.

    Attributes:
        reason: Why the image is skipped; empty if it is taken.
        went_back: Time has gone back with this image, so the remembered past is void.
    """

    reason: str = ''
    went_back: bool = False


class ImageClock:
    """The stamp of the newest accepted image.

    A stamp fits if it is not older than the newest and not far ahead of it. An image whose stamp
    does not fit is skipped. The new time is accepted only once other stamps confirm it: the next
    one follows it closely, or a number of stamps in a row do not fit.
    """

    def __init__(self) -> None:
        self._newest_ns: int | None = None
        self._step_ns = 0
        self._suspect_ns: int | None = None  # the last stamp, where it was far off
        self._misfits = 0  # in a row

    def reset(self) -> None:
        """Accept the next image with any stamp."""
        self.__init__()  # type: ignore[misc]

    def admit(self, stamp_ns: int, max_gap_s: float, back_after: int) -> Admission:
        """Decide whether an image is accepted; if so, its stamp becomes the time.

        Args:
            stamp_ns: Its stamp.
            max_gap_s: Longest pause within a clip; stamps further off are doubted.
            back_after: Number of images in a row that do not fit and are then accepted.
        """
        if self._newest_ns is None:
            return self._take(stamp_ns, 0)
        off_ns, gap_ns = stamp_ns - self._newest_ns, round(max_gap_s * 1e9)
        if 0 <= off_ns <= max(gap_ns, _STEPS * self._step_ns):
            return self._take(stamp_ns, off_ns)
        self._misfits += 1
        if self._confirms(stamp_ns, gap_ns) or self._misfits >= back_after:
            step_ns = 0 if self._suspect_ns is None else stamp_ns - self._suspect_ns
            return self._take(stamp_ns, max(step_ns, 0), went_back=off_ns < 0)
        is_far = abs(off_ns) > gap_ns
        self._suspect_ns = stamp_ns if is_far else None
        if not is_far:
            return Admission('late: an image with a newer stamp came before it')
        side = 'ahead of' if off_ns > 0 else 'behind'
        return Admission(
            f'the stamp is more than {max_gap_s:g} s {side} the last one, and no other confirms it'
        )

    def _confirms(self, stamp_ns: int, gap_ns: int) -> bool:
        """Tell whether a stamp follows the suspect one at the pace of images."""
        if self._suspect_ns is None or self._newest_ns is None:
            return False
        pause_ns = self._suspect_ns - self._newest_ns  # which slow images repeat
        reach_ns = max(gap_ns, _STEPS * self._step_ns, _STEPS * pause_ns)
        return 0 < stamp_ns - self._suspect_ns <= reach_ns

    def _take(self, stamp_ns: int, step_ns: int, went_back: bool = False) -> Admission:
        self._newest_ns, self._step_ns = stamp_ns, step_ns
        self._suspect_ns, self._misfits = None, 0
        return Admission(went_back=went_back)
