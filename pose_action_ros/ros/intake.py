"""The newest frame only: what stands between the image callback and the worker.

The callback stores, the worker takes. A frame that is replaced before it was taken is a drop, and
is counted; so nothing that is published is older than one inference behind the camera.
"""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

__all__ = ['NewestFrame']

FrameT = TypeVar('FrameT')


class NewestFrame(Generic[FrameT]):
    """A slot for one frame, shared by one producer and one consumer thread."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._frame: FrameT | None = None
        self._closed = False
        self._received = 0
        self._dropped = 0

    @property
    def received(self) -> int:
        """Number of frames put in so far."""
        return self._received

    @property
    def dropped(self) -> int:
        """Number of frames that a newer one replaced before they were taken."""
        return self._dropped

    def put(self, frame: FrameT) -> None:
        """Store a frame in place of the one that waits."""
        with self._condition:
            self._received += 1
            self._dropped += self._frame is not None
            self._frame = frame
            self._condition.notify()

    def take(self) -> FrameT | None:
        """Wait for a frame and take it; None once the slot is closed."""
        with self._condition:
            self._condition.wait_for(lambda: self._closed or self._frame is not None)
            if self._closed:
                return None
            frame, self._frame = self._frame, None
            return frame

    def close(self) -> None:
        """Wake the consumer and let it end; a waiting frame is left."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
