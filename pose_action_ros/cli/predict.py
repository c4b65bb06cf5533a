"""`pose-action predict`: a video in; an annotated video and one line of JSON a frame out."""

from __future__ import annotations

import json
import math
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from pose_action_ros.core.errors import ImageError
from pose_action_ros.core.weights import SHIPPED_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import FramePrediction, PersonPrediction
    from pose_action_ros.geometry import Film

__all__ = ['predict', 'to_json_line']

_MISSING_SHARE = 0.02  # of the images that a file names; some containers only estimate them


def predict(
    video: Annotated[Path, typer.Argument(help='Any file that OpenCV reads.')],
    output: Annotated[Path, typer.Option(help='Folder for the results.')] = Path('predictions'),
    weights: Annotated[
        str,
        typer.Option(help='people, a fetched preset, untrained:PRESET or a .safetensors file.'),
    ] = SHIPPED_WEIGHTS,
    device: Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:N.')] = 'auto',
    finder: Annotated[
        str,
        typer.Option(
            help='Weights of the finder, so that several people are found and followed; empty: '
            'one person.'
        ),
    ] = '',
    field_of_view: Annotated[
        float | None,
        typer.Option(help='Horizontal, degrees; with it joints are in metres before the camera.'),
    ] = None,
    quiet: Annotated[bool, typer.Option('--quiet', help='No progress bar.')] = False,
) -> None:
    """Find pose and action in a video; write VIDEO.mp4, drawn upon, and VIDEO.jsonl.

    Stamps are the film's own. VIDEO.mp4 has the film's average rate.
    """
    from pose_action_ros.geometry import Camera, Film
    from pose_action_ros.inference import PoseActionStream

    film = Film(video)
    drawn, lines = output / f'{video.stem}.mp4', output / f'{video.stem}.jsonl'
    if drawn.resolve() == video.resolve():
        raise ImageError(f'{drawn} would overwrite the film; give another --output folder')
    camera = None
    if field_of_view is not None:
        camera = Camera.from_field_of_view(*film.size, field_of_view)
    stream = PoseActionStream.open(weights, device=device, finder=finder or None)
    output.mkdir(parents=True, exist_ok=True)
    shown = track(
        film,
        description=video.name,
        total=film.count,
        console=Console(stderr=True),
        disable=quiet,
    )
    count, skipped = 0, Counter[str]()
    with lines.open('w', encoding='utf-8') as file, _drawing(drawn, film) as draw:
        for time_s, image in shown:
            count += 1
            prediction = stream.process(image, round(time_s * 1e9), camera=camera)
            skipped.update([prediction.skipped] if prediction.skipped else [])
            file.write(to_json_line(prediction) + '\n')
            draw(image, prediction)
    notes = [f'{number} frames are skipped: {reason}' for reason, number in skipped.items()]
    if film.count and count < film.count * (1.0 - _MISSING_SHARE):
        notes.append(
            f'{video} ends after {count} of {film.count} frames: it is damaged or cut short'
        )
    for note in notes:
        Console(stderr=True).print(note, highlight=False, markup=False, soft_wrap=True)
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


@contextmanager
def _drawing(
    path: Path, film: Film
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
