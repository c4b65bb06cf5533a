"""The node's message on `/diagnostics`, once a second.

Times are milliseconds where a key ends in `_ms`, rates are in hertz, lengths in metres. Levels:
ERROR after a transition that failed, WARN for faults that a user must see (`frame_history`), OK
otherwise, also while the node is unconfigured or inactive on purpose.
"""

from __future__ import annotations

import resource
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from pose_action_ros.core.predictions import ScaleSource
from pose_action_ros.ros.frame_history import SKIPPED, FrameHistory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from builtin_interfaces.msg import Time

__all__ = ['FrameTimes', 'NodeStatistics', 'diagnostics_to_msg', 'resident_mib']

_WINDOW_S = 5.0


@dataclass(frozen=True)
class FrameTimes:
    """How long one published frame took, in milliseconds.

    Attributes:
        age: From the image's stamp to the end of publishing.
        preprocess: Decoding and cropping.
        inference: The network.
        publish: Building and sending messages.
    """

    age: float
    preprocess: float
    inference: float
    publish: float


@dataclass
class NodeStatistics:
    """Counts since the start, and a window of the last seconds; shared by two threads.

    Attributes:
        frames_bad: Images that could not be decoded.
        frames_failed: Images that could not be processed for another reason.
        frames_skipped: Images that were skipped for their stamps.
        frames_unwatched: Images that were not processed, because no result had a subscriber.
        callbacks_failed: Messages and requests whose callback raised an error.
        clip_fill: Filled share of the fullest clip, 0 to 1.
        history: Faults of the last images.
    """

    frames_bad: int = 0
    frames_failed: int = 0
    frames_skipped: int = 0
    frames_unwatched: int = 0
    callbacks_failed: int = 0
    clip_fill: float = 0.0
    history: FrameHistory = field(default_factory=FrameHistory)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._arrivals: deque[float] = deque()
        self._started = time.monotonic()
        self._done: deque[tuple[float, FrameTimes]] = deque()
        self._distance = (-np.inf, float('nan'), ScaleSource.NONE)

    def start(self) -> None:
        """Note that work begins: silence counts from here."""
        self.history.clear()
        with self._lock:
            self._started = time.monotonic()

    def seconds_since_start(self) -> float:
        """Return for how long the node has been at work."""
        return time.monotonic() - self._started

    def count_arrival(self, stamp_ns: int, frame_id: str) -> None:
        """Note that an image arrived."""
        self.history.add_arrival(stamp_ns, frame_id)
        with self._lock:
            self._arrivals.append(time.monotonic())

    def count_bad(self, reason: str) -> None:
        """Note that an image could not be decoded."""
        self.frames_bad += 1
        self.history.add_failure('cannot be decoded', reason)

    def count_failed(self, reason: str) -> None:
        """Note that an image could not be processed."""
        self.frames_failed += 1
        self.history.add_failure('have failed', reason)

    def count_skipped(self, reason: str) -> None:
        """Note that an image was skipped for its stamp."""
        self.frames_skipped += 1
        self.history.add_failure(SKIPPED, reason)

    def count_result(self, times: FrameTimes) -> None:
        """Note that a frame was published."""
        with self._lock:
            self._done.append((time.monotonic(), times))

    def count_distance(self, sigma_m: float, source: ScaleSource) -> None:
        """Note the uncertainty of a person's distance.

        Args:
            sigma_m: One standard deviation of the root's distance; NaN if unknown.
            source: Source of the metres.
        """
        with self._lock:
            self._distance = (time.monotonic(), sigma_m, source)

    def distance(self) -> dict[str, object]:
        """Return the uncertainty of the last person's distance, and its source; it expires."""
        with self._lock:
            seen, sigma_m, source = self._distance
        if seen < time.monotonic() - _WINDOW_S:
            sigma_m, source = float('nan'), ScaleSource.NONE
        return {'distance_sigma_m': f'{sigma_m:.3f}', 'scale_source': source.name.lower()}

    def seconds_since_arrival(self) -> float:
        """Return the seconds since the last image, or since the start."""
        with self._lock:
            last = self._arrivals[-1] if self._arrivals else self._started
            return time.monotonic() - max(last, self._started)

    def counts(self) -> dict[str, object]:
        """Return the numbers of images without a result, by cause, and of failed callbacks."""
        return {
            'frames_bad': self.frames_bad,
            'frames_failed': self.frames_failed,
            'frames_skipped': self.frames_skipped,
            'frames_unwatched': self.frames_unwatched,
            'callbacks_failed': self.callbacks_failed,
        }

    def values(self) -> dict[str, float]:
        """Return rates and time percentiles over the window; NaN if nothing was published."""
        with self._lock:
            start = time.monotonic() - _WINDOW_S
            while len(self._arrivals) > 1 and self._arrivals[0] < start:
                self._arrivals.popleft()
            while self._done and self._done[0][0] < start:
                self._done.popleft()
            arrivals = sum(stamp >= start for stamp in self._arrivals)
            times = [done for _, done in self._done]
        ages = np.array([done.age for done in times] or [np.nan])
        return {
            'rate_in_hz': arrivals / _WINDOW_S,
            'rate_out_hz': len(times) / _WINDOW_S,
            'age_ms_p50': float(np.median(ages)),
            'age_ms_p95': float(np.percentile(ages, 95)),
            'preprocess_ms_p50': _median([done.preprocess for done in times]),
            'inference_ms_p50': _median([done.inference for done in times]),
            'publish_ms_p50': _median([done.publish for done in times]),
        }


def diagnostics_to_msg(
    stamp: Time, name: str, level: bytes, message: str, values: Mapping[str, object]
) -> DiagnosticArray:
    """Fill the array with the one status of this node; floats are shown to a tenth."""
    status = DiagnosticStatus(
        level=level,
        name=f'{name}: pose and action',
        hardware_id=str(values.get('device', '')),
        message=message,
        values=[KeyValue(key=key, value=_text(value)) for key, value in values.items()],
    )
    array = DiagnosticArray(status=[status])
    array.header.stamp = stamp
    return array


def resident_mib() -> float:
    """Return the resident memory of this process in MiB; the peak where /proc is missing."""
    try:
        with open('/proc/self/statm') as statm:
            return int(statm.read().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else float('nan')


def _text(value: object) -> str:
    return f'{value:.1f}' if isinstance(value, float) else str(value)
