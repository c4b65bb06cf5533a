"""One film, folder of images, picture or camera: annotated images, and a line of JSON for each.

`pose-action predict` calls `annotate_source` for each source, in its own process or in a worker.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pose_action_ros.batch.items import Summary
from pose_action_ros.cli.predict_outputs import (
    DrawnFilm,
    DrawnPicture,
    JsonLines,
    WindowClosedError,
)
from pose_action_ros.core.errors import ImageError
from pose_action_ros.core.weights import NetworkChoice
from pose_action_ros.geometry import Camera
from pose_action_ros.geometry.film_writer import NO_BROWSER, has_h264
from pose_action_ros.geometry.image_source import Picture, open_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pose_action_ros.cli.predict_outputs import Output
    from pose_action_ros.core.predictions import FramePrediction
    from pose_action_ros.geometry.image_source import ImageSource
    from pose_action_ros.inference import PoseActionStream

    Seen = tuple[float, NDArray[np.uint8], FramePrediction]

__all__ = ['FilmSettings', 'annotate_film', 'annotate_source', 'lines_of', 'output_of']

_SIGINT = 2


@dataclass(frozen=True)
class FilmSettings:
    """All settings that determine the results.

    Attributes:
        network: The networks, and the place where they run.
        field_of_view: Horizontal, degrees; None: no positions in metres.
    """

    network: NetworkChoice = field(default_factory=NetworkChoice)
    field_of_view: float | None = None


def output_of(images: ImageSource, folder: Path, source: str) -> Path:
    """Return the path of the annotated film or picture.

    Raises:
        ImageError: That is the source itself, or a file that this command has not made.
    """
    is_picture = isinstance(images, Picture)
    drawn = folder / f'{images.name}{".png" if is_picture else ".mp4"}'
    if drawn.resolve() == Path(source).expanduser().resolve():
        kind = 'picture' if is_picture else 'film'
        raise ImageError(f'{drawn} would overwrite the {kind}; give another --output folder')
    if drawn.exists() and not lines_of(drawn).exists():
        raise ImageError(
            f'{drawn} exists, and without {lines_of(drawn).name} it is no result of this command; '
            'move it, or give another --output folder'
        )
    return drawn


def lines_of(drawn: Path) -> Path:
    """Return the path of the lines beside an annotated film or picture."""
    return drawn.with_suffix('.jsonl')


def annotate_film(source: Path, output: Path, *, settings: FilmSettings) -> Summary:
    """Annotate one source of a batch.

    Args:
        source: A film, a folder of images or a picture.
        output: Folder that is made.
        settings: The settings of the results.
    """
    return annotate_source(open_images(str(source)), str(source), output, settings)


def annotate_source(
    images: ImageSource,
    source: str,
    output: Path,
    settings: FilmSettings,
    *,
    watchers: Sequence[Output] = (),
    progress: Callable[[Iterable[Seen]], Iterable[Seen]] = lambda seen: seen,
) -> Summary:
    """Write the annotated images and the lines.

    Args:
        images: The source, open.
        source: Its name, for notes.
        output: Folder for both; it may exist.
        settings: The settings of the results.
        watchers: Further outputs, which are closed at the end.
        progress: Wraps the results.

    Raises:
        ImageError: The annotated film would overwrite the source, or can't be written.
        PoseActionError: As `PoseActionStream.open`.
    """
    from pose_action_ros.inference.shared_network import stream_of  # torch loads here

    drawn, is_picture = output_of(images, output, source), isinstance(images, Picture)
    camera = None
    if settings.field_of_view is not None:
        camera = Camera.from_field_of_view(*images.size, settings.field_of_view)
    with ExitStack() as stack:
        for one in watchers:
            stack.callback(one.close)
        stream = stream_of(settings.network)
        output.mkdir(parents=True, exist_ok=True)
        seen = (
            _look_at_picture(images.image_rgb, stream, camera)
            if is_picture
            else progress(_look_at(images, stream, camera))
        )
        make = DrawnPicture if is_picture else DrawnFilm
        outputs: list[Output] = [make(drawn, images.rate_hz, images.size)]
        stack.callback(outputs[0].close)
        outputs.append(JsonLines(lines_of(drawn)))
        stack.callback(outputs[1].close)
        summary, skipped = _write(seen, [*outputs, *watchers])
    return replace(summary, notes=tuple(_notes(images, summary, skipped)))


def _look_at(
    images: ImageSource, stream: PoseActionStream, camera: Camera | None
) -> Iterator[Seen]:
    for time_s, image in images:
        yield time_s, image, stream.process(image, round(time_s * 1e9), camera=camera)


def _look_at_picture(
    image: NDArray[np.uint8], stream: PoseActionStream, camera: Camera | None
) -> Iterator[Seen]:
    """Show a picture a few times, like a still scene: the first time only finds the person."""
    from pose_action_ros.inference.still_images import LOOK_NS, LOOKS

    seen = [stream.process(image, n * LOOK_NS, camera=camera) for n in range(LOOKS)]
    yield 0.0, image, replace(seen[-1], stamp_ns=0)


def _write(seen: Iterable[Seen], outputs: list[Output]) -> tuple[Summary, Counter[str]]:
    """Write everything; return the counts, and the reasons for skipped images."""
    count, poses, ended, skipped = 0, 0, 0, Counter[str]()
    try:
        for time_s, image, prediction in seen:
            count += 1
            poses += len(prediction.persons)
            skipped.update([prediction.skipped] if prediction.skipped else [])
            for one in outputs:
                one.add(time_s, image, prediction)
    except (KeyboardInterrupt, WindowClosedError):
        ended = _SIGINT
    return Summary(images=count, poses=poses, stopped_by=ended), skipped


def _notes(images: ImageSource, summary: Summary, skipped: Counter[str]) -> Iterator[str]:
    """Notes for the user, beside the results."""
    for reason, number in skipped.items():
        yield f'{number} frame{"s" if number > 1 else ""} skipped: {reason}'
    yield from images.problems
    if summary.stopped_by:
        yield f'ended after {summary.images} frames'
    if not has_h264() and images.count != 1:
        yield f'the film is MPEG-4; {NO_BROWSER}'
