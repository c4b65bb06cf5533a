"""The results of one frame: frozen dataclasses, free of torch and of ROS.

Missing values are NaN. Stamps are integer nanoseconds of the *image*, never
of the computation. Frames of reference stand in the names: `_image_px` pixels of the source
image (x right, y down, the centre of the first pixel at (0, 0)), `_root_m` metres relative to
the root joint in camera axes, `_camera_m` metres in the camera's optical frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    'MAX_BOX_SIZE',
    'MIN_BOX_SIZE_PX',
    'ActionScores',
    'FramePrediction',
    'PersonBox',
    'PersonPrediction',
    'ScaleSource',
]

MAX_BOX_SIZE = 4.0
"""Largest side of a person's box, over the larger side of the image."""

MIN_BOX_SIZE_PX = 1.0
"""Smallest side of a person's box, pixels."""


class ScaleSource(IntEnum):
    """Source of the metric scale of `joints_camera_m`; equal to Pose3D.SCALE_*."""

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

    def is_usable(self, width: float, height: float) -> bool:
        """Return whether a person of an image can have this box.

        It must be finite, reach into the image, and have from `MIN_BOX_SIZE_PX` to
        `MAX_BOX_SIZE` times the larger side of the image.

        Args:
            width: Width of the image, pixels.
            height: Height of the image, pixels.
        """
        if not all(map(math.isfinite, (self.center_x, self.center_y, self.size))):
            return False
        half = self.size / 2.0
        across = -half < self.center_x < width + half and -half < self.center_y < height + half
        return across and MIN_BOX_SIZE_PX <= self.size <= MAX_BOX_SIZE * max(width, height)


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
        best: Index of the shown class: the most probable one, unless the earlier label is still
            held.
    """

    labels: tuple[str, ...]
    scores: NDArray[np.float32]
    clip_start_ns: int
    clip_end_ns: int
    frames_used: int
    valid: bool
    best: int

    @property
    def label(self) -> str:
        """The class to act on; empty until the action is valid."""
        return self.labels[self.best] if self.valid else ''

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
        joints_image_px: (J, 2) float32; NaN for a joint that is not seen, as in the other arrays.
        confidence: (J,) float32, 0 to 1, the network's own visibility, also of a joint that
            counts as not seen.
        person_confidence: 0 to 1, the probability that the window shows a person.
        joints_root_m: (J, 3) float32 from the root joint along the camera's axes, or None for a
            2D model.
        joints_camera_m: (J, 3) float32, or None if the camera or the scale is unknown.
        scale_source: Source of the metric scale.
        root_depth_sigma_m: One standard deviation of the root's distance; NaN if unknown.
        root_m: (3,) float64 the root joint in the camera's optical frame, also where it is not
            seen itself; NaN unless there are `joints_camera_m`.
        root_covariance_m2: (3, 3) float64 covariance of `root_m`, optical frame: long along the
            line of sight, short across it; NaN if unknown.
        velocity_m_per_s: (3,) float64 of the root against the camera, along the axes of the
            optical frame, filtered; NaN until it is known.
        action: None for a model without actions.
        distance_problem: Reason if the camera is known and the distance is not, or is not from
            the depth image; otherwise empty.
    """

    track_id: int
    box: PersonBox
    layout: str
    joints_image_px: NDArray[np.float32]
    confidence: NDArray[np.float32]
    person_confidence: float = 1.0
    joints_root_m: NDArray[np.float32] | None = None
    joints_camera_m: NDArray[np.float32] | None = None
    scale_source: ScaleSource = ScaleSource.NONE
    root_depth_sigma_m: float = float('nan')
    root_m: NDArray[np.float64] = field(default_factory=lambda: np.full(3, np.nan))
    root_covariance_m2: NDArray[np.float64] = field(
        default_factory=lambda: np.full((3, 3), np.nan)
    )
    velocity_m_per_s: NDArray[np.float64] = field(default_factory=lambda: np.full(3, np.nan))
    action: ActionScores | None = None
    distance_problem: str = ''

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(J,) which joints are seen; the others are NaN."""
        return np.asarray(np.isfinite(self.joints_image_px).all(axis=1))


@dataclass(frozen=True)
class FramePrediction:
    """All persons of one frame.

    Attributes:
        stamp_ns: Stamp of the image.
        persons: One entry per person, empty if nobody is seen.
        waiting: The last results of people who were not processed, because one frame has no time
            for all. They belong to earlier frames.
        ended_tracks: Ids of tracks that ended with this frame, or with a reset before it.
        followed_tracks: Ids of all tracks that continue, also of people who are not seen in this
            frame.
        clip_frames: Samples in a full clip; 0 if the network knows no actions.
        skipped: Reason if the image was skipped for its stamp; otherwise empty.
        preprocess_ms: Time of decoding and cropping.
        inference_ms: Time of the network, until its results are on the host.
        is_crowded: Somebody was dropped, because there are more people than may be followed.
    """

    stamp_ns: int
    persons: tuple[PersonPrediction, ...] = ()
    waiting: tuple[PersonPrediction, ...] = field(default=(), kw_only=True)
    ended_tracks: tuple[int, ...] = ()
    followed_tracks: tuple[int, ...] = ()
    clip_frames: int = 0
    skipped: str = ''
    preprocess_ms: float = 0.0
    inference_ms: float = 0.0
    is_crowded: bool = False
