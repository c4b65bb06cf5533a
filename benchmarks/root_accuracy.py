"""Calibration of the root's covariance, and error of its velocity, on films with the truth.

The network `demo` processes each image once. The stream then uses its outputs three times: with
the depth image, with the actor's true height, and with the default height.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from walking_films import STAND_S, Film, shoot

from pose_action_ros.inference import PoseActionStream, StreamSettings
from pose_action_ros.inference.settings import BodySettings
from pose_action_ros.models import open_model
from pose_action_ros.runtime import Engine

SOURCES = ('depth image', 'bones, height known', 'bones, height 1.70 m')
INSIDE_95 = 7.815  # squared distance of three standard normals that 95 % stay below
SETTLED_S = 1.2  # after the first step; a filter that averages over two steps needs as long
LAGS_S = np.arange(0.0, 0.8, 0.02)


class Replay:
    """An engine that processes each window once, however often it is requested."""

    def __init__(self, engine: Engine) -> None:
        self.config, self.device, self.notes = engine.config, engine.device, engine.notes
        self._engine, self._tape, self._next = engine, [], 0

    def rewind(self, *, new: bool = False) -> None:
        """Show the film again, or another one."""
        self._tape, self._next = [] if new else self._tape, 0

    def frames(self, crops: np.ndarray):
        """As `Engine.frames`."""
        if self._next == len(self._tape):
            self._tape.append(self._engine.frames(crops))
        self._next += 1
        return self._tape[self._next - 1]

    def actions(self, joints: np.ndarray, *_: np.ndarray) -> np.ndarray:
        """Not used."""
        return np.full((len(joints), len(self.config.actions)), 1.0 / len(self.config.actions))


class Track(NamedTuple):
    """Results for a film, (T, ...), NaN where nobody was found."""

    film: Film
    root_m: np.ndarray
    covariance_m2: np.ndarray
    velocity: np.ndarray


def follow_films(seeds: range) -> dict[str, list[Track]]:
    """Return the tracks for each source of scale."""
    engine = Replay(Engine(open_model('demo')))
    tracks = {source: [] for source in SOURCES}
    for seed in seeds:
        film = shoot(seed)
        engine.rewind(new=True)
        for source in SOURCES:
            engine.rewind()
            tracks[source].append(follow(film, engine, source))
    return tracks


def follow(film: Film, engine: Replay, source: str) -> Track:
    """Follow the actor through a film."""
    body = BodySettings()
    if source == 'bones, height known':
        body = BodySettings(height=film.stature_m, height_sigma=0.0)
    stream = PoseActionStream(engine, StreamSettings(body=body))
    shape = len(film.stamps_s)
    track = Track(film, *(np.full((shape, *n), np.nan) for n in ((3,), (3, 3), (3,))))
    for t, stamp_s in enumerate(film.stamps_s):
        depth_m = film.depth_m[t] if source == 'depth image' else None
        stamp_ns = round((1.0 + stamp_s) * 1e9)
        seen = stream.process(film.images[t], stamp_ns, camera=film.camera, depth_m=depth_m)
        for person in seen.persons:
            track.root_m[t], track.velocity[t] = person.root_m, person.velocity_m_per_s
            track.covariance_m2[t] = person.root_covariance_m2
    return track


def print_covariances(tracks: dict[str, list[Track]]) -> None:
    """Whether the truth lies in the ellipsoid as often as it says."""
    print(
        '\n| scale from | inside 95 % | squared distance | sigma along cm | error along cm '
        '| sigma across cm | error across cm | none % |\n|' + '---|' * 8
    )
    for source, films in tracks.items():
        rows = np.concatenate([covariance_rows(track) for track in films])
        known = np.abs(rows[np.isfinite(rows[:, 0])])
        sigmas = np.median(known[:, (1, 3)], axis=0)
        errors = np.percentile(known[:, (2, 4)], 68.3, axis=0)
        sizes = 100.0 * np.stack([sigmas, errors], axis=1).ravel()
        print(
            f'| {source} | {100 * np.mean(known[:, 0] <= INSIDE_95):.0f} % | '
            f'{np.mean(known[:, 0]):.1f} | {" | ".join(f"{size:.1f}" for size in sizes)} | '
            f'{100 * (1 - len(known) / len(rows)):.0f} |'
        )


def covariance_rows(track: Track) -> np.ndarray:
    """(T, 5): squared distance, then sigma and error along, and across in one axis, metres."""
    rows = np.full((len(track.root_m), 5), np.nan)
    for t, (found, truth, covariance) in enumerate(
        zip(track.root_m, track.film.root_m, track.covariance_m2, strict=True)
    ):
        if np.isfinite(found).all():
            off, sight = found - truth, truth / np.linalg.norm(truth)
            along, across = off @ sight, np.linalg.norm(off - off @ sight * sight)
            variance = sight @ covariance @ sight
            rest = np.sqrt((np.trace(covariance) - variance) / 2.0)
            squared = off @ np.linalg.solve(covariance, off)
            rows[t] = squared, np.sqrt(variance), along, rest, across / np.sqrt(2.0)
    return rows


def print_velocities(tracks: dict[str, list[Track]]) -> None:
    """Errors of the velocity, standing, walking and running."""
    print('\n| scale from | who | error m/s | 90th % | against the root | lag ms | unknown % |')
    print('|' + '---|' * 7)
    for source, films in tracks.items():
        for who in ('stand', 'walk', 'run'):
            mine = [track for track in films if who in ('stand', track.film.gait)]
            rows = np.concatenate(
                [velocity_rows(track, standing=who == 'stand') for track in mine]
            )
            error, bounce = np.nanmedian(rows, axis=0)
            lag = '' if who == 'stand' else f'{1e3 * lag_s(mine):.0f}'
            print(
                f'| {source} | {who} | {error:.2f} | {np.nanpercentile(rows[:, 0], 90):.2f} | '
                f'{bounce:.2f} | {lag} | {100 * np.mean(np.isnan(rows[:, 0])):.0f} |'
            )


def velocity_rows(track: Track, *, standing: bool) -> np.ndarray:
    """(N, 2) sizes of the error against the path's velocity, and against the root's own."""
    stamps_s = track.film.stamps_s
    chosen = (stamps_s < STAND_S) if standing else (stamps_s > STAND_S + SETTLED_S)
    errors = [
        np.linalg.norm(track.velocity - truth, axis=1)[chosen]
        for truth in (track.film.travel_velocity, track.film.root_velocity)
    ]
    return np.stack(errors, axis=1)


def lag_s(tracks: list[Track]) -> float:
    """The delay of the true velocity that is nearest to the found one."""
    squared = np.zeros(len(LAGS_S))
    for track in tracks:
        stamps_s = track.film.stamps_s
        for index, lag in enumerate(LAGS_S):
            delayed = [
                np.interp(stamps_s - lag, stamps_s, axis) for axis in track.film.travel_velocity.T
            ]
            off = track.velocity - np.stack(delayed, axis=1)
            squared[index] += np.nansum(off**2)
    return float(LAGS_S[np.argmin(squared)])
