"""One person over time: the clip, the filters, and what is said of each frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.predictions import ActionScores, PersonPrediction
from pose_action_ros.geometry import BodyPrior, Location, Pose25D, depth_from_root, localize
from pose_action_ros.inference.clip_buffer import ClipBuffer, ClipFrame
from pose_action_ros.inference.smoothing import LabelFilter, OneEuroFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.geometry import Camera, CropTransform
    from pose_action_ros.inference.clip_buffer import Clip
    from pose_action_ros.inference.settings import StreamSettings
    from pose_action_ros.runtime.network import FrameArrays

__all__ = ['Look', 'Person', 'Surroundings']

_WINDOW_M = 2.4
"""Side of a window at an adult in it, so that depths are filtered as pixels are."""

_DISTANCE_UNIT = 3.0
"""So many distances are the unit of its speed: its noise is that of the person's size."""


@dataclass(frozen=True, eq=False)
class Look:
    """What the network saw in one window of one frame.

    Attributes:
        track_id: Whose window it is.
        box: The window.
        transform: Source pixels to the window's crop.
        arrays: The network's outputs for it, without the batch axis.
        joints_image: (J, D) raw joints; x, y in source pixels, z as the network gives it.
    """

    track_id: int
    box: PersonBox
    transform: CropTransform
    arrays: FrameArrays
    joints_image: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What is known of a frame besides its pixels.

    Attributes:
        stamp_ns: When it was taken.
        camera: Its intrinsics, None where unknown.
        depth_m: (H, W) registered depth in metres, or None.
    """

    stamp_ns: int
    camera: Camera | None
    depth_m: NDArray[np.float32] | None


@dataclass
class Person:
    """What is remembered of one person.

    Attributes:
        clip: The recent past, raw.
    """

    clip: ClipBuffer
    _pixels: OneEuroFilter = field(default_factory=OneEuroFilter)
    _depth: OneEuroFilter = field(default_factory=OneEuroFilter)
    _distance: OneEuroFilter = field(default_factory=OneEuroFilter)
    _label: LabelFilter = field(default_factory=LabelFilter)

    def forget(self) -> None:
        """Start afresh: time went back."""
        self.clip.clear()
        for memory in (self._pixels, self._depth, self._distance, self._label):
            memory.reset()

    def remember(self, look: Look, stamp_ns: int) -> Clip:
        """Add a frame to the clip; return the clip in that frame's crop."""
        arrays = look.arrays
        self.clip.add(
            ClipFrame(stamp_ns, look.joints_image, arrays.probability, arrays.joint_features)
        )
        return self.clip.clip(look.transform)

    def action(
        self,
        labels: tuple[str, ...],
        scores: NDArray[np.float32],
        clip: Clip,
        settings: StreamSettings,
    ) -> ActionScores:
        """Return the action of a clip; until the clip is full its label is not held."""
        held = int(scores.argmax())
        if clip.full:
            held = self._label(scores, clip.end_ns, settings.smooth)
        else:
            self._label.reset()
        return ActionScores(
            labels=labels,
            scores=scores,
            clip_start_ns=clip.start_ns,
            clip_end_ns=clip.end_ns,
            frames_used=clip.frames_used,
            valid=clip.full,
            best=held,
        )

    def describe(
        self,
        look: Look,
        around: Surroundings,
        layout: str,
        settings: StreamSettings,
        action: ActionScores | None,
    ) -> PersonPrediction:
        """Return the result for one frame, in pixels and as far as possible in metres."""
        confidence = look.arrays.visibility
        hidden = confidence < settings.track.min_joint_confidence
        joints_px = self._steady(
            look.joints_image[:, :2], self._pixels, around, settings, look.box.size
        )
        location = Location()
        if look.joints_image.shape[1] == 3:
            depth_m = self._steady(
                depth_from_root(look.joints_image), self._depth, around, settings, _WINDOW_M
            )
            body = BodyPrior(settings.body.height, settings.body.height_sigma)
            location = localize(
                Pose25D(layout, joints_px, depth_m, confidence),
                camera=around.camera,
                depth_image_m=around.depth_m,
                body=body,
            )
            location = self._steady_distance(location, around.stamp_ns, settings)
        root_m, camera_m = location.joints_root_m, location.joints_camera_m
        return PersonPrediction(
            track_id=look.track_id,
            box=look.box,
            layout=layout,
            joints_image_px=_hide(joints_px, hidden),
            confidence=np.where(hidden, np.float32(0.0), confidence),
            joints_root_m=None if root_m is None else _hide(root_m, hidden),
            joints_camera_m=None if camera_m is None else _hide(camera_m, hidden),
            scale_source=location.scale_source,
            root_depth_sigma_m=location.root_depth_sigma_m,
            action=action,
        )

    def _steady(
        self,
        values: NDArray[np.floating],
        memory: OneEuroFilter,
        around: Surroundings,
        settings: StreamSettings,
        side: float,
    ) -> NDArray[np.floating]:
        """Filter joints; `side` is that of the window in their unit."""
        if not settings.smooth.joints:
            memory.reset()
            return values
        return memory(values, around.stamp_ns, settings.smooth, side)

    def _steady_distance(
        self, location: Location, stamp_ns: int, settings: StreamSettings
    ) -> Location:
        """Filter the distance of the root; the joints move along their rays with it."""
        joints = location.joints_camera_m
        if joints is None or not settings.smooth.joints:
            return location
        distance, unit = np.array([location.root_depth_m]), _DISTANCE_UNIT * location.root_depth_m
        filtered = float(self._distance(distance, stamp_ns, settings.smooth, unit)[0])
        along = 1.0 + (filtered - location.root_depth_m) / joints[:, 2:]
        moved = (joints * along).astype(np.float32)
        root = joints - location.joints_root_m if location.joints_root_m is not None else joints
        return replace(
            location,
            joints_camera_m=moved,
            joints_root_m=(moved - (root * (filtered / location.root_depth_m))).astype(np.float32),
            root_depth_m=filtered,
        )


def _hide(joints: NDArray[np.floating], hidden: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.where(hidden[:, None], np.float32(np.nan), joints).astype(np.float32)
