"""Errors and jitter of smoothing: the table of ADR 7, printed as Markdown.

The network `demo` tracks the simulated actor in films of all actions. Each row shows the same
films through the whole stream with other settings. Errors are distances from the truth. Jitter is
the movement of a joint between images while the true joint rests. Sizes in the image are relative
to the person's height or width there, whichever is larger.

Run: .venv/bin/python benchmarks/smoothing.py (three minutes on two cores)
"""

import argparse
from typing import NamedTuple

import numpy as np
from rich.progress import track

from pose_action_ros.inference import PoseActionStream, StreamSettings
from pose_action_ros.inference.settings import SmoothSettings
from pose_action_ros.simulation.scene import SimulatedFilm

RATE_HZ = 20.0
SETTINGS = {
    'off': SmoothSettings(joints=False),
    '1.5, 4': SmoothSettings(min_cutoff=1.5, beta=4.0),
    '1.5, 32': SmoothSettings(min_cutoff=1.5, beta=32.0),
    '1, 32': SmoothSettings(min_cutoff=1.0, beta=32.0),
    '0.5, 32': SmoothSettings(min_cutoff=0.5, beta=32.0),
    '0.5, 64': SmoothSettings(min_cutoff=0.5, beta=64.0),
}
REST = 0.002  # of the person's size from image to image, and 5 mm in depth
REST_M = 0.005


class Film(NamedTuple):
    """A film and its truth: (T, H, W, 3) images, joints in pixels and metres, camera."""

    images: list
    pixels: np.ndarray
    metres: np.ndarray
    camera: object


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--films', type=int, default=4)
    parser.add_argument('--seconds', type=float, default=30.0)
    options = parser.parse_args()
    stream = PoseActionStream.open('demo')
    rows = {name: [] for name in SETTINGS}
    for seed in track(range(100, 100 + options.films), description='films'):
        film = shoot(seed, round(options.seconds * RATE_HZ))
        for name, smooth in SETTINGS.items():
            stream.settings = StreamSettings(smooth=smooth)
            rows[name].append(measure(film, *follow(stream, film)))
    head = ['joints px', '%', 'jitter %', 'depth mm', 'jitter mm', 'distance mm', 'jitter mm']
    print(' | '.join(['| cut-off, beta', *head]), '|')
    print('|---' + '|---:' * len(head) + '|')
    for name, films in rows.items():
        figures = np.mean(films, axis=0)
        print(f'| {name} | ' + ' | '.join(f'{value:.3g}' for value in figures) + ' |')


def shoot(seed: int, count: int) -> Film:
    """Render a film."""
    film = SimulatedFilm(seed=seed, width=640, height=480, fps=RATE_HZ)
    frames = [film.frame(index / RATE_HZ) for index in range(count)]
    return Film(
        [frame.image_rgb for frame in frames],
        np.stack([frame.joints_image_px for frame in frames]),
        np.stack([frame.joints_camera_m for frame in frames]),
        film.camera,
    )


def follow(stream: PoseActionStream, film: Film) -> tuple[np.ndarray, np.ndarray]:
    """(T, 17, 2) pixels and (T, 17, 3) metres in the camera's frame; NaN where unseen."""
    stream.reset()
    pixels, metres = np.full_like(film.pixels, np.nan), np.full_like(film.metres, np.nan)
    for index, image in enumerate(film.images):
        stamp_ns = round(index / RATE_HZ * 1e9)
        for person in stream.process(image, stamp_ns, camera=film.camera).persons:
            pixels[index], metres[index] = person.joints_image_px, person.joints_camera_m
    return pixels, metres


def measure(film: Film, pixels: np.ndarray, metres: np.ndarray) -> list[float]:
    """Errors and jitters of one film, in the table's order."""
    size = (film.pixels.max(axis=1) - film.pixels.min(axis=1)).max(axis=1)[:, None]  # (T, 1)
    off = np.linalg.norm(pixels - film.pixels, axis=-1)
    moved, truly = (np.linalg.norm(np.diff(x, axis=0), axis=-1) for x in (pixels, film.pixels))
    depth, true_depth = (x[:, 1:, 2] - x[:, :1, 2] for x in (metres, film.metres))
    distance, true_distance = metres[:, 0, 2], film.metres[:, 0, 2]
    return [
        np.nanmean(off),
        1e2 * np.nanmean(off / size),
        1e2 * np.nanmean((moved / size[1:])[truly < REST * size[1:]]),
        *(1e3 * value for value in _depths(depth, true_depth)),
        *(1e3 * value for value in _depths(distance, true_distance)),
    ]


def _depths(found: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Mean error, and jitter while the truth rests."""
    still = np.abs(np.diff(true, axis=0)) < REST_M
    return np.nanmean(np.abs(found - true)), np.nanmean(np.abs(np.diff(found, axis=0))[still])


if __name__ == '__main__':
    main()
