"""Errors of metric 3D: the tables of docs/coordinates.md, printed as Markdown.

Adults of differing stature and proportions perform all actions of the simulated vocabulary before
ideal cameras. The joints are seen with the errors of a good network and localised as the node
does; the truth is known. Then the network `demo` follows people through rendered films, for the
covariance of the root and its velocity. Run `python benchmarks/localization.py` (three minutes on
one core; `--films 0` skips the films and takes seconds).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from root_accuracy import follow_films, print_covariances, print_velocities

from pose_action_ros.core.actions import SIMULATED_ACTIONS
from pose_action_ros.geometry import BodyPrior, Camera, Pose25D, localize
from pose_action_ros.geometry.localize import SURFACE_TO_JOINT_M
from pose_action_ros.simulation.body import Proportions, forward
from pose_action_ros.simulation.motions import move
from pose_action_ros.simulation.style import Style, cycle_s, neutral

FIELDS_OF_VIEW_DEG = (40, 60, 90)
DISTANCES_M = (1.5, 3.0, 5.0, 8.0)
OFF_CENTRE = (0.0, 0.6)  # share of the way from the centre to the edge of the image
WIDTH, HEIGHT = 640, 480
NOISE_OVER_EXTENT = 0.015  # one sigma of a joint over the height of the person in the image
NOISE_DEPTH_M = 0.04
TRUNK = (0, 1, 10, 11, 16)


class Actor(NamedTuple):
    """A moment of somebody's action: (17, 3) joints about the pelvis in camera axes, metres."""

    joints_m: np.ndarray
    stature_m: float


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--poses', type=int, default=300, help='poses per row')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--films', type=int, default=14, help='rendered films, each of one actor')
    parser.add_argument('--first-film', type=int, default=5000, help='seed of the first film')
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    actors = [sample_actor(rng) for _ in range(options.poses)]
    print_distances(actors, rng)
    print_causes(actors, rng)
    if options.films:
        tracks = follow_films(range(options.first_film, options.first_film + options.films))
        print_covariances(tracks)
        print_velocities(tracks)


def sample_actor(rng: np.random.Generator) -> Actor:
    """Draw a body, an action, a moment of it and a direction."""
    body, style = Proportions.sample(rng), Style.sample(rng)
    action = SIMULATED_ACTIONS[rng.integers(len(SIMULATED_ACTIONS))]
    moment = np.array([rng.uniform(0.0, cycle_s(action, style))])
    joints = forward(body, move(action, moment, style, neutral(style))).joints_m[0]
    heading = rng.uniform(-np.pi, np.pi)
    cos, sin = np.cos(heading), np.sin(heading)
    ahead, left = (joints[:, :2] @ np.array([[cos, sin], [-sin, cos]])).T
    # x forward, y left, z up to the optical frame's x right, y down, z forward
    turned = np.column_stack([-left, -joints[:, 2], ahead])
    return Actor(turned - turned[0], body.stature)


def look(actor: Actor, camera: Camera, distance_m: float, share: float) -> np.ndarray:
    """(17, 3) joints in the camera's frame."""
    edge = WIDTH / 2.0 / camera.fx
    return actor.joints_m + np.array([share * edge * distance_m, 0.0, distance_m])


def see(camera: Camera, truth_m: np.ndarray, rng: np.random.Generator | None) -> Pose25D:
    """The joints as a network gives them, without errors where there is no `rng`."""
    pose = Pose25D('pa17j', camera.project(truth_m), truth_m[:, 2] - truth_m[0, 2], np.ones(17))
    if rng is None:
        return pose
    sigma_px = NOISE_OVER_EXTENT * pose.extent_px
    return replace(
        pose,
        joints_image_px=pose.joints_image_px + rng.normal(0.0, sigma_px, (17, 2)),
        depth_m=pose.depth_m + rng.normal(0.0, NOISE_DEPTH_M, 17),
    )


def depth_image(camera: Camera, truth_m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The body surface before each joint of the trunk, a third of it without a measurement."""
    depth = np.full((HEIGHT, WIDTH), np.nan, np.float32)
    for joint in TRUNK:
        column, row = np.rint(camera.project(truth_m[joint])).astype(int)
        half = int(0.08 * camera.fx / truth_m[joint, 2])
        window = np.s_[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half]
        depth[window] = truth_m[joint, 2] - SURFACE_TO_JOINT_M + rng.normal(0.0, 0.03)
    depth[rng.random(depth.shape) < 1.0 / 3.0] = np.nan
    return depth


def errors_of(found, truth_m: np.ndarray) -> tuple[float, float, float, float]:
    """Relative error and sigma of the distance; mean joint error in space and about the root."""
    if found.joints_camera_m is None:
        return (np.nan,) * 4
    distance = truth_m[0, 2]
    joints = np.linalg.norm(found.joints_camera_m - truth_m, axis=1).mean()
    about_root = np.linalg.norm(found.joints_root_m - (truth_m - truth_m[0]), axis=1).mean()
    relative = found.root_depth_m / distance - 1.0
    return relative, found.root_depth_sigma_m / distance, joints, about_root


def summary(errors: list[tuple[float, float, float, float]]) -> str:
    """The cells of one row."""
    relative, sigma, joints, about_root = np.array(errors).T
    size = np.abs(relative)
    return (
        f'{100 * np.nanmedian(relative):+.1f} | {100 * np.nanmedian(size):.1f} | '
        f'{100 * np.nanpercentile(size, 95):.1f} | {100 * np.nanmedian(sigma):.1f} | '
        f'{100 * np.nanmedian(joints):.0f} | {1000 * np.nanmean(about_root):.0f} | '
        f'{100 * np.isnan(relative).mean():.1f}'
    )


HEAD = 'bias % | median % | 95th % | sigma % | joints cm | about root mm | none %'


def print_distances(actors: list[Actor], rng: np.random.Generator) -> None:
    """From bone lengths alone, body height at its default, joints with noise."""
    print(f'| field of view | distance | person | {HEAD} |')
    print('|' + '---|' * 10)
    for fov_deg in FIELDS_OF_VIEW_DEG:
        camera = Camera.from_field_of_view(WIDTH, HEIGHT, fov_deg)
        for distance_m in DISTANCES_M:
            for share in OFF_CENTRE:
                errors = []
                for actor in actors:
                    truth = look(actor, camera, distance_m, share)
                    errors.append(
                        errors_of(localize(see(camera, truth, rng), camera=camera), truth)
                    )
                place = 'centre' if share == 0.0 else f'{100 * share:.0f} % to the edge'
                print(f'| {fov_deg}° | {distance_m} m | {place} | {summary(errors)} |')


def print_causes(actors: list[Actor], rng: np.random.Generator) -> None:
    """Where the error comes from, at 3 m and 60 degrees."""
    camera = Camera.from_field_of_view(WIDTH, HEIGHT, 60.0)
    print(f'\n| 60°, 3 m, centre | {HEAD} |\n|' + '---|' * 8)
    rows = (
        ('exact joints, height known', None, True, False),
        ('noisy joints, height known', rng, True, False),
        ('exact joints, height 1.70 m', None, False, False),
        ('noisy joints, height 1.70 m', rng, False, False),
        ('noisy joints, depth image', rng, False, True),
    )
    for name, noise, known, with_depth in rows:
        errors = []
        for actor in actors:
            truth = look(actor, camera, 3.0, 0.0)
            body = BodyPrior(actor.stature_m, height_sigma=0.0) if known else BodyPrior()
            depth = depth_image(camera, truth, rng) if with_depth else None
            pose = see(camera, truth, noise)
            found = localize(pose, camera=camera, depth_image_m=depth, body=body)
            errors.append(errors_of(found, truth))
        print(f'| {name} | {summary(errors)} |')


if __name__ == '__main__':
    main()
