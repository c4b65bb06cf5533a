"""`pose-action predict`: a video in; an annotated video and one line of JSON a frame out."""

from __future__ import annotations

import itertools
import json
import math
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from pose_action_ros.core.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import FramePrediction, PersonPrediction

__all__ = ['predict', 'to_json_line']

_USUAL_RATE_HZ = 30.0  # for files that do not say theirs


def predict(
    video: Annotated[Path, typer.Argument(help='Any file that OpenCV reads.')],
    output: Annotated[Path, typer.Option(help='Folder for the results.')] = Path('predictions'),
    weights: Annotated[
        str, typer.Option(help='demo, a fetched preset, untrained:PRESET or a .safetensors file.')
    ] = 'demo',
    device: Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:N.')] = 'auto',
    field_of_view: Annotated[
        float | None,
        typer.Option(help='Horizontal, degrees; with it joints are in metres before the camera.'),
    ] = None,
    quiet: Annotated[bool, typer.Option('--quiet', help='No progress bar.')] = False,
) -> None:
    """Find pose and action in a video; write VIDEO.mp4, drawn upon, and VIDEO.jsonl."""
    from pose_action_ros.geometry import Camera
    from pose_action_ros.inference import PoseActionStream

    film = _Film.open(video)
    drawn, lines = output / f'{video.stem}.mp4', output / f'{video.stem}.jsonl'
    if drawn.resolve() == video.resolve():
        raise ImageError(f'{drawn} would overwrite the film; give another --output folder')
    camera = None
    if field_of_view is not None:
        camera = Camera.from_field_of_view(*film.size, field_of_view)
    stream = PoseActionStream.open(weights, device=device)
    output.mkdir(parents=True, exist_ok=True)
    shown = track(
        film,
        description=video.name,
        total=film.frames,
        console=Console(stderr=True),
        disable=quiet,
    )
    count = 0
    with lines.open('w', encoding='utf-8') as file, _drawing(drawn, film) as draw:
        for stamp_ns, image in shown:
            count += 1
            prediction = stream.process(image, stamp_ns, camera=camera)
            file.write(to_json_line(prediction) + '\n')
            draw(image, prediction)
    if not count:
        raise ImageError(f'{video} has no image that could be read')
    Console().print(f'{count} frames: {drawn}, {lines}', highlight=False, soft_wrap=True)


def to_json_line(prediction: FramePrediction) -> str:
    """Return a frame as one line of JSON; missing numbers are null."""
    frame = {
        'stamp_s': prediction.stamp_ns * 1e-9,
        'persons': [_person(person) for person in prediction.persons],
        'lost_tracks': list(prediction.lost_tracks),
    }
    return json.dumps(frame, allow_nan=False)


def _person(person: PersonPrediction) -> dict[str, Any]:
    action = person.action
    return {
        'track_id': person.track_id,
        'layout': person.layout,
        'joints_image_px': _numbers(person.joints_image_px, 2),
        'confidence': _numbers(person.confidence, 4),
        'joints_root_m': _numbers(person.joints_root_m, 4),
        'joints_camera_m': _numbers(person.joints_camera_m, 4),
        'scale_source': person.scale_source.name.lower(),
        'root_depth_sigma_m': _number(person.root_depth_sigma_m, 4),
        'action': action.labels[action.best] if action else None,
        'action_valid': action.valid if action else False,
        'scores': dict(zip(action.labels, _numbers(action.scores, 5), strict=True))
        if action
        else None,
    }


def _numbers(values: NDArray[np.floating] | None, digits: int) -> Any:
    """Lists of rounded numbers, None for NaN; None where there are no values at all."""
    if values is None:
        return None
    if values.ndim > 1:
        return [_numbers(row, digits) for row in values]
    return [_number(value, digits) for value in values]


def _number(value: float | np.floating, digits: int) -> float | None:
    return round(float(value), digits) if math.isfinite(value) else None


@dataclass(frozen=True)
class _Film:
    """A video file; iterating gives stamps in nanoseconds and RGB images."""

    capture: Any
    size: tuple[int, int]
    rate_hz: float
    frames: int | None

    @classmethod
    def open(cls, video: Path) -> _Film:
        import cv2

        if not video.is_file():
            raise ImageError(f'there is no video {video}')
        capture = cv2.VideoCapture(str(video))
        if not capture.isOpened():
            raise ImageError(f'{video} can not be read as a video; is it one?')
        width, height, rate_hz, frames = (
            capture.get(key)
            for key in (
                *(cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT),
                *(cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_COUNT),
            )
        )
        known_rate = math.isfinite(rate_hz) and rate_hz > 0.0
        return cls(
            capture,
            (round(width), round(height)),
            rate_hz if known_rate else _USUAL_RATE_HZ,
            round(frames) if frames > 0 else None,
        )

    def __iter__(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        import cv2

        for index in itertools.count():
            there, image = self.capture.read()
            if not there:
                return
            yield round(index / self.rate_hz * 1e9), cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


@contextmanager
def _drawing(
    path: Path, film: _Film
) -> Iterator[Callable[[NDArray[np.uint8], FramePrediction], None]]:
    """A function that adds a frame to the annotated video."""
    import cv2

    from pose_action_ros.inference import annotate

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), film.rate_hz, film.size)
    if not writer.isOpened():
        raise ImageError(f'can not write {path}: no such folder, or OpenCV has no mp4 encoder')
    try:
        yield lambda image, prediction: writer.write(
            cv2.cvtColor(annotate(image, prediction), cv2.COLOR_RGB2BGR)
        )
    finally:
        writer.release()
