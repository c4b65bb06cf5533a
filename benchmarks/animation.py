"""Makes the animated picture of the README: the simulated actor with the detected skeleton.

    python benchmarks/animation.py docs/images/demo.webp

Film and network do not run in real time, so the same seed gives the same picture on any machine,
and a slow machine skips no image.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.inference import PoseActionStream, annotate
from pose_action_ros.inference.annotate import draw_skeleton, draw_text
from pose_action_ros.simulation.scene import SimulatedFilm

RATE_HZ = 20.0
TRUTH = (235, 235, 235)  # RGB


def main(
    path: Annotated[Path, typer.Argument(help='The .webp file.')],
    seed: Annotated[int, typer.Option(help='Which actor and scene.')] = 1,
    start: Annotated[float, typer.Option(help='Seconds of the film that are not shown.')] = 2.0,
    seconds: Annotated[float, typer.Option(help='How long it lasts.')] = 10.0,
    every: Annotated[int, typer.Option(help='Show each n-th image.')] = 2,
    width: Annotated[int, typer.Option(help='Of the picture, pixels.')] = 480,
    quality: Annotated[int, typer.Option(help='0 to 100.')] = 60,
    weights: Annotated[str, typer.Option(help='As `pose-action predict`.')] = 'demo',
) -> None:
    """Film, look, draw and write."""
    film = SimulatedFilm(seed=seed, fps=RATE_HZ)
    stream = PoseActionStream.open(weights)
    size = (width, round(width * film.camera.height / film.camera.width))
    shown = []
    for number in range(round((start + seconds) * RATE_HZ)):
        time_s = number / RATE_HZ
        frame = film.frame(time_s)
        seen = stream.process(frame.image_rgb, round(time_s * 1e9), camera=film.camera)
        if time_s < start or number % every:
            continue
        image = np.array(frame.image_rgb)
        draw_skeleton(image, frame.joints_image_px, PA17J, TRUTH)
        image = annotate(image, seen)
        draw_text(image, f'true: {frame.action}', (8, image.shape[0] - 12), TRUTH)
        scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        shown.append(cv2.cvtColor(scaled, cv2.COLOR_RGB2BGR))
    animation = cv2.Animation()
    animation.frames = shown
    animation.durations = [round(1000 * every / RATE_HZ)] * len(shown)
    cv2.imwriteanimation(str(path), animation, (cv2.IMWRITE_WEBP_QUALITY, quality))
    print(f'{path}: {len(shown)} images, {path.stat().st_size / 1e6:.2f} MB')


if __name__ == '__main__':
    typer.run(main)
