"""The measurements of `pose-action bench`: stages of a frame on every engine, and ways to a label.

Operations are those of the convolutions (`models.complexity`). Bytes are the necessary minimum:
pixels in and out once, or every weight once. The overhead of a stage is not included.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.geometry import (
    CROP_PX,
    Camera,
    crop_transform,
    decode_image,
    extract_crop,
)
from pose_action_ros.inference import PoseActionStream
from pose_action_ros.runtime.accuracy_gate import as_clip, gate_pictures, one_by_one
from pose_action_ros.runtime.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pose_action_ros.models import MultitaskNet
    from pose_action_ros.models.complexity import Complexity

__all__ = ['FASTEST', 'Bench', 'Replay', 'Stage']

FASTEST = 'engine'
"""Name of the engine that `auto` chooses."""

_HEIGHT, _WIDTH = 480, 640
_PIXELS = 3 * _HEIGHT * _WIDTH
_SIDE = 0.8 * _HEIGHT
_MIDDLE = PersonBox(_WIDTH / 2, _HEIGHT / 2, _SIDE)
_BYTES = {'float32': 4, 'bfloat16': 2, 'float16': 2}


@dataclass(frozen=True, eq=False)
class Stage:
    """One measured stage.

    Attributes:
        run: Runs the stage once.
        gflop: Operations (a multiply-add is two), 1e9.
        mbytes: Bytes that must be read or written, 1e6.
        precision: Precision of the operations, which decides their limit.
    """

    run: Callable[[], Any]
    gflop: float = 0.0
    mbytes: float = 0.0
    precision: str = 'float32'


class Replay:
    """An engine that returns a stored answer, to time a stream without its network."""

    def __init__(self, engine: Engine) -> None:
        self.config, self.device, self.notes = engine.config, engine.device, list(engine.notes)
        self._frames = engine.frames(_person()[None])
        actions = max(len(engine.config.actions), 1)
        self._scores = np.full((1, actions), 1.0 / actions, np.float32)

    def frames(self, crops: NDArray[np.uint8]) -> Any:
        """As `Engine.frames`, of one crop."""
        return self._frames

    def actions(self, *clip: NDArray[np.float32]) -> NDArray[np.float32]:
        """As `Engine.actions`, of one clip."""
        return self._scores


@dataclass(eq=False)
class Bench:
    """A network on every engine, and the stages of a 640 x 480 frame.

    Attributes:
        net: The network.
        cost: Its counts, as it runs.
        engines: Engines by name; `FASTEST` is one of them.
        batch: People in the batched row.
    """

    net: MultitaskNet
    cost: Complexity
    engines: dict[str, Engine]
    batch: int = 8
    _image: NDArray[np.uint8] = field(init=False)
    _crop: NDArray[np.uint8] = field(init=False)

    def __post_init__(self) -> None:
        self._image = np.random.default_rng(0).integers(0, 256, (_HEIGHT, _WIDTH, 3), np.uint8)
        x, y = (_WIDTH - CROP_PX) // 2, (_HEIGHT - CROP_PX) // 2
        self._image[y : y + CROP_PX, x : x + CROP_PX] = _person()
        self._crop = extract_crop(self._image, crop_transform(_MIDDLE))[None]

    def stages(self) -> dict[str, Stage]:
        """Return all measured stages, by name."""
        stages = {**self._around(), **self._backbones()}
        if self.net.config.actions:
            stages |= {**self._heads(), **self._clips()}
        return stages

    def score_deviation(self) -> float:
        """Largest difference of a probability: frame by frame here, whole clips in PyTorch."""
        import torch

        length = self.net.config.clip_frames
        pictures, engine = gate_pictures(), self.engines[FASTEST]
        crops = pictures[np.arange(length) % len(pictures)]
        frames = one_by_one(engine, crops)
        found = engine.actions(*as_clip(frames, length))
        with torch.inference_mode():
            exact = self.net.forward_clip(self._planes(crops)[None]).actions
        return float(np.abs(found - exact.cpu().numpy()).max())

    def _around(self) -> dict[str, Stage]:
        """The stages beside the network: decoding, cropping, and the stream around the network."""
        data, image, window = self._image.tobytes(), self._image, crop_transform(_MIDDLE)
        camera = Camera.from_field_of_view(_WIDTH, _HEIGHT, 60.0)
        streams = {
            'stream without network': PoseActionStream(Replay(self.engines[FASTEST])),  # type: ignore[arg-type]
            'stream, one image': PoseActionStream(self.engines[FASTEST]),
        }
        stages = {
            'decode bgr8': Stage(
                lambda: decode_image(
                    data, width=_WIDTH, height=_HEIGHT, step=3 * _WIDTH, encoding='bgr8'
                ),
                mbytes=2e-6 * _PIXELS,
            ),
            'crop': Stage(
                lambda: extract_crop(image, window),
                mbytes=1e-6 * (3 * _SIDE**2 + self._crop.nbytes),
            ),
        }
        for name, stream in streams.items():
            stamps = iter(range(0, 1 << 60, 33_333_333))
            stages[name] = Stage(
                lambda stream=stream, stamps=stamps: stream.process(
                    image, next(stamps), camera=camera, boxes=[_MIDDLE]
                )
            )
        return stages

    def _backbones(self) -> dict[str, Stage]:
        one, several = self._crop, np.repeat(self._crop, self.batch, axis=0)
        stages = {
            f'backbone, {name}': self._network_stage(
                lambda engine=engine: engine.frames(one), engine, frames=1
            )
            for name, engine in self.engines.items()
        }
        best = self.engines[FASTEST]
        stages[f'backbone, {self.batch} people'] = self._network_stage(
            lambda: best.frames(several), best, frames=self.batch
        )
        return stages

    def _heads(self) -> dict[str, Stage]:
        """The action heads on one clip, made of the backbone's outputs for one crop."""
        frame = self.engines[FASTEST].frames(self._crop)
        clip = [np.repeat(a[None], self.net.config.clip_frames, axis=1) for a in frame]
        return {
            f'action heads, {name}': self._network_stage(
                lambda engine=engine: engine.actions(clip[0], clip[2], clip[3]), engine, clips=1
            )
            for name, engine in self.engines.items()
            if name in ('torch float32', FASTEST)
        }

    def _clips(self) -> dict[str, Stage]:
        """The ways to a new label: the whole clip again, or one frame."""
        import torch

        length, engine = self.net.config.clip_frames, self.engines[FASTEST]
        crops = np.repeat(self._crop, length, axis=0)
        planes = self._planes(crops)[None]

        @torch.inference_mode()
        def eager() -> None:
            self.net.forward_clip(planes).actions.cpu()

        def label(crops: NDArray[np.uint8]) -> None:
            frames = engine.frames(crops)
            clip = [np.resize(a, (1, length, *a.shape[1:])) for a in frames]
            engine.actions(clip[0], clip[2], clip[3])

        stage = self._network_stage
        return {
            'new label, clip by clip, torch eager': stage(
                eager, self.engines['torch float32'], frames=length, clips=1
            ),
            f'new label, clip by clip, {FASTEST}': stage(
                lambda: label(crops), engine, frames=length, clips=1
            ),
            f'new label, streaming, {FASTEST}': stage(
                lambda: label(self._crop), engine, frames=1, clips=1
            ),
        }

    def _network_stage(
        self, run: Callable[[], Any], engine: Engine, *, frames: int = 0, clips: int = 0
    ) -> Stage:
        size = _BYTES[engine.precision]
        heads = self.cost.clip_parameters
        numbers = bool(frames) * (self.cost.parameters - heads) + bool(clips) * heads
        macs = frames * self.cost.frame_macs + clips * self.cost.clip_macs
        pixels = frames * self._crop.nbytes
        return Stage(run, 2e-9 * macs, 1e-6 * (size * numbers + pixels), engine.precision)

    def _planes(self, crops: NDArray[np.uint8]) -> Any:
        """(N, 3, 256, 256) float32 in [-1, 1] where the network is."""
        import torch

        device = next(self.net.parameters()).device
        pixels = torch.from_numpy(crops).to(device).permute(0, 3, 1, 2).contiguous()
        return pixels.float().mul_(2 / 255).sub_(1)


def _person() -> NDArray[np.uint8]:
    """(256, 256, 3) a picture with a person."""
    return gate_pictures()[0]
