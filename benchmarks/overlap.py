"""How long a part of a recording must begin early to give the results of the whole run.

A film is followed from its start, and again from several places in it. Printed is how far the
results of the late starts are from those of the whole run, by the time since the start: joints in
pixels and in metres, velocity, scores, and how many shown labels differ.

Run: python benchmarks/overlap.py --weights demo
"""

from typing import Annotated

import numpy as np
import typer

from pose_action_ros.inference import PoseActionStream
from pose_action_ros.simulation.scene import SimulatedFilm

_SIZE, _RATE_HZ = (320, 240), 15.0
_AFTER_S = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def main(
    weights: str = 'demo',
    seconds: Annotated[float, typer.Option(help='Length of each film.')] = 20.0,
    films: Annotated[int, typer.Option(help='How many films.')] = 4,
    threads: int = 1,
) -> None:
    """Measure and print a table."""
    stream = PoseActionStream.open(weights, device='cpu', threads=threads)
    rows: dict[int, list[tuple[float, ...]]] = {n: [] for n in range(len(_AFTER_S))}
    for seed in range(films):
        film = SimulatedFilm(seed, *_SIZE, _RATE_HZ)
        frames = [film.frame(n / _RATE_HZ) for n in range(round(seconds * _RATE_HZ))]
        images = [frame.image_rgb for frame in frames]
        whole = follow(stream, images, 0, film.camera)
        for start in range(10, len(images), round(4.0 * _RATE_HZ)):
            late = follow(stream, images, start, film.camera)
            for n, seen in enumerate(late):
                since_s = n / _RATE_HZ
                row = sum(since_s >= after_s for after_s in _AFTER_S) - 1
                rows[row].append(difference(whole[start + n], seen))
    print('largest difference of a joint, of the speed and of a score: median, 99 %, largest')
    print(
        f'{"from, s":>8} {"images":>7} {"px":>24} {"m":>24} {"m/s":>24} {"score":>24} {"label":>7}'
    )
    for row, found in rows.items():
        if found:
            *columns, label = np.array(found, float).T
            texts = ' '.join(' '.join(f'{v:7.3f}' for v in summary(c)) + ' ' for c in columns)
            print(f'{_AFTER_S[row]:8.2f} {len(found):7d} {texts} {label.mean():7.4f}')


def summary(values):
    """Median, 99th percentile and largest of the known values."""
    known = values[np.isfinite(values)]
    return (
        (np.median(known), np.quantile(known, 0.99), known.max()) if len(known) else 3 * [np.nan]
    )


def follow(stream, images, start, camera):
    """Results of all images from one on."""
    fresh = stream.fresh()
    return [
        fresh.process(image, round((start + n) / _RATE_HZ * 1e9), camera=camera)
        for n, image in enumerate(images[start:])
    ]


def difference(whole, part):
    """(pixels, metres, metres per second, score, other label) of the first person."""
    if not whole.persons or not part.persons:
        return (*4 * (np.nan,), len(whole.persons) != len(part.persons))
    a, b = whole.persons[0], part.persons[0]

    def most(x, y):
        return np.nan if x is None or y is None else np.nanmax(np.abs(x - y), initial=0.0)

    return (
        most(a.joints_image_px, b.joints_image_px),
        most(a.joints_camera_m, b.joints_camera_m),
        most(a.velocity_m_per_s, b.velocity_m_per_s),
        most(a.action.scores, b.action.scores) if a.action else np.nan,
        bool(a.action and (a.action.label, a.action.valid) != (b.action.label, b.action.valid)),
    )


if __name__ == '__main__':
    typer.run(main)
