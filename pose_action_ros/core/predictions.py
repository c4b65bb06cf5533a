"""The results of one frame: frozen dataclasses, free of torch and of ROS.

Missing values are NaN with confidence 0. Stamps are integer nanoseconds of the *image*, never
of the computation. Frames of reference stand in the names: `_image_px` pixels of the source
image (x right, y down, the centre of the first pixel at (0, 0)), `_root_m` metres relative to
the root joint in camera axes, `_camera_m` metres in the camera's optical frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ['ActionScores', 'FramePrediction', 'PersonBox', 'PersonPrediction', 'ScaleSource']


class ScaleSource(IntEnum):
    """Where the metric scale of `joints_camera_m` comes from; equal to Pose3D.SCALE_*."""

    NONE = 0
    BODY = 1
    DEPTH = 2


@dataclass(frozen=True)
class PersonBox:
    """A square window of the source image, in pixels; it may reach outside the image.

    Attributes:
        center_x: Column of the centre.
        center_y: Row of the centre.
        size: Side length, > 0.
    """

    center_x: float
    center_y: float
    size: float


@dataclass(frozen=True)
class ActionScores:
    """The action of one track over its clip.

    Attributes:
        labels: A class names, in the order of `scores`.
        scores: (A,) float32 probabilities, sum 1.
        clip_start_ns: Image stamp of the oldest sample that was used.
        clip_end_ns: Image stamp of the newest sample that was used.
        frames_used: Number of distinct frames in the clip.
        valid: False until the clip is full; the scores then describe a padded clip.
        best: Index of the class that is shown: the most probable one, unless a steadier one is
            still held.
    """

    labels: tuple[str, ...]
    scores: NDArray[np.float32]
    clip_start_ns: int
    clip_end_ns: int
    frames_used: int
    valid: bool
    best: int

    @property
    def carried(self) -> bool:
        """Whether the shown class has at least half the score of the most probable one."""
        return bool(self.scores[self.best] >= 0.5 * self.scores.max())


@dataclass(frozen=True)
class PersonPrediction:
    """One person in one frame.

    Attributes:
        track_id: Stable while the person is followed.
        box: The window that the network saw.
        layout: Name of the joint layout (`core.skeleton`).
        joints_image_px: (J, 2) float32.
        confidence: (J,) float32, 0 to 1, the network's visibility.
        joints_root_m: (J, 3) float32, or None for a 2D model.
        joints_camera_m: (J, 3) float32, or None if the camera or the scale is unknown.
        scale_source: Where the metric scale comes from.
        root_depth_sigma_m: One standard deviation of the root's distance; NaN if unknown.
        action: None for a model without actions.
    """

    track_id: int
    box: PersonBox
    layout: str
    joints_image_px: NDArray[np.float32]
    confidence: NDArray[np.float32]
    joints_root_m: NDArray[np.float32] | None = None
    joints_camera_m: NDArray[np.float32] | None = None
    scale_source: ScaleSource = ScaleSource.NONE
    root_depth_sigma_m: float = float('nan')
    action: ActionScores | None = None


@dataclass(frozen=True)
class FramePrediction:
    """All persons of one frame.

    Attributes:
        stamp_ns: Stamp of the image.
        persons: One entry per person, empty if nobody is seen.
        lost_tracks: Ids of tracks that ended with this frame.
        skipped: Why the image was skipped for its stamp; empty if it was looked at.
        preprocess_ms: Decoding and cropping.
        inference_ms: Network, to its results on the host.
        is_crowded: Somebody was dropped, because there are more people than may be followed.
    """

    stamp_ns: int
    persons: tuple[PersonPrediction, ...] = ()
    lost_tracks: tuple[int, ...] = ()
    skipped: str = ''
    preprocess_ms: float = 0.0
    inference_ms: float = 0.0
    is_crowded: bool = False
