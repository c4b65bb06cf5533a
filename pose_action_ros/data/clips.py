"""The choice of the frames of a clip. Source: the authors' release (branch cvpr18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_action_ros.core.errors import DatasetError

if TYPE_CHECKING:
    import numpy as np

__all__ = ['clip_frames', 'clip_starts', 'multi_clips']

_STRETCH = 1.5


def clip_frames(
    length: int, frames: int, stride: int, rng: np.random.Generator | None = None
) -> list[int]:
    """Return the frames of one clip.

    A video that is too short is stretched by 1.5 as often as needed, so that frames repeat. A
    stride that is too large is reduced.

    Args:
        length: Frames of the video, >= 1.
        frames: T.
        stride: Wanted distance between frames, >= 1.
        rng: Draws the start; None takes the middle.

    Returns:
        T numbers from 0.

    Raises:
        DatasetError: A number is below 1.
    """
    if min(length, frames, stride) < 1:
        raise DatasetError(
            f'no clip of {frames} frames, stride {stride}, in a video of {length} frames'
        )
    stretch = 1.0
    while stretch * length < frames:
        stretch *= _STRETCH
    stretched = stretch * length
    stride = min(stride, int(stretched / frames))
    span = stride * (frames - 1) + 1
    last_start = stretched - span
    start = int(last_start / 2) if rng is None else int(rng.integers(int(last_start) + 1))
    return [int(frame / stretch) for frame in range(start, start + span, stride)]


def clip_starts(length: int, frames: int, stride: int) -> list[int]:
    """Return the starts of the clips of the multi-clip protocol: every T / 2 + stride - 1 frames.

    Args:
        length: Frames of the video.
        frames: T.
        stride: Distance between frames.

    Returns:
        As many starts as clips fit; none if the video is shorter than T * stride.
    """
    return list(range(0, length - frames * stride + 1, frames // 2 + stride - 1))


def multi_clips(length: int, frames: int, stride: int) -> list[list[int]]:
    """Return the frames of all clips of the multi-clip protocol; arguments as above."""
    starts = clip_starts(length, frames, stride)
    return [list(range(start, start + frames * stride, stride)) for start in starts]
