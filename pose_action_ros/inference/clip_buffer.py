"""The recent features of one person, in time: input of the action heads, never images.

A clip is T samples spaced by the period that the network was trained with, ending at the newest
frame. Each is the stored frame nearest in stamp, so the same film at 15, 30 or 60 Hz gives the
same clip. Joints are kept in source pixels and handed out in the crop of the newest frame: one
window for the whole clip, as in training.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.geometry import CropTransform

__all__ = ['Clip', 'ClipBuffer', 'ClipFrame', 'ClipShape']


class ClipShape(NamedTuple):
    """The length of a clip.

    Attributes:
        frames: T.
        period_s: Seconds between two samples.
        max_gap_s: A longer pause between two frames empties the clip.
    """

    frames: int
    period_s: float
    max_gap_s: float

    @property
    def duration_s(self) -> float:
        """From the first sample to the last, seconds."""
        return (self.frames - 1) * self.period_s


@dataclass(frozen=True, eq=False)
class ClipFrame:
    """The stored features of one frame.

    Attributes:
        stamp_ns: Stamp of the image.
        joints_image: (J, D) float32; x, y in source pixels, z as the network gives it.
        probability: (J,) float32.
        joint_features: (J, C) float32.
    """

    stamp_ns: int
    joints_image: NDArray[np.float32]
    probability: NDArray[np.float32]
    joint_features: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Clip:
    """T samples, oldest first, ready for the action heads.

    Attributes:
        joints: (T, J, D) float32 in the crop of the newest frame.
        probability: (T, J) float32.
        joint_features: (T, J, C) float32.
        start_ns: Stamp of the oldest sample.
        end_ns: Stamp of the newest sample.
        frames_used: Number of distinct frames.
        full: The stored frames reach back as far as the clip does; otherwise the oldest frame
            fills the beginning.
    """

    joints: NDArray[np.float32]
    probability: NDArray[np.float32]
    joint_features: NDArray[np.float32]
    start_ns: int
    end_ns: int
    frames_used: int
    full: bool


class ClipBuffer:
    """Frames of one person, as far back as a clip reaches.

    Args:
        frames: T.
        period_s: Seconds between two samples.
        max_gap_s: A longer pause between two frames empties the buffer.
    """

    def __init__(self, frames: int, period_s: float, max_gap_s: float) -> None:
        self.length = frames
        self.period_ns = round(period_s * 1e9)
        self.max_gap_ns = round(max_gap_s * 1e9)
        self._frames: deque[ClipFrame] = deque()

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def fill(self) -> float:
        """Share of the clip's duration that is stored, 0 to 1."""
        if not self._frames:
            return 0.0
        stored_ns = self._frames[-1].stamp_ns - self._frames[0].stamp_ns
        return min(1.0, (stored_ns + self.period_ns) / (self.length * self.period_ns))

    def clear(self) -> None:
        """Drop all frames."""
        self._frames.clear()

    def add(self, frame: ClipFrame) -> None:
        """Add the newest frame; a gap, or a stamp that goes back, empties the buffer first.

        A frame with the stamp of the last one takes its place.
        """
        if self._frames:
            step_ns = frame.stamp_ns - self._frames[-1].stamp_ns
            if not 0 <= step_ns <= self.max_gap_ns:
                self.clear()
            elif step_ns == 0:
                self._frames.pop()
        self._frames.append(frame)
        oldest_ns = frame.stamp_ns - (self.length - 1) * self.period_ns
        # One frame beyond the oldest moment stays: at low rates it is the one nearest to it.
        while len(self._frames) > 1 and self._frames[1].stamp_ns <= oldest_ns:
            self._frames.popleft()

    def clip(self, transform: CropTransform) -> Clip:
        """Return the clip that ends at the newest frame.

        Args:
            transform: Source pixels to the crop in which the joints are wanted.

        Raises:
            ValueError: The buffer is empty.
        """
        if not self._frames:
            raise ValueError('an empty clip buffer has no clip; add a frame first')
        stamps = np.array([frame.stamp_ns for frame in self._frames], np.int64)
        offsets = np.arange(1 - self.length, 1, dtype=np.int64) * self.period_ns
        moments = stamps[-1] + offsets
        chosen = _nearest(stamps, moments)
        frames = [self._frames[index] for index in chosen]
        joints = np.stack([frame.joints_image for frame in frames])
        return Clip(
            joints=transform.to_crop(joints).astype(np.float32),
            probability=np.stack([frame.probability for frame in frames]),
            joint_features=np.stack([frame.joint_features for frame in frames]),
            start_ns=frames[0].stamp_ns,
            end_ns=frames[-1].stamp_ns,
            frames_used=len(np.unique(chosen)),
            full=bool(stamps[0] <= moments[0] + self.period_ns // 2),
        )


def _nearest(stamps: NDArray[np.int64], moments: NDArray[np.int64]) -> NDArray[np.intp]:
    """Index of the stamp nearest to each moment; both ascending, the earlier one wins a tie."""
    after = np.clip(np.searchsorted(stamps, moments), 1, max(len(stamps) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(stamps) - 1)
    nearer = moments - stamps[before] <= stamps[after] - moments
    return np.where(nearer, before, after)
