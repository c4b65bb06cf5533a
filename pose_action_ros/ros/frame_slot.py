"""The hand-over from callbacks to worker: the newest frame, and commands.

The callback stores a frame, and the worker takes it. A frame that is replaced before it was taken
is dropped and counted, so results are at most one inference behind the camera. The middleware
drops images too, because its queue holds one. Gaps in the publisher's numbering show that.
Commands are never dropped; the worker takes them before the next frame.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sensor_msgs.msg import CompressedImage, Image

__all__ = ['ArrivedImage', 'FrameSlot', 'PublisherGaps']


@dataclass(frozen=True)
class ArrivedImage:
    """An image message.

    Attributes:
        msg: The message.
        stamp_ns: Its stamp.
        arrival_ns: Time of its arrival, on the clock of `time.monotonic_ns`.
    """

    msg: Image | CompressedImage
    stamp_ns: int
    arrival_ns: int


class FrameSlot:
    """A slot for one frame and a queue of commands, for one consumer thread."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._frame: ArrivedImage | None = None
        self._commands: deque[Callable[[], object]] = deque()
        self._closed = False
        self._received = 0
        self._dropped = 0

    @property
    def received(self) -> int:
        """Number of frames sent so far, those missed on the way included."""
        return self._received

    @property
    def dropped(self) -> int:
        """Number of frames that were missed, or replaced by a newer one before they were taken."""
        return self._dropped

    def put(self, frame: ArrivedImage, missed: int = 0) -> None:
        """Store a frame in place of the one that waits.

        Args:
            frame: The newest.
            missed: Number of frames before it that never arrived.
        """
        with self._condition:
            self._received += 1 + missed
            self._dropped += missed + (self._frame is not None)
            self._frame = frame
            self._condition.notify_all()

    def order(self, run: Callable[[], object]) -> None:
        """Add a command, which the consumer carries out before the next frame."""
        with self._condition:
            self._commands.append(run)
            self._condition.notify_all()

    def wake(self) -> None:
        """Make a waiting consumer check its condition again."""
        with self._condition:
            self._condition.notify_all()

    def take(self) -> ArrivedImage | Callable[[], object] | None:
        """Wait for a command or a frame and take it; None once the slot is closed."""
        with self._condition:
            self._condition.wait_for(
                lambda: self._closed or self._commands or self._frame is not None
            )
            if self._commands:
                return self._commands.popleft()
            if self._closed:
                return None
            frame, self._frame = self._frame, None
            return frame

    def wait_while(self, condition: Callable[[], bool], until_s: float) -> None:
        """Wait while a condition holds, until a moment at most; a closed slot does not wait.

        Args:
            condition: Checked after each `put` and `wake`.
            until_s: On the clock of `time.monotonic`.
        """
        with self._condition:
            self._condition.wait_for(
                lambda: self._closed or not condition(), max(0.0, until_s - time.monotonic())
            )

    def close(self) -> None:
        """Wake the consumer and let it end after the commands; a waiting frame is left."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()


class PublisherGaps:
    """Counts messages that a publisher sent and that never reached the callback."""

    def __init__(self) -> None:
        self._last: dict[bytes, int] = {}

    def missed(self, message_info: Mapping[str, Any]) -> int:
        """Return the number of its publisher's messages that are missing before this one.

        Args:
            message_info: As rclpy hands it to callbacks; 0 where the middleware does not number.
                Jazzy names no publisher: there, several publishers of a topic count as one.
        """
        number = message_info.get('publication_sequence_number')
        if not number:
            return 0
        sender = (message_info.get('publisher_gid') or {}).get('data', b'')
        last = self._last.get(sender, number - 1)
        self._last[sender] = number
        return max(number - last - 1, 0)
