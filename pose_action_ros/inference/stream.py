"""Turns images into `FramePrediction`s: the whole product without ROS.

Each frame passes through the backbone once. A `ClipBuffer` keeps the features of each person for
the action heads, so a new label costs one frame, not T. Source: paper, figure 4; streaming is
ours.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import ImageError
from pose_action_ros.core.person_confidence import person_confidence
from pose_action_ros.core.predictions import FramePrediction
from pose_action_ros.geometry import crop_transform, extract_crop
from pose_action_ros.inference.clip_buffer import ClipShape
from pose_action_ros.inference.image_clock import ImageClock
from pose_action_ros.inference.people import People
from pose_action_ros.inference.person import FrameContext, Reading
from pose_action_ros.inference.search import PeopleSearch
from pose_action_ros.inference.settings import StreamSettings
from pose_action_ros.models import open_model
from pose_action_ros.models.finder import open_finder
from pose_action_ros.runtime.engine import Engine
from pose_action_ros.runtime.finder_engine import FinderEngine
from pose_action_ros.runtime.network import FrameArrays
from pose_action_ros.runtime.release_memory import give_back_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.geometry import Camera, CropTransform
    from pose_action_ros.inference.people import Window
    from pose_action_ros.inference.person import Sighting
    from pose_action_ros.models import ModelConfig

__all__ = ['PoseActionStream']

_FORGET = 1.05  # largest growth of the cost of a window from frame to frame


class PoseActionStream:
    """Follows people through a stream of images.

    Args:
        engine: The network.
        settings: All settings; may be replaced while running.
        finder: Finds people in whole images; None to follow one person, or given boxes.
    """

    def __init__(
        self,
        engine: Engine,
        settings: StreamSettings | None = None,
        finder: FinderEngine | None = None,
    ) -> None:
        self._engine: Engine | None = engine
        self._search = PeopleSearch(finder) if finder is not None else None
        self._window_ms = 0.0
        self._config = engine.config
        self._device = engine.device
        self.notes = tuple(engine.notes)
        self._clock = ImageClock()
        self._settings = settings or StreamSettings()
        self._people = People(_clip_shape(self._settings, self._config))
        self._reset_tracks: list[int] = []  # not yet reported by a frame

    @classmethod
    def open(
        cls,
        weights: str,
        *,
        settings: StreamSettings | None = None,
        finder: str | None = None,
        device: str = 'auto',
        threads: int = 0,
        backend: str = 'auto',
        precision: str = 'auto',
        report: Callable[[str], None] = lambda step: None,
    ) -> PoseActionStream:
        """Load weights and warm the network up.

        Args:
            weights: As `models.open_model`: a path, `demo`, a fetched preset, `untrained:PRESET`.
            settings: All settings.
            finder: Weights of the finder, as `models.finder.open_finder`; None to follow one
                person, or given boxes.
            device: `auto`, `cpu`, `cuda` or `cuda:N`.
            threads: CPU threads; 0 for all cores.
            backend: As `Engine`.
            precision: As `Engine`.
            report: Called with a sentence about each step of loading.

        Raises:
            CheckpointError: There are no such weights, or the file is damaged.
            ConfigError: There is no such preset, backend or precision.
            DeviceError: There is no such device, or its memory is full.
        """
        report('reading the weights')
        engine = Engine(
            open_model(weights),
            device,
            threads,
            backend=backend,
            precision=precision,
            report=report,
        )
        finds = None
        if finder is not None:
            report('preparing the finder')
            finds = FinderEngine(open_finder(finder), device, threads, backend=backend)
        return cls(engine, settings, finds)

    def fresh(self, settings: StreamSettings | None = None) -> PoseActionStream:
        """Return an empty stream on the same network.

        Args:
            settings: Its settings; by default those of this stream.
        """
        if self._engine is None:
            raise RuntimeError('the stream is closed; open another one')
        finder = None if self._search is None else self._search.engine
        return PoseActionStream(self._engine, settings or self._settings, finder)

    @property
    def settings(self) -> StreamSettings:
        """The settings of the next frame."""
        return self._settings

    @settings.setter
    def settings(self, settings: StreamSettings) -> None:
        self._settings = settings
        self._people.clip_shape = _clip_shape(settings, self._config)

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
        """The network's actions; empty for a network without actions."""
        return self._config.actions

    @property
    def device(self) -> str:
        """Description of the device, for display."""
        return self._device

    @property
    def is_3d(self) -> bool:
        """Whether the network gives depths relative to the root, which metres need."""
        return self._config.dimensions == 3

    @property
    def clip_s(self) -> float:
        """Duration of a clip, seconds."""
        return self._people.clip_shape.duration_s

    @property
    def clip_fill(self) -> float:
        """Filled share of the fullest clip, 0 to 1."""
        return max((person.clip.fill for person in self._people), default=0.0)

    def reset(self) -> list[int]:
        """Drop all tracks and clips; return the ids of the tracks that end.

        The next frame reports them too.
        """
        self._clock.reset()
        if self._search is not None:
            self._search.reset()
        ended = self._people.reset()
        self._reset_tracks += ended
        return ended

    def look_ahead(self, image_rgb: NDArray[np.uint8], stamp_ns: int) -> None:
        """Search the last image for people who are not tracked yet, if a search is due.

        Call this in the pause between two frames; the candidates get windows in the next frame.
        Without this call the next frame does the search.

        Args:
            image_rgb: The image that `process` has seen last.
            stamp_ns: Its stamp.
        """
        if self._search is not None and len(self._people):
            self._search.look_ahead(image_rgb, stamp_ns, self._settings.find)

    def close(self) -> None:
        """Release the network and its memory; the stream can't be used any more."""
        self.reset()
        self._engine = self._search = None
        give_back_memory()

    def process(
        self,
        image_rgb: NDArray[np.uint8],
        stamp_ns: int,
        *,
        camera: Camera | None = None,
        boxes: Sequence[PersonBox] | None = None,
        depth_m: NDArray[np.float32] | None = None,
        budget_ms: float = 0.0,
    ) -> FramePrediction:
        """Look at one image.

        Args:
            image_rgb: (H, W, 3) uint8.
            stamp_ns: Time of exposure. An image whose stamp does not fit is skipped
                (`FramePrediction.skipped`); if time has gone back, all clips are emptied.
            camera: Its intrinsics, for metres in the camera's frame.
            boxes: Boxes of people; None to find and track them.
            depth_m: (H, W) depth registered to the image in metres, NaN invalid.
            budget_ms: Time for all people; if it is too short, they take turns. 0: no limit.

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
            self._people.restart(stamp_ns)  # a looping recording
        track = settings.track
        height, width = image_rgb.shape[:2]
        candidates = None
        if self._search is not None and boxes is None:
            candidates = self._search.candidates(
                image_rgb, stamp_ns, settings.find, nobody=not len(self._people)
            )
        windows = self._people.windows(
            stamp_ns, (width, height), track, boxes, candidates=candidates,
            most=self._affordable(budget_ms),
        )  # fmt: skip
        if self._search is not None:
            self._search.keep(self._people.unlooked)
        crops = _crop(image_rgb, windows)
        cropped = time.perf_counter()
        readings = _read(self._engine, windows, *crops)
        least = settings.find.min_confidence
        again = self._people.newcomers(readings, track, least)
        second = _read(self._engine, again, *_crop(image_rgb, again))
        readings = self._people.confirmed(readings, second, track, least)
        sightings = self._people.sight(readings, stamp_ns, track)
        if candidates is not None and self._search is not None:
            followed = self._people.track_ids
            self._search.reject((w.box for w in windows if w.track_id not in followed), stamp_ns)
        scores = self._scores(self._engine, sightings)
        inferred = time.perf_counter()
        self._note_cost(len(windows) + len(again), (inferred - start) * 1e3)
        context = FrameContext(
            stamp_ns, camera, depth_m, self.layout, self._config.actions, settings
        )
        persons = tuple(
            sighting.predict(context, row) for sighting, row in zip(sightings, scores, strict=True)
        )
        lost = self._people.end_lost(
            stamp_ns, track, [window.track_id for window in windows], settings.find.hidden_s
        )
        ended, self._reset_tracks = (*self._reset_tracks, *lost), []
        return FramePrediction(
            stamp_ns,
            persons,
            ended,
            waiting=tuple(p.last for p in self._people.waiting if p.last is not None),
            followed_tracks=self._people.track_ids,
            clip_frames=self._people.clip_shape.frames if self._config.actions else 0,
            preprocess_ms=(cropped - start) * 1e3,
            inference_ms=(inferred - cropped) * 1e3,
            is_crowded=self._people.is_crowded,
        )

    def _affordable(self, budget_ms: float) -> int | None:
        """Number of windows for which there is time; None for all."""
        if not budget_ms or not self._window_ms:
            return None
        return max(1, int(budget_ms / self._window_ms))

    def _note_cost(self, windows: int, spent_ms: float) -> None:
        """Update the cost of a window: the least recent time, which nothing has disturbed."""
        if windows:
            cost = spent_ms / windows
            self._window_ms = min(cost, (self._window_ms or cost) * _FORGET)

    def _scores(
        self, engine: Engine, sightings: Sequence[Sighting]
    ) -> Sequence[NDArray[np.float32] | None]:
        """(A,) for each sighting, all in one pass of the heads; None without actions."""
        if not self._config.actions or not sightings:
            return [None] * len(sightings)
        clips = [sighting.clip for sighting in sightings]
        return list(
            engine.actions(
                _batch([clip.joints for clip in clips]),
                _batch([clip.probability for clip in clips]),
                _batch([clip.joint_features for clip in clips]),
            )
        )


def _clip_shape(settings: StreamSettings, config: ModelConfig) -> ClipShape:
    """The shape of a clip from the settings; by default that of the training."""
    clip = settings.clip
    return ClipShape(
        clip.frames or config.clip_frames, clip.period or config.clip_period_s, clip.max_gap
    )


def _batch(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """As `np.stack`; a single array is not copied."""
    return arrays[0][None] if len(arrays) == 1 else np.stack(arrays)


def _crop(
    image_rgb: NDArray[np.uint8], windows: Sequence[Window]
) -> tuple[list[CropTransform], list[NDArray[np.uint8]]]:
    """The maps to the windows' crops, and the crops."""
    transforms = [crop_transform(window.box) for window in windows]
    return transforms, [extract_crop(image_rgb, transform) for transform in transforms]


def _read(
    engine: Engine,
    windows: Sequence[Window],
    transforms: Sequence[CropTransform],
    crops: Sequence[NDArray[np.uint8]],
) -> list[Reading]:
    """All windows in one pass of the backbone."""
    if not windows:
        return []
    arrays, config = engine.frames(_batch(crops)), engine.config
    readings = []
    for index, (window, transform) in enumerate(zip(windows, transforms, strict=True)):
        row = FrameArrays(*(array[index] for array in arrays))
        joints = transform.to_image(row.joints).astype(np.float32)
        sure = person_confidence(row.visibility, config.person_gain, config.person_offset)
        reading = Reading(window.track_id, window.box, transform, row, joints, float(sure))
        readings.append(reading)
    return readings
