"""`pose-action record`: films of one action, into a folder to teach with."""

from __future__ import annotations

import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pose_action_ros.core.console import RESULTS
from pose_action_ros.core.errors import ConfigError, ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pose_action_ros.teaching.takes import Take

__all__ = ['record']

_SIZE = (640, 480)
_SIMULATED, _ACTOR_HZ = 'simulated', 20.0
_LONGEST_S = 3600.0
_RECORDINGS = ('.mcap', '.db3', '.zstd', '.zst', '.bag')


def record(
    label: Annotated[str, typer.Argument(help='The action: a sub-folder of FOLDER.')],
    folder: Annotated[Path, typer.Option(help='Folder to teach with.')] = Path('my_actions'),
    count: Annotated[int, typer.Option(help='Films.', min=1)] = 10,
    seconds: Annotated[float, typer.Option(help='Length of each.', min=0.5)] = 3.0,
    source: Annotated[
        str,
        typer.Option(help='Number of a camera, a film, a rosbag2 recording, or simulated.'),
    ] = '0',
    topic: Annotated[
        str, typer.Option(help='Image topic of a recording; by default the only one.')
    ] = '',
    countdown: Annotated[
        float, typer.Option(help='Seconds before each film of a camera.', min=0)
    ] = 3.0,
    start: Annotated[
        float, typer.Option(help='Seconds to skip at the beginning of a film.', min=0)
    ] = 0.0,
    action: Annotated[
        str, typer.Option(help='Action of the simulated actor; LABEL by default.')
    ] = '',
) -> None:
    """Film an action a few times: with a camera and a countdown, or from a film or recording.

    Existing films are kept, and the numbers continue. A film or recording is cut into consecutive
    pieces. `simulated` is for a trial without a camera: each film shows another simulated actor.
    """
    from pose_action_ros.geometry.image_source import is_camera_number
    from pose_action_ros.teaching.takes import check_label, next_number, take_path, write_take

    label = check_label(label)
    if not seconds < _LONGEST_S:
        raise ConfigError(f'--seconds {seconds}: expected less than {_LONGEST_S:g}')
    place = folder / label
    number, made = next_number(place), 0
    if is_camera_number(source):
        takes = _camera_takes(int(source), label, count, seconds, countdown)
    elif source == _SIMULATED:
        takes = _actors(action or label, f'{place.name} {number}', count, seconds)
    else:
        takes = _cut(source, topic, seconds, start)
    for take in takes:
        path = take_path(place, label, number + made)
        write_take(path, take)
        made += 1
        frames = len(take.frames)
        _say(f'{made}/{count}: {path}, {frames} frames at {take.rate_hz:.0f} Hz')
        if made == count:
            break
    if made < count:
        raise ImageError(
            f'{source} gave {made} of {count} films of {seconds:g} s; it is too short for more'
        )
    _say(f'next: another action, or `pose-action teach {folder}`')


def _cut(source: str, topic: str, seconds: float, start: float) -> Iterator[Take]:
    """Takes from a film or a recording."""
    from pose_action_ros.geometry import Film
    from pose_action_ros.teaching.takes import cut_takes

    path = Path(source).expanduser()
    if path.is_dir() or path.suffix in _RECORDINGS:
        from pose_action_ros.recordings.images import recorded_images

        return cut_takes(recorded_images(path, topic), seconds=seconds, start=start)
    return cut_takes(Film(path), seconds=seconds, start=start)


def _actors(action: str, seed: str, count: int, seconds: float) -> Iterator[Take]:
    """Takes of simulated actors, a different one each time."""
    from pose_action_ros.core.actions import SIMULATED_ACTIONS
    from pose_action_ros.simulation.scene import SimulatedFilm
    from pose_action_ros.teaching.takes import Take

    if action not in SIMULATED_ACTIONS:
        raise ConfigError(
            f'the simulated actor does not know {action!r}; give --action, one of '
            f'{", ".join(SIMULATED_ACTIONS)}'
        )
    first = zlib.crc32(seed.encode())
    opening = (action,) * (1 + int(seconds))  # none is shorter than a second
    for at in range(count):
        film = SimulatedFilm(first + at, *_SIZE, _ACTOR_HZ, opening=opening)
        times = [frame / _ACTOR_HZ for frame in range(round(seconds * _ACTOR_HZ))]
        yield Take([film.frame(time_s).image_rgb for time_s in times], times)


def _camera_takes(
    number: int, label: str, count: int, seconds: float, countdown: float
) -> Iterator[Take]:
    """Takes of a camera, each after a countdown."""
    from pose_action_ros.geometry.image_source import Device
    from pose_action_ros.teaching.takes import cut_takes

    images = iter(Device(number, _SIZE))
    next(images)  # the camera must open before the countdown
    for at in range(count):
        for left in range(round(countdown), 0, -1):
            _say(f'"{label}" {at + 1}/{count} in {left} ...')
            until_s = time.monotonic() + countdown / round(countdown)
            while time.monotonic() < until_s:
                next(images)  # otherwise the camera would deliver old images
        _say('now')
        yield from _first(cut_takes(images, seconds=seconds))


def _first(takes: Iterator[Take]) -> Iterator[Take]:
    yield next(takes)


def _say(text: str) -> None:
    RESULTS.print(text, soft_wrap=True)
