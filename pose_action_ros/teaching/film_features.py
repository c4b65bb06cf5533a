"""Outputs of the frozen pose network for each frame of a film, stored in files.

A `PoseActionStream` processes the film like images of a camera: first the whole image, then the
window around the last pose, or the given boxes. So training uses exactly the windows, joints and
features of the node. The network that processes the films has no actions. All networks taught
from it share its features.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.paths import visible_files, written_whole
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.data.windows import corner_box
from pose_action_ros.geometry import crop_transform
from pose_action_ros.inference import PoseActionStream
from pose_action_ros.models import MultitaskNet
from pose_action_ros.models.checkpoint import find_weights
from pose_action_ros.models.finder import open_finder
from pose_action_ros.runtime import Engine
from pose_action_ros.runtime.finder_engine import FinderEngine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonPrediction
    from pose_action_ros.data.film_folder import FolderFilm
    from pose_action_ros.runtime.network import FrameArrays

    Corners = tuple[float, float, float, float]

__all__ = ['FeatureFiles', 'FilmFeatures', 'Watcher', 'pose_part', 'weights_digest']

_ARRAYS = ('times_s', 'tracks', 'windows', 'joints_image', 'probability', 'joint_features')
_VERSION = 2  # version of the files; raise it when their content changes


@dataclass(frozen=True, eq=False)
class FilmFeatures:
    """The network's outputs for a film: F of `shown` frames, those in which a person was tracked.

    Attributes:
        times_s: (F,) seconds from the film's start.
        tracks: (F,) the id of the track.
        windows: (F, 3) centre x, y and side of the window, pixels.
        joints_image: (F, J, D) float32; x, y in source pixels, z as the network gives it.
        probability: (F, J) float32.
        joint_features: (F, J, C) float16.
        shown: Number of frames of the film.
        last_s: Time of its last frame.
    """

    times_s: NDArray[np.float64]
    tracks: NDArray[np.int64]
    windows: NDArray[np.float64]
    joints_image: NDArray[np.float32]
    probability: NDArray[np.float32]
    joint_features: NDArray[np.float16]
    shown: int
    last_s: float

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def seen(self) -> float:
        """Share of the frames in which a person was tracked."""
        return len(self) / max(self.shown, 1)

    @property
    def rate_hz(self) -> float:
        """Mean rate of the film; NaN for a single frame."""
        return (self.shown - 1) / self.last_s if self.last_s else float('nan')


def pose_part(net: MultitaskNet) -> MultitaskNet:
    """Return a network without actions that shares the pose part of `net`."""
    pose = MultitaskNet(replace(net.config, actions=()))
    pose.pose_net = net.pose_net
    return pose.eval()


class _Listening(Engine):
    """An engine that keeps its last outputs."""

    seen: FrameArrays

    def frames(self, crops: NDArray[np.uint8]) -> FrameArrays:
        self.seen = super().frames(crops)
        return self.seen


class Watcher:
    """Processes films as the node does.

    Args:
        net: The network; its pose part is used.
        device: As in `Engine`.
        threads: As in `Engine`.
        finder: Weights of the finder, for a node with a finder; empty: one person is tracked.
        backend: As in `Engine`.

    Raises:
        CheckpointError: There is no such finder.
        DeviceError: There is no such device.
    """

    def __init__(
        self,
        net: MultitaskNet,
        device: str = 'auto',
        threads: int = 0,
        *,
        finder: str = '',
        backend: str = 'auto',
    ) -> None:
        self._engine = _Listening(
            pose_part(net), device, threads, backend=backend, precision='auto'
        )
        finds = None
        if finder:
            finds = FinderEngine(open_finder(finder), device, threads, backend=backend)
        self._stream = PoseActionStream(self._engine, finder=finds)
        self.config = net.config

    def watch(
        self,
        frames: Iterable[tuple[float, NDArray[np.uint8]]],
        boxes: Mapping[int, Corners] | None = None,
        *,
        mirrored: bool = False,
    ) -> FilmFeatures:
        """Return the features of a film; with several people, of the one with the most frames.

        Args:
            frames: Time in seconds and image, (H, W, 3) uint8 RGB.
            boxes: Frame number to x1, y1, x2, y2 of the person in pixels; other frames use the
                nearest one. None: the person is found and tracked.
            mirrored: Use the mirror image.

        Raises:
            DatasetError: The film ends in its first frame, or is damaged.
        """
        self._stream.reset()
        rows: list[tuple[Any, ...]] = []
        shown, last_s = 0, 0.0
        for number, (time_s, image) in enumerate(frames):
            shown, last_s = number + 1, time_s
            given = None if not boxes else [_nearest_box(boxes, number)]
            if mirrored:
                image = np.ascontiguousarray(image[:, ::-1])
                given = given and [_mirrored(box, image.shape[1]) for box in given]
            seen = self._stream.process(image, round(time_s * 1e9), boxes=given)
            rows += [(time_s, *self._row(person)) for person in seen.persons]
        if not shown:
            raise DatasetError('found no frame that can be decoded')
        return FilmFeatures(*self._columns(_main_person(rows)), shown=shown, last_s=last_s)

    def _row(self, person: PersonPrediction) -> tuple[Any, ...]:
        """The network's raw outputs for a person in the newest frame."""
        arrays, box = self._engine.seen, person.box
        known = person.confidence > 0.0  # the rest is hidden
        apart = np.abs(arrays.visibility - person.confidence)[:, known].sum(axis=1)
        row = int(apart.argmin())
        joints = crop_transform(box).to_image(arrays.joints[row]).astype(np.float32)
        window = (box.center_x, box.center_y, box.size)
        features = arrays.joint_features[row].astype(np.float16)
        return person.track_id, window, joints, arrays.probability[row], features

    def _columns(self, rows: list[tuple[Any, ...]]) -> list[Any]:
        config = self.config
        joints = config.num_joints
        shapes = ((), (), (3,), (joints, config.dimensions), (joints,), (joints, config.features))
        types = (np.float64, np.int64, np.float64, np.float32, np.float32, np.float16)
        return [
            np.array([row[at] for row in rows], kind).reshape(len(rows), *shape)
            for at, (shape, kind) in enumerate(zip(shapes, types, strict=True))
        ]


class FeatureFiles:
    """The features of films in a folder; each film is processed once.

    Args:
        folder: The folder; lessons with the same pose network may share it.
        net: The network.
        watcher: Options of `Watcher`, which is created for the first film.
    """

    def __init__(self, folder: Path, net: MultitaskNet, **watcher: Any) -> None:
        self._folder = folder
        self._net = net
        self._digest = weights_digest(net)
        self._options = watcher
        self._watcher: Watcher | None = None

    def features(
        self,
        film: FolderFilm,
        boxes: Mapping[int, Corners] | None = None,
        *,
        mirrored: bool = False,
    ) -> FilmFeatures:
        """Return the features of a film, from its file or computed.

        Raises:
            DatasetError: The film is damaged.
        """
        key = self._key(film, boxes, mirrored)
        path = self._folder / f'{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz'
        if (found := _read(path)) is not None:
            return found
        if self._watcher is None:
            self._watcher = Watcher(self._net, **self._options)
        try:
            found = self._watcher.watch(film.frames(), boxes, mirrored=mirrored)
        except DatasetError as error:
            raise DatasetError(f'{film.name}: {error}') from error
        _write(path, found)
        return found

    def _key(self, film: FolderFilm, boxes: Any, mirrored: bool) -> str:
        real = film.path.resolve()
        files = visible_files(real) if real.is_dir() else [real]
        stamps = [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files]
        rate = film.picture_rate_hz if real.is_dir() else 0.0
        boxes = sorted(boxes.items()) if boxes else None
        key = [_VERSION, self._digest, str(real), stamps, rate, boxes, mirrored]
        finder = self._options.get('finder')
        if finder and not boxes:
            key.append(hashlib.sha256(find_weights(finder).read_bytes()).hexdigest())
        return json.dumps(key)


def weights_digest(net: MultitaskNet) -> str:
    """Return a hash of the pose network's shape and weights."""
    digest = hashlib.sha256(replace(net.config, actions=(), name='').to_json().encode())
    for name, value in sorted(net.pose_net.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


def _read(path: Path) -> FilmFeatures | None:
    """Read a file; None if it is missing or damaged."""
    try:
        with path.open('rb') as file, np.load(file, allow_pickle=False) as values:
            arrays = [values[name] for name in _ARRAYS]
            return FilmFeatures(
                *arrays, shown=int(values['shown']), last_s=float(values['last_s'])
            )
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def _write(path: Path, features: FilmFeatures) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as part, part.open('wb') as file:
        np.savez(file, **vars(features))


def _main_person(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """One row per frame: of the track with the most rows; if equal, the largest window."""
    counts = Counter(row[1] for row in rows)
    best: dict[float, tuple[Any, ...]] = {}
    for row in rows:
        before = best.get(row[0])
        if before is None or (counts[row[1]], row[2][2]) > (counts[before[1]], before[2][2]):
            best[row[0]] = row
    return list(best.values())


def _nearest_box(boxes: Mapping[int, Corners], frame: int) -> PersonBox:
    return corner_box(boxes[min(boxes, key=lambda known: abs(known - frame))])


def _mirrored(box: PersonBox, width: int) -> PersonBox:
    return replace(box, center_x=width - box.center_x)
