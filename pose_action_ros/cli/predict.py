"""`pose-action predict`: annotates a film, a folder, a picture or the images of a camera.

It also writes one line of JSON per image.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import track

from pose_action_ros.cli.options import Device, Weights
from pose_action_ros.cli.predict_outputs import (
    DrawnFilm,
    DrawnPicture,
    JsonLines,
    Page,
    Window,
    WindowClosedError,
    wait_for_ctrl_c,
)
from pose_action_ros.core.errors import ImageError
from pose_action_ros.core.weights import SHIPPED_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from pose_action_ros.cli.predict_outputs import Output
    from pose_action_ros.core.predictions import FramePrediction
    from pose_action_ros.geometry import Camera
    from pose_action_ros.geometry.image_source import ImageSource
    from pose_action_ros.inference import PoseActionStream

    Seen = tuple[float, NDArray[np.uint8], FramePrediction]

__all__ = ['predict']

_MISSING_SHARE = 0.02  # of the images that a file names; some containers only estimate them
_CTRL_C = 130


def predict(
    source: Annotated[
        str,
        typer.Argument(
            help='A film, a folder of images, a picture, or the number of a camera (0).'
        ),
    ],
    output: Annotated[Path, typer.Option(help='Folder for the results.')] = Path('predictions'),
    weights: Weights = SHIPPED_WEIGHTS,
    device: Device = 'auto',
    finder: Annotated[
        str,
        typer.Option(help='Weights of the finder, to track several people; empty: one person.'),
    ] = '',
    field_of_view: Annotated[
        float | None,
        typer.Option(help='Horizontal field of view, degrees; gives positions in metres.'),
    ] = None,
    show: Annotated[
        bool, typer.Option('--show', help='Show the result in a window; q closes it.')
    ] = False,
    view: Annotated[
        bool,
        typer.Option('--view', help='Show the result on a page in the browser (extra `view`).'),
    ] = False,
    record_view: Annotated[
        Path | None, typer.Option(help='A .rrd file that records that page, for `rerun FILE`.')
    ] = None,
    quiet: Annotated[bool, typer.Option('--quiet', help='No progress bar.')] = False,
) -> None:
    """Find pose and action; write an annotated NAME.mp4 (NAME.png for a picture) and NAME.jsonl.

    Stamps are a film's own, a folder's at 10 Hz, a camera's by the clock. A camera is filmed until
    Ctrl-C, which ends anything and keeps what is written.
    """
    from pose_action_ros.geometry import Camera
    from pose_action_ros.geometry.image_source import Device, Picture, open_images
    from pose_action_ros.inference import PoseActionStream

    images = open_images(source)
    is_picture = isinstance(images, Picture)
    drawn = output / f'{images.name}{".png" if is_picture else ".mp4"}'
    lines = output / f'{images.name}.jsonl'
    if drawn.resolve() == Path(source).expanduser().resolve():
        kind = 'picture' if is_picture else 'film'
        raise ImageError(f'{drawn} would overwrite the {kind}; give another --output folder')
    camera = None
    if field_of_view is not None:
        camera = Camera.from_field_of_view(*images.size, field_of_view)
    watchers: list[Output] = [Window(images.name)] if show else []
    if view or record_view is not None:
        watchers.append(Page(images.name, serve=view, record=record_view))
    stream = PoseActionStream.open(weights, device=device, finder=finder or None)
    output.mkdir(parents=True, exist_ok=True)
    seen = (
        _look_at_picture(images.image_rgb, stream, camera)
        if is_picture
        else track(
            _look_at(images, stream, camera),
            description=images.name,
            total=images.count,
            console=Console(stderr=True),
            disable=quiet,
        )
    )
    with ExitStack() as stack:
        make = DrawnPicture if is_picture else DrawnFilm
        outputs: list[Output] = [make(drawn, images.rate_hz, images.size), JsonLines(lines)]
        outputs += watchers
        for one in outputs:
            stack.callback(one.close)
        count, skipped, ended = _write(seen, outputs)
    for note in _notes(images, source, count, skipped, ended):
        Console(stderr=True).print(note, highlight=False, markup=False, soft_wrap=True)
    frames = 'frame' if count == 1 else 'frames'
    Console().print(f'{count} {frames}: {drawn}, {lines}', highlight=False, soft_wrap=True)
    if view and not ended:
        wait_for_ctrl_c()
    if ended and not isinstance(images, Device):
        raise typer.Exit(_CTRL_C)


def _look_at(
    images: ImageSource, stream: PoseActionStream, camera: Camera | None
) -> Iterator[Seen]:
    for time_s, image in images:
        yield time_s, image, stream.process(image, round(time_s * 1e9), camera=camera)


def _look_at_picture(
    image: NDArray[np.uint8], stream: PoseActionStream, camera: Camera | None
) -> Iterator[Seen]:
    """Look a few times, as at a scene that stands still: the first look only finds the person."""
    from pose_action_ros.inference.still_images import LOOK_NS, LOOKS

    seen = [stream.process(image, n * LOOK_NS, camera=camera) for n in range(LOOKS)]
    yield 0.0, image, replace(seen[-1], stamp_ns=0)


def _write(seen: Iterable[Seen], outputs: list[Output]) -> tuple[int, Counter[str], bool]:
    """Write all; return how many, why images were skipped, and whether the user ended it."""
    count, skipped = 0, Counter[str]()
    try:
        for time_s, image, prediction in seen:
            count += 1
            skipped.update([prediction.skipped] if prediction.skipped else [])
            for one in outputs:
                one.add(time_s, image, prediction)
    except (KeyboardInterrupt, WindowClosedError):
        return count, skipped, True
    return count, skipped, False


def _notes(
    images: ImageSource, source: str, count: int, skipped: Counter[str], ended: bool
) -> list[str]:
    """Notes for the user, beside the results."""
    from pose_action_ros.geometry.film_writer import NO_BROWSER, has_h264

    notes = [
        f'{number} frame{"s" if number > 1 else ""} skipped: {reason}'
        for reason, number in skipped.items()
    ]
    notes += images.problems
    if ended:
        notes.append(f'ended after {count} frames')
    elif images.count and count + len(images.problems) < images.count * (1.0 - _MISSING_SHARE):
        notes.append(
            f'{source} ends after {count} of {images.count} frames: it is damaged or cut short'
        )
    if not has_h264() and images.count != 1:
        notes.append(f'the film is MPEG-4; {NO_BROWSER}')
    return notes
