"""Schedule of searches of the whole image for people who are not tracked yet.

Owns: `PeopleSearch`. While nobody is tracked, every image is searched. Otherwise an image is
searched every `find.period_s`; if the caller has time between two frames (`look_ahead`), it is
searched then, and its candidates get windows in the next frame. Candidates for which a frame has
no time are kept for the next frames (`keep`), until the next search is due. Candidates in which
nobody was seen (`reject`) are not given again for a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_action_ros.inference.newcomers import RejectedPlaces
from pose_action_ros.runtime.finder_engine import WINDOW_SHARE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.inference.settings import FindSettings
    from pose_action_ros.runtime.finder_engine import FinderEngine

__all__ = ['PeopleSearch']

_MOST = 16  # candidates of an image
_REMEMBERED = 4.0  # periods for which a rejected candidate is remembered


class PeopleSearch:
    """Searches images when it is time.

    Args:
        engine: The finder.

    Attributes:
        engine: The finder.
    """

    def __init__(self, engine: FinderEngine) -> None:
        self.engine = engine
        self._last_ns: int | None = None
        self._ahead: list[PersonBox] | None = None
        self._kept: list[PersonBox] = []
        self._rejected = RejectedPlaces()

    def reset(self) -> None:
        """Forget the time and the candidates of the last search."""
        self._last_ns = self._ahead = None
        self._kept = []
        self._rejected.reset()

    def candidates(
        self,
        image_rgb: NDArray[np.uint8],
        stamp_ns: int,
        settings: FindSettings,
        *,
        nobody: bool,
    ) -> list[PersonBox]:
        """Return windows of possible people, the most certain first.

        They are from this image if a search is due; otherwise they are the kept ones.

        Args:
            image_rgb: (H, W, 3) uint8, the image at hand.
            stamp_ns: Its stamp.
            settings: How often to search.
            nobody: Nobody is tracked, so this image is searched at any time, unless candidates
                were kept.
        """
        ahead, self._ahead = self._ahead, None
        kept, self._kept = self._kept, []
        if ahead is not None and not nobody:
            found = ahead
        elif self._is_due(stamp_ns, settings.period_s) or (nobody and not kept):
            found = self._search(image_rgb, stamp_ns, settings)
        else:
            found = kept
        return self._rejected.others(
            found, stamp_ns, keep_s=_REMEMBERED * settings.period_s, enlarge=WINDOW_SHARE
        )

    def keep(self, boxes: Sequence[PersonBox]) -> None:
        """Keep the candidates for which this frame has no time for the next one."""
        self._kept = list(boxes)

    def reject(self, boxes: Iterable[PersonBox], stamp_ns: int) -> None:
        """Remember candidates in which this frame showed nobody new."""
        self._rejected.add(boxes, stamp_ns)

    def look_ahead(
        self, image_rgb: NDArray[np.uint8], stamp_ns: int, settings: FindSettings
    ) -> None:
        """Search the image of the last frame for the next frame, if a search is due."""
        if self._ahead is None and self._is_due(stamp_ns, settings.period_s):
            self._ahead = self._search(image_rgb, stamp_ns, settings)

    def _search(
        self, image_rgb: NDArray[np.uint8], stamp_ns: int, settings: FindSettings
    ) -> list[PersonBox]:
        self._last_ns = stamp_ns
        found = self.engine.candidates(image_rgb, settings.min_score, _MOST)
        return [candidate.window for candidate in found]

    def _is_due(self, stamp_ns: int, period_s: float) -> bool:
        if self._last_ns is None:
            return True
        return not 0 <= stamp_ns - self._last_ns < round(period_s * 1e9)
