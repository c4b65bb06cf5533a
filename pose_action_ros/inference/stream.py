"""Image in, `FramePrediction` out: the whole product without ROS.

Each frame passes the backbone once. What the action heads need of it is kept per person in a
`ClipBuffer`, so a new label costs one frame, not T. Source: paper, figure 4; streaming is ours.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import ImageError
from pose_action_ros.core.predictions import ActionScores, FramePrediction
from pose_action_ros.geometry import crop_transform, extract_crop
from pose_action_ros.inference.clip_buffer import ClipBuffer
from pose_action_ros.inference.image_clock import ImageClock
from pose_action_ros.inference.person import Look, Person, Surroundings
from pose_action_ros.inference.settings import StreamSettings
from pose_action_ros.inference.tracker import Tracker
from pose_action_ros.models import open_model
from pose_action_ros.runtime.engine import Engine
from pose_action_ros.runtime.network import FrameArrays
from pose_action_ros.runtime.release_memory import give_back_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.geometry import Camera, CropTransform
    from pose_action_ros.inference.tracker import Window

__all__ = ['PoseActionStream']


class PoseActionStream:
    """Follows people through a stream of images.

    Args:
        engine: The network.
        settings: All settings; may be replaced while running.
    """

    def __init__(self, engine: Engine, settings: StreamSettings | None = None) -> None:
        self._engine: Engine | None = engine
        self._config = engine.config
        self._device = engine.device
        self.notes = tuple(engine.notes)
        self._tracker = Tracker()
        self._people: dict[int, Person] = {}
        self._clock = ImageClock()
        self.settings = settings or StreamSettings()

    @classmethod
    def open(
        cls,
        weights: str,
        *,
        settings: StreamSettings | None = None,
        device: str = 'auto',
        threads: int = 0,
        backend: str = 'auto',
        precision: str = 'auto',
    ) -> PoseActionStream:
        """Load weights and warm the network up.

        Args:
            weights: As `models.open_model`: a path, `demo`, a fetched preset, `untrained:PRESET`.
            settings: All settings.
            device: `auto`, `cpu`, `cuda` or `cuda:N`.
            threads: CPU threads; 0 for all cores.
            backend: As `Engine`.
            precision: As `Engine`.

        Raises:
            CheckpointError: There are no such weights, or the file is damaged.
            ConfigError: There is no such preset, backend or precision.
            DeviceError: There is no such device, or its memory is full.
        """
        net = open_model(weights)
        return cls(Engine(net, device, threads, backend=backend, precision=precision), settings)

    @property
    def settings(self) -> StreamSettings:
        """The settings of the next frame."""
        return self._settings

    @settings.setter
    def settings(self, settings: StreamSettings) -> None:
        clip, config = settings.clip, self._config
        shape = (
            clip.frames or config.clip_frames,
            clip.period or config.clip_period_s,
            clip.max_gap,
        )
        self._settings = settings
        if shape != getattr(self, '_clip_shape', shape):
            for person in self._people.values():
                person.clip = ClipBuffer(*shape)
        self._clip_shape = shape

    @property
    def layout(self) -> str:
        """Name of the network's joint layout."""
        return self._config.layout

    @property
    def model_name(self) -> str:
        """Name of the network."""
        return self._config.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The network's actions; empty for a network of poses alone."""
        return self._config.actions

    @property
    def device(self) -> str:
        """Where the network runs, for people."""
        return self._device

    @property
    def is_3d(self) -> bool:
        """The network says how far joints are from the root, so that metres are possible."""
        return self._config.dimensions == 3

    @property
    def clip_s(self) -> float:
        """Duration of a clip, seconds."""
        frames, period_s, _ = self._clip_shape
        return (frames - 1) * period_s

    @property
    def clip_fill(self) -> float:
        """How full the fullest clip is, 0 to 1."""
        return max((person.clip.fill for person in self._people.values()), default=0.0)

    def reset(self) -> list[int]:
        """Drop all tracks and clips; return the ids of the tracks that end."""
        self._people.clear()
        self._clock.reset()
        return self._tracker.reset()

    def close(self) -> None:
        """Let go of the network and its memory; the stream can't be used any more."""
        self.reset()
        self._engine = None
        give_back_memory()

    def process(
        self,
        image_rgb: NDArray[np.uint8],
        stamp_ns: int,
        *,
        camera: Camera | None = None,
        boxes: Sequence[PersonBox] | None = None,
        depth_m: NDArray[np.float32] | None = None,
    ) -> FramePrediction:
        """Look at one image.

        Args:
            image_rgb: (H, W, 3) uint8.
            stamp_ns: When it was taken. An image whose stamp does not fit is skipped
                (`FramePrediction.skipped`); where time has gone back all clips start afresh.
            camera: Its intrinsics, for metres in the camera's frame.
            boxes: Where people are; None to find and follow one person.
            depth_m: (H, W) depth registered to the image in metres, NaN invalid.

        Raises:
            ImageError: The image has another shape or type, or no pixels.
        """
        if self._engine is None:
            raise RuntimeError('the stream is closed; open another one')
        shape = image_rgb.shape
        if image_rgb.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise ImageError(
                f'found an image of shape {shape} and type {image_rgb.dtype}; '
                'expected (H, W, 3) uint8 RGB'
            )
        start = time.perf_counter()
        settings = self._settings
        admission = self._clock.admit(stamp_ns, settings.clip.max_gap, settings.time.back_after)
        if admission.reason:
            return FramePrediction(stamp_ns, skipped=admission.reason)
        if admission.went_back:
            self._start_afresh(stamp_ns)
        track = settings.track
        height, width = image_rgb.shape[:2]
        windows = self._tracker.windows(stamp_ns, (width, height), track, boxes)
        transforms = [crop_transform(window.box) for window in windows]
        crops = [extract_crop(image_rgb, transform) for transform in transforms]
        cropped = time.perf_counter()
        looks = _look(self._engine, windows, transforms, crops)
        looks = [look for look in looks if self._is_seen(look, stamp_ns)]
        actions = self._act(self._engine, looks, stamp_ns)
        inferred = time.perf_counter()
        around = Surroundings(stamp_ns, camera, depth_m)
        persons = tuple(
            self._people[look.track_id].describe(look, around, self.layout, settings, action)
            for look, action in zip(looks, actions, strict=True)
        )
        lost = self._tracker.drop_lost(stamp_ns, track, [window.track_id for window in windows])
        for track_id in lost:
            self._people.pop(track_id, None)
        return FramePrediction(
            stamp_ns,
            persons,
            tuple(lost),
            preprocess_ms=(cropped - start) * 1e3,
            inference_ms=(inferred - cropped) * 1e3,
        )

    def _start_afresh(self, stamp_ns: int) -> None:
        """Forget clips and speeds: time has gone back (a looping recording)."""
        self._tracker.restart(stamp_ns)
        for person in self._people.values():
            person.forget()

    def _is_seen(self, look: Look, stamp_ns: int) -> bool:
        """Tell the tracker what was seen, and whether it is a person."""
        return self._tracker.update(
            look.track_id,
            stamp_ns,
            look.joints_image[:, :2],
            look.arrays.visibility,
            self._settings.track,
        )

    def _act(
        self, engine: Engine, looks: Sequence[Look], stamp_ns: int
    ) -> list[ActionScores | None]:
        """Remember every look; the actions of all people in one pass of the heads."""
        people = [
            self._people.setdefault(look.track_id, Person(ClipBuffer(*self._clip_shape)))
            for look in looks
        ]
        clips = [
            person.remember(look, stamp_ns) for person, look in zip(people, looks, strict=True)
        ]
        labels = self._config.actions
        if not labels or not looks:
            return [None] * len(looks)
        scores = engine.actions(
            _batch([clip.joints for clip in clips]),
            _batch([clip.probability for clip in clips]),
            _batch([clip.joint_features for clip in clips]),
        )
        return [
            person.action(labels, row, clip, self._settings)
            for person, row, clip in zip(people, scores, clips, strict=True)
        ]


def _batch(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """As `np.stack`; a single array is not copied."""
    return arrays[0][None] if len(arrays) == 1 else np.stack(arrays)


def _look(
    engine: Engine,
    windows: Sequence[Window],
    transforms: Sequence[CropTransform],
    crops: Sequence[NDArray[np.uint8]],
) -> list[Look]:
    """All windows in one pass of the backbone."""
    if not windows:
        return []
    arrays = engine.frames(_batch(crops))
    looks = []
    for index, (window, transform) in enumerate(zip(windows, transforms, strict=True)):
        row = FrameArrays(*(array[index] for array in arrays))
        joints = transform.to_image(row.joints).astype(np.float32)
        looks.append(Look(window.track_id, window.box, transform, row, joints))
    return looks
