"""One person over time: position, clip, filters, and the result for each frame.

`Person.see` stores a frame and returns a `Sighting`, and only a sighting gives a result. So every
result belongs to a stored frame, in the order of the frames.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.predictions import ActionScores, PersonPrediction
from pose_action_ros.geometry import BodyPrior, Location, Pose25D, depth_from_root, localize
from pose_action_ros.inference.clip_buffer import ClipFrame
from pose_action_ros.inference.root_filter import RootFilter
from pose_action_ros.inference.smoothing import LabelFilter, OneEuroFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.geometry import Camera, CropTransform
    from pose_action_ros.inference.clip_buffer import Clip, ClipBuffer
    from pose_action_ros.inference.motion import Motion
    from pose_action_ros.inference.settings import StreamSettings
    from pose_action_ros.runtime.network import FrameArrays

__all__ = ['FrameContext', 'Person', 'Reading', 'Sighting']

_WINDOW_M = 2.4
"""Side of a window around an adult, metres. Speed of a depth = change / 2.4 m per second."""

_DISTANCE_UNIT = 3.0
"""Speed of the distance = change / (3 x distance) per second.

The noise of the distance is the noise of the person's size in the image, so it grows with it."""


@dataclass(frozen=True, eq=False)
class Reading:
    """The outputs of the network for one window of one frame, with or without a person in it.

    Attributes:
        track_id: Track of the window.
        box: The window.
        transform: Source pixels to the window's crop.
        arrays: The network's outputs for it, without the batch axis.
        joints_image: (J, D) raw joints; x, y in source pixels, z as the network gives it.
        person_confidence: Probability that the window shows a person.
    """

    track_id: int
    box: PersonBox
    transform: CropTransform
    arrays: FrameArrays
    joints_image: NDArray[np.float32]
    person_confidence: float


@dataclass(frozen=True, eq=False)
class FrameContext:
    """The context of a frame besides its pixels.

    Attributes:
        stamp_ns: Stamp of the image.
        camera: Its intrinsics, None if unknown.
        depth_m: (H, W) registered depth in metres, or None.
        layout: Name of the network's joint layout.
        labels: The network's actions.
        settings: The settings for this frame.
    """

    stamp_ns: int
    camera: Camera | None
    depth_m: NDArray[np.float32] | None
    layout: str
    labels: tuple[str, ...]
    settings: StreamSettings


@dataclass
class Person:
    """The state of one person.

    Attributes:
        motion: Position and speed in the image.
        clip: The recent features, unfiltered.
        last_turn: Number of the frame in which the person was looked at last.
        last: The last result; None before the first.
    """

    motion: Motion
    clip: ClipBuffer
    last_turn: int = 0
    last: PersonPrediction | None = None
    _pixels: OneEuroFilter = field(default_factory=OneEuroFilter)
    _depth: OneEuroFilter = field(default_factory=OneEuroFilter)
    _distance: OneEuroFilter = field(default_factory=OneEuroFilter)
    _root: RootFilter = field(default_factory=RootFilter)
    _label: LabelFilter = field(default_factory=LabelFilter)

    def restart(self, stamp_ns: int) -> None:
        """Restart at another time: keep the position and drop the rest of the past."""
        self.motion.restart(stamp_ns)
        self.clip.clear()
        self.last = None
        for memory in (self._pixels, self._depth, self._distance, self._root, self._label):
            memory.reset()

    def see(self, reading: Reading, stamp_ns: int) -> Sighting:
        """Remember a frame."""
        arrays = reading.arrays
        self.clip.add(
            ClipFrame(stamp_ns, reading.joints_image, arrays.probability, arrays.joint_features)
        )
        return Sighting(self, reading, self.clip.clip(reading.transform))

    def _action(
        self, scores: NDArray[np.float32], clip: Clip, context: FrameContext
    ) -> ActionScores:
        """The action of a clip; until the clip is full its label is not held."""
        held = int(scores.argmax())
        if clip.full:
            held = self._label(scores, clip.end_ns, context.settings.smooth)
        else:
            self._label.reset()
        return ActionScores(
            labels=context.labels,
            scores=scores,
            clip_start_ns=clip.start_ns,
            clip_end_ns=clip.end_ns,
            frames_used=clip.frames_used,
            valid=clip.full,
            best=held,
        )

    def _pose(self, reading: Reading, context: FrameContext) -> PersonPrediction:
        """The pose of a frame, in pixels and as far as possible in metres."""
        confidence = reading.arrays.visibility
        hidden = confidence < context.settings.track.min_joint_confidence
        joints_px = self._steady(
            reading.joints_image[:, :2], self._pixels, context, reading.box.size
        )
        location, velocity_m_per_s = Location(), np.full(3, np.nan)
        if reading.joints_image.shape[1] == 3:
            depth_m = self._steady(
                depth_from_root(reading.joints_image), self._depth, context, _WINDOW_M
            )
            body = BodyPrior(context.settings.body.height, context.settings.body.height_sigma)
            location = localize(
                Pose25D(
                    context.layout, joints_px, depth_m, confidence, window_px=reading.box.size
                ),
                camera=context.camera,
                depth_image_m=context.depth_m,
                body=body,
            )
            velocity_m_per_s = self._velocity(location, context)
            location = self._steady_distance(location, context)
        root_m, camera_m = location.joints_root_m, location.joints_camera_m
        return PersonPrediction(
            track_id=reading.track_id,
            box=reading.box,
            layout=context.layout,
            joints_image_px=_hide(joints_px, hidden),
            confidence=confidence,
            person_confidence=reading.person_confidence,
            joints_root_m=None if root_m is None else _hide(root_m, hidden),
            joints_camera_m=None if camera_m is None else _hide(camera_m, hidden),
            scale_source=location.scale_source,
            root_depth_sigma_m=location.root_depth_sigma_m,
            root_m=location.root_m,
            root_covariance_m2=location.root_covariance_m2,
            velocity_m_per_s=velocity_m_per_s,
            distance_problem='' if context.camera is None else location.reason,
        )

    def _steady(
        self,
        values: NDArray[np.floating],
        memory: OneEuroFilter,
        context: FrameContext,
        side: float,
    ) -> NDArray[np.floating]:
        """Filter joints; `side` is that of the window in their unit."""
        if not context.settings.smooth.joints:
            memory.reset()
            return values
        return memory(values, context.stamp_ns, context.settings.smooth, side)

    def _velocity(self, location: Location, context: FrameContext) -> NDArray[np.float64]:
        """(3,) velocity of the root, from the unfiltered distance, since filters add lag."""
        if not np.isfinite(location.root_m).all():
            return np.full(3, np.nan)
        return self._root(
            location.root_m,
            location.root_noise_m2,
            context.stamp_ns,
            source=location.scale_source,
            max_gap_s=context.settings.clip.max_gap,
        )

    def _steady_distance(self, location: Location, context: FrameContext) -> Location:
        """Filter the distance of the root; the joints move along their rays with it."""
        joints = location.joints_camera_m
        if joints is None or not context.settings.smooth.joints:
            return location
        distance, unit = np.array([location.root_depth_m]), _DISTANCE_UNIT * location.root_depth_m
        filtered = float(
            self._distance(distance, context.stamp_ns, context.settings.smooth, unit)[0]
        )
        along = 1.0 + (filtered - location.root_depth_m) / joints[:, 2:]
        moved = (joints * along).astype(np.float32)
        root = joints - location.joints_root_m if location.joints_root_m is not None else joints
        return replace(
            location,
            joints_camera_m=moved,
            joints_root_m=(moved - (root * (filtered / location.root_depth_m))).astype(np.float32),
            root_depth_m=filtered,
            root_m=location.root_m * (filtered / location.root_depth_m),
        )


@dataclass(frozen=True, eq=False)
class Sighting:
    """A person in one frame, as stored by `Person.see`.

    Attributes:
        person: The person.
        reading: The network's outputs.
        clip: The person's clip that ends with this frame, in its crop.
    """

    person: Person
    reading: Reading
    clip: Clip

    def predict(
        self, context: FrameContext, scores: NDArray[np.float32] | None
    ) -> PersonPrediction:
        """Return the result for this frame.

        Args:
            context: The frame.
            scores: (A,) probabilities that the heads give the clip; None without actions.
        """
        person = self.person
        result = person._pose(self.reading, context)
        if scores is not None:
            result = replace(result, action=person._action(scores, self.clip, context))
        person.last = result
        return result


def _hide(joints: NDArray[np.floating], hidden: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.where(hidden[:, None], np.float32(np.nan), joints).astype(np.float32)
