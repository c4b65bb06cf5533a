"""Films of people who stand, then walk or run past a camera, with the truth and a depth image.

Every film has its own actor, lens, light and path. `localization.py` uses them for its tables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from pose_action_ros.geometry import Camera
from pose_action_ros.simulation.optics import look_at_actor, whole_window
from pose_action_ros.simulation.renderer import cast
from pose_action_ros.simulation.scene import Scene
from pose_action_ros.simulation.sequence import Segment, Sequence
from pose_action_ros.simulation.style import Style, neutral

RATE_HZ = 15.0
WIDTH, HEIGHT = 480, 360
STAND_S = 1.2
GAITS = {'walk': (1.2, 2.0), 'run': (2.2, 1.4)}  # metres per second, and seconds that are filmed
DISTANCES_M = (4.0, 5.5)  # of the middle of the path
FIELDS_OF_VIEW_DEG = (60.0, 80.0)
HALF_STEP_S = 0.02  # over which true velocities are taken
HOLES = 0.2  # share of the depth image without a measurement
DEPTH_NOISE = 0.0015  # one sigma of a depth pixel at 1 m, growing with the square (stereo)


@dataclass(frozen=True, eq=False)
class Film:
    """A film and its truth; vectors in the camera's optical frame.

    Attributes:
        gait: `walk` or `run`, which follows the standing.
        stamps_s: (T,) seconds.
        images: (T, H, W, 3) uint8.
        depth_m: (T, H, W) float32, NaN where nothing was measured.
        camera: Its intrinsics.
        root_m: (T, 3) the true root.
        root_velocity: (T, 3) of the root, with the bounce of the gait, metres per second.
        travel_velocity: (T, 3) of the path that the body follows.
        stature_m: The actor's height.
    """

    gait: str
    stamps_s: np.ndarray
    images: np.ndarray
    depth_m: np.ndarray
    camera: Camera
    root_m: np.ndarray
    root_velocity: np.ndarray
    travel_velocity: np.ndarray
    stature_m: float


class Course(Sequence):
    """Stands for a moment, then goes through the middle of the scene without an end."""

    def __init__(self, rng: np.random.Generator, scene: Scene, gait: str) -> None:
        super().__init__(rng, scene.body, scene.figure)
        style = Style.sample(rng)
        usual, path_s = GAITS[gait]
        speed = usual * style.speed
        heading = float(rng.uniform(-np.pi, np.pi))
        start_m = -0.5 * path_s * speed * np.array([np.cos(heading), np.sin(heading)])
        standing = Segment(
            action='stand', start_s=0.0, duration_s=STAND_S, blend_s=0.3, style=style,
            pose=neutral(style), place_m=start_m, heading=heading, turn=0.0, bend=0.0, speed=0.0,
        )  # fmt: skip
        going = replace(
            standing, action=gait, start_s=STAND_S, duration_s=60.0, speed=speed,
            pose=standing.poses(np.array([STAND_S]))[0], bend=float(rng.choice([-0.1, 0.1])),
        )  # fmt: skip
        self._course = [standing, going]

    def _next(self) -> Segment:
        return self._course.pop(0)


def shoot(seed: int) -> Film:
    """Render a film; in odd ones the actor runs, in even ones walks."""
    rng = np.random.default_rng([seed, 0x504154])
    gait = 'run' if seed % 2 else 'walk'
    scene = Scene(rng, WIDTH, HEIGHT)
    scene.camera = Camera.from_field_of_view(WIDTH, HEIGHT, rng.uniform(*FIELDS_OF_VIEW_DEG))
    scene.to_camera = look_at_actor(rng, rng.uniform(*DISTANCES_M), scene.body.stature)
    scene.sequence = Course(rng, scene, gait)
    backdrop = scene.draw_backdrop()
    stamps_s = np.arange(0.0, STAND_S + GAITS[gait][1], 1.0 / RATE_HZ)
    taken = [look(scene, stamp_s, backdrop, rng) for stamp_s in stamps_s]
    return Film(
        gait=gait,
        stamps_s=stamps_s,
        images=np.stack([image for image, _ in taken]),
        depth_m=np.stack([depth for _, depth in taken]),
        camera=scene.camera,
        root_m=root_at(scene, stamps_s),
        root_velocity=slope(lambda times: root_at(scene, times), stamps_s),
        travel_velocity=slope(lambda times: path_at(scene, times), stamps_s),
        stature_m=scene.body.stature,
    )


def root_at(scene: Scene, times_s: np.ndarray) -> np.ndarray:
    """(T, 3) the pelvis in the camera's frame."""
    return scene.truth(times_s).joints_camera_m[:, 0]


def path_at(scene: Scene, times_s: np.ndarray) -> np.ndarray:
    """(T, 3) where on the ground the actor's path is, along the camera's axes."""
    segments = [scene.sequence.segment_at(time_s) for time_s in times_s]
    places = [
        segment.path(np.array([time_s - segment.start_s]))[0][0]
        for segment, time_s in zip(segments, times_s, strict=True)
    ]
    return np.array(places) @ scene.to_camera[:, :2].T


def slope(place, times_s: np.ndarray) -> np.ndarray:
    """(T, 3) derivative of a place."""
    before, after = np.maximum(times_s - HALF_STEP_S, 0.0), times_s + HALF_STEP_S
    return (place(after) - place(before)) / (after - before)[:, None]


@torch.inference_mode()
def look(
    scene: Scene, time_s: float, backdrop: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) image and (H, W) depth of a moment; both with noise, the depth with holes."""
    window = whole_window(scene.camera)[None]
    shots = scene.shots(scene.truth(np.array([time_s])), window, [backdrop])
    hits = cast(shots.solids, shots.windows, shots.lights, height=HEIGHT, width=WIDTH)
    pixels, true_m = hits.pixels.numpy(), hits.depth_m.numpy()
    image = shots.backdrops.numpy().reshape(-1, 3).astype(np.float32)
    image[pixels] = 255.0 * hits.colours.numpy()
    image += scene.noise_sigma * rng.standard_normal(image.shape, np.float32)
    depth = np.full(HEIGHT * WIDTH, np.nan, np.float32)
    depth[pixels] = true_m + DEPTH_NOISE * true_m**2 * rng.standard_normal(len(true_m))
    depth[rng.random(len(depth)) < HOLES] = np.nan
    image_rgb = np.clip(image, 0.0, 255.0).astype(np.uint8).reshape(HEIGHT, WIDTH, 3)
    return image_rgb, depth.reshape(HEIGHT, WIDTH)
