"""Tracking of several simulated actors who cross: detection, identities and cost.

Each film has actors who walk to and fro at different distances. The first table counts misses,
false people and changes of identity (`metrics.tracking`). The second puts the same picture of one,
two, four and eight people through the stream, with a budget and without one: people tracked,
milliseconds of CPU time and wall time per frame, frames per second, people processed per frame,
people in the result (including those who wait for a turn), and the age of the oldest result at 20
images per second. The last line is the finder alone.

Run: .venv/bin/python benchmarks/several_people.py [--draw FOLDER]
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from pose_action_ros.geometry.fitting import fit_image
from pose_action_ros.inference import PoseActionStream, StreamSettings, annotate
from pose_action_ros.inference.settings import FindSettings, TrackSettings
from pose_action_ros.metrics.tracking import TrackScore
from pose_action_ros.models.finder import open_finder
from pose_action_ros.runtime.finder_engine import FinderEngine
from pose_action_ros.simulation.company import SimulatedCompany
from pose_action_ros.simulation.scene import SimulatedFilm

RATE_HZ = 20.0
MOST = 8


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--weights', default='people')
    parser.add_argument('--finder', default='finder')
    parser.add_argument('--films', type=int, default=3, help='Of each number of actors; 0: none.')
    parser.add_argument('--seconds', type=float, default=10.0)
    parser.add_argument('--actors', type=int, nargs='+', default=[1, 2, 3, 5])
    parser.add_argument('--frames', type=int, default=60, help='Of each row of costs; 0: none.')
    parser.add_argument('--budget-ms', type=float, default=TrackSettings().budget_ms)
    parser.add_argument('--threads', type=int, default=0)
    parser.add_argument('--draw', type=Path, help='Folder for the drawn films.')
    options = parser.parse_args()
    if options.films:
        crossings(options)
    if options.frames:
        costs(options)


def open_stream(options):
    """A stream that follows as many as there are."""
    settings = StreamSettings(track=TrackSettings(max_people=MOST))
    return PoseActionStream.open(
        options.weights, finder=options.finder, settings=settings, threads=options.threads
    )


def crossings(options):
    """Print the table of films."""
    stream = open_stream(options)
    print('| actors | people | missed % | false a frame | changes of identity a minute |')
    print('|---:|---:|---:|---:|---:|')
    for count in options.actors:
        score = TrackScore()
        for seed in track(range(options.films), description=f'{count} actors'):
            film = follow(stream, 1000 * count + seed, count, options)
            for name in ('frames', 'people', 'missed', 'false', 'switches'):
                setattr(score, name, getattr(score, name) + getattr(film, name))
        print(
            f'| {count} | {score.people} | {100 * score.missed / max(score.people, 1):.1f} '
            f'| {score.false / score.frames:.2f} '
            f'| {score.switches / (score.frames / RATE_HZ / 60):.1f} |'
        )
    stream.close()


def costs(options):
    """Print the table of costs, and the finder's."""
    names = ['people', 'budget ms', 'followed', 'CPU ms', 'ms', 'Hz', 'looked at', 'in the result']
    head = [*names, 'oldest, ms']
    print('\n|', ' | '.join(head), '|')
    print('|---:' * len(head) + '|')
    stream = open_stream(options)
    for count in (1, 2, 4, 8):
        for budget_ms in (0.0, options.budget_ms):
            print(cost(stream, options, count, budget_ms))
    stream.close()
    engine = FinderEngine(open_finder(options.finder), threads=options.threads)
    image, settings = people_in_a_grid(4), FindSettings()
    wall_ms, cpu_ms = [], []
    for _ in range(options.frames):
        wall, cpu = time.perf_counter(), time.process_time()
        engine.candidates(image, settings.min_score, 16)
        wall_ms.append(1e3 * (time.perf_counter() - wall))
        cpu_ms.append(1e3 * (time.process_time() - cpu))
    print(f'\nfinder: {np.median(wall_ms):.1f} ms, {np.median(cpu_ms):.1f} ms of CPU time')


def follow(stream, seed, count, options):
    """The score of one film."""
    film, score = SimulatedCompany(seed, count), TrackScore()
    stream.reset()
    writer = None
    for index in range(round(options.seconds * RATE_HZ)):
        frame = film.frame(index / RATE_HZ)
        prediction = stream.process(frame.image_rgb, round(index / RATE_HZ * 1e9) + 1)
        tracks = {p.track_id: p.joints_image_px for p in prediction.persons}
        score.add(tracks, frame.joints_image_px, frame.visible)
        if options.draw is not None:
            if writer is None:
                options.draw.mkdir(parents=True, exist_ok=True)
                path = options.draw / f'{count}_actors_{seed}.mp4'
                writer = cv2.VideoWriter(
                    str(path), cv2.VideoWriter.fourcc(*'mp4v'), RATE_HZ, (640, 480)
                )
            drawn = annotate(frame.image_rgb, prediction)
            writer.write(cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
    if writer is not None:
        writer.release()
    return score


def cost(stream, options, count, budget_ms):
    """One row: a picture with a number of people, processed repeatedly without pauses."""
    stream.reset()
    image = people_in_a_grid(count)
    cpu_ms, wall_ms, looked, known = [], [], [], []
    last_seen, oldest = {}, 0
    for index in range(options.frames):
        stamp_ns = round(index / RATE_HZ * 1e9) + 1
        wall, cpu = time.perf_counter(), time.process_time()
        prediction = stream.process(image, stamp_ns, budget_ms=budget_ms)
        wall_ms.append(1e3 * (time.perf_counter() - wall))
        cpu_ms.append(1e3 * (time.process_time() - cpu))
        stream.look_ahead(image, stamp_ns)
        looked.append(len(prediction.persons))
        known.append(len(prediction.persons) + len(prediction.waiting))
        last_seen |= {person.track_id: index for person in prediction.persons}
        ages = [index - last_seen[person.track_id] for person in prediction.waiting]
        oldest = max(oldest, *ages, 0)
    return (
        f'| {count} | {budget_ms:g} | {len(last_seen)} | {np.median(cpu_ms):.1f} '
        f'| {np.median(wall_ms):.1f} | {1e3 / np.median(wall_ms):.0f} | {np.median(looked):.0f} '
        f'| {np.median(known):.0f} | {1e3 * oldest / RATE_HZ:.0f} |'
    )


def people_in_a_grid(count):
    """(480, 640, 3) with the same actor in as many of eight places."""
    actor = fit_image(SimulatedFilm(3, 320, 480).frame(1.0).image_rgb, 160, 240).pixels
    image = np.full((480, 640, 3), 128, np.uint8)
    for place in range(count):
        y, x = 240 * (place // 4), 160 * (place % 4)
        image[y : y + 240, x : x + 160] = actor
    return image


if __name__ == '__main__':
    main()
