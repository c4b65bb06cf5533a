"""A scene: one actor, one camera, one light, one backdrop; and the film of it.

Owns: `Scene` (its content, and pictures of any window of the image), `SimulatedFilm` (an endless
film of all actions) and `FilmFrame` (an image with its truth). World: z up, the camera on the
positive x axis; camera frame: optical, as in `geometry.Camera`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_action_ros.geometry.camera import Camera
from pose_action_ros.geometry.camera_placement import placement_on_ground
from pose_action_ros.simulation.backdrop import cast_shadow, draw_backdrop
from pose_action_ros.simulation.batched import one_thread
from pose_action_ros.simulation.body import PARTS, BodyFrames, Proportions
from pose_action_ros.simulation.figure import Figure, dress, stool
from pose_action_ros.simulation.motions import ENDS_APART
from pose_action_ros.simulation.optics import (
    add_noise,
    look_at_actor,
    noise_corner,
    noise_table,
    whole_window,
)
from pose_action_ros.simulation.renderer import Lights, Solids, first_hits, nothing
from pose_action_ros.simulation.room import draw_room
from pose_action_ros.simulation.sequence import Moment, Sequence, Visit, Wander
from pose_action_ros.simulation.shots import Shots
from pose_action_ros.simulation.style import cycle_s

if TYPE_CHECKING:
    from collections.abc import Sequence as Many
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from pose_action_ros.simulation.sequence import Segment

    Array = NDArray[np.float64]

__all__ = [
    'FilmFrame',
    'Scene',
    'SimulatedFilm',
    'Truth',
    'film_noise',
    'film_room',
    'film_scene',
]

_JOINT_TOLERANCE_M = 0.03
_NOISE_PX = 64  # size of the table of sensor noise over an image
_REST = BodyFrames(np.zeros((1, 17, 3)), np.broadcast_to(np.eye(3), (1, len(PARTS), 3, 3)))


@dataclass(frozen=True, eq=False)
class FilmFrame:
    """One image of a film and its true pose and action.

    Attributes:
        image_rgb: (H, W, 3) uint8.
        joints_camera_m: (17, 3) float32, layout pa17j, metres in the camera's optical frame.
        joints_image_px: (17, 2) float32 pixels.
        visible: (17,) bool; inside the image and not hidden by another part or thing.
        action: Label of the current motion, one of `SIMULATED_ACTIONS`.
        phase: Progress from 0 to 1; if it repeats, of the current cycle.
        action_start_s: Time of the film at which the action began.
    """

    image_rgb: NDArray[np.uint8]
    joints_camera_m: NDArray[np.float32]
    joints_image_px: NDArray[np.float32]
    visible: NDArray[np.bool_]
    action: str
    phase: float
    action_start_s: float


@dataclass(frozen=True, eq=False)
class Truth:
    """Positions of the joints at T times.

    Attributes:
        joints_camera_m: (T, 17, 3) float64.
        joints_image_px: (T, 17, 2) float64.
        moment: The body in the world.
        segments: T segments of the sequence, to which the times belong.
    """

    joints_camera_m: Array
    joints_image_px: Array
    moment: Moment
    segments: tuple[Segment, ...]

    def after(self, count: int) -> Truth:
        """Return the same without the first `count` times."""
        moment = self.moment
        body = BodyFrames(moment.body.joints_m[count:], moment.body.rotations[count:])
        rest = (v[count:] for v in (moment.rotation, moment.place_m, moment.away_m))
        return Truth(
            self.joints_camera_m[count:],
            self.joints_image_px[count:],
            Moment(body, *rest),
            self.segments[count:],
        )


class Scene:
    """Everything that is random in a film, drawn from one generator.

    Args:
        rng: Decides everything; the scene owns it.
        width: Columns of the camera's image.
        height: Rows of the camera's image.
        opening: Actions to begin with.
        beside: A scene whose camera and light this actor shares. Random numbers for an own camera
            and light are drawn nevertheless.
        wander: Motion of the actor's place; by default at rest in the origin.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        width: int,
        height: int,
        *,
        opening: tuple[str, ...] = (),
        beside: Scene | None = None,
        wander: Wander | Visit | None = None,
    ) -> None:
        body_rng, view_rng, move_rng, self._backdrop_rng, stool_rng = rng.spawn(5)
        self.body = Proportions.sample(body_rng)
        self.figure = dress(self.body, body_rng)
        self._stool_seed = int(stool_rng.integers(2**31))
        self.camera = Camera.from_field_of_view(width, height, float(view_rng.uniform(45, 80)))
        distance_m, roam_m = self._distance(view_rng)
        self.to_camera = look_at_actor(view_rng, distance_m, self.body.stature)
        self._light = _sample_light(view_rng)
        self.noise_sigma = float(view_rng.uniform(0.5, 6.0))
        self.sequence = Sequence(move_rng, self.body, self.figure, roam_m=roam_m, opening=opening)
        self._wander = wander or Wander()
        self.is_there = self._wander.is_there
        if beside is not None:
            self.camera, self.to_camera = beside.camera, beside.to_camera
            self._light = beside._light

    def draw_backdrop(
        self, photographs: Many[Path] = (), view: tuple[Camera, Array] | None = None
    ) -> NDArray[np.uint8]:
        """Draw the background of the actor.

        Args:
            photographs: Pictures to use instead of drawn walls, if there are any.
            view: A camera in the same place, and (3, 3) its rotation against the scene's; the
                scene's own by default. Each has different walls.

        Returns:
            (H, W, 3) uint8 RGB.
        """
        camera, turn = view or (self.camera, np.eye(3))
        return draw_backdrop(self._backdrop_rng, camera, turn @ self.to_camera, photographs)

    def draw_room(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Draw a living room behind the actor, in the same light: (H, W, 3) uint8 RGB."""
        return draw_room(rng, self.camera, self.to_camera, self._light)

    def truth(self, times_s: Array) -> Truth:
        """Return joints at (T,) times >= 0."""
        segments = tuple(self.sequence.segment_at(float(t)) for t in times_s)
        moment = self._wander.moved(self.sequence.at(times_s), times_s)
        joints = moment.joints_world_m @ self.to_camera[:, :3].T + self.to_camera[:, 3]
        return Truth(joints, self.camera.project(joints), moment, segments)

    def shots(
        self, truth: Truth | None, windows: Array, backdrops: Many[NDArray[np.uint8]]
    ) -> Shots:
        """Take the actor before pictures of the backdrop.

        Args:
            truth: T moments; None: the place without the actor.
            windows: (T, 2, 3) column, row, 1 of a pixel of the picture to x / z, y / z.
            backdrops: T pictures (H, W, 3) uint8 of the background; not modified.
        """
        if truth is not None:
            backdrops = [self.shaded(truth, t, windows[t], b) for t, b in enumerate(backdrops)]
        solids = nothing(len(windows)) if truth is None else self.solids(truth)
        return self.lit(solids, windows, backdrops)

    def lit(self, solids: Solids, windows: Array, backdrops: Many[NDArray[np.uint8]]) -> Shots:
        """Take T images of solids in the light of this scene; the arguments are as in `shots`."""
        return Shots(
            backdrops=torch.from_numpy(np.stack(backdrops)),
            windows=torch.from_numpy(windows).float(),
            solids=solids,
            lights=self._lights(len(windows)),
        )

    def visible(self, truth: Truth) -> NDArray[np.bool_]:
        """Return (T, 17) bool: whether the camera sees a joint.

        A joint lies inside the body. It is seen if the first surface on its ray belongs to a part
        around that joint, or is not nearer than the joint itself.
        """
        joints = truth.joints_camera_m
        rays = torch.from_numpy(joints[..., :2] / joints[..., 2:]).float()
        with torch.inference_mode(), one_thread():
            depth, solid = (v.numpy() for v in first_hits(self.solids(truth), rays))
        covers = np.concatenate([self.figure.covers, np.zeros((8, 17), bool)])
        own = covers[solid, np.arange(17)]
        inside = (truth.joints_image_px > -0.5).all(-1)
        inside &= (
            truth.joints_image_px < (self.camera.width - 0.5, self.camera.height - 0.5)
        ).all(-1)
        return inside & (own | (depth > joints[..., 2] - _JOINT_TOLERANCE_M))

    def solids(self, truth: Truth) -> Solids:
        """Return the actor, and the stool if there is one, in camera space."""
        figure = self.figure
        start, to_local = figure.place(truth.moment.body)
        start = start @ np.swapaxes(truth.moment.rotation, -1, -2)
        start = start + truth.moment.place_m[:, None]
        turn = truth.moment.rotation[:, None] @ np.eye(3)
        to_local = to_local @ np.swapaxes(self.to_camera[:, :3] @ turn, -1, -2)
        sizes = (figure.length, figure.radius_start, figure.radius_end, figure.paint)
        if any(segment.seat_m is not None for segment in truth.segments):
            seat, seat_start, seat_local = self._stools(truth)
            start = np.concatenate([start, seat_start], 1)
            to_local = np.concatenate([to_local, seat_local], 1)
            more = (seat.length, seat.radius_start, seat.radius_end, seat.paint)
            sizes = tuple(np.concatenate(pair) for pair in zip(sizes, more, strict=True))
        start = start @ self.to_camera[:, :3].T + self.to_camera[:, 3]
        T = len(start)
        return Solids(
            torch.from_numpy(to_local).float(),
            torch.from_numpy(start).float(),
            *(torch.from_numpy(v).float().expand(T, *v.shape) for v in sizes),
        )

    def _stools(self, truth: Truth) -> tuple[Figure, Array, Array]:
        """The stool, (T, S, 3) its starts in the world and (T, S, 3, 3) its maps."""
        seats = [
            None if segment.seat_m is None else segment.seat_m + np.append(away_m, 0.0)
            for segment, away_m in zip(truth.segments, truth.moment.away_m, strict=True)
        ]
        seat_m = next(seat for seat in seats if seat is not None)
        figure = stool(np.random.default_rng(self._stool_seed), max(float(seat_m[2]), 0.15))
        start, to_local = figure.place(_REST)
        away = self.to_camera[:, :3].T @ np.array([0.0, 0.0, -50.0])  # behind the camera
        spots = np.array([away if s is None else (s[0], s[1], 0.0) for s in seats])
        to_local = np.repeat(to_local @ self.to_camera[:, :3].T, len(seats), axis=0)
        return figure, start + spots[:, None], to_local

    def shaded(
        self, truth: Truth, t: int, window: Array, backdrop: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        """Return the backdrop of moment `t` with the actor's shadow, (H, W, 3) uint8."""
        to_pixel = np.linalg.inv(np.vstack([window, (0.0, 0.0, 1.0)])) @ self.to_camera
        moment, figure = truth.moment, self.figure
        rotation = moment.rotation[t] @ moment.body.rotations[t, figure.part]
        start = moment.body.joints_m[t, figure.joint] @ moment.rotation[t].T + moment.place_m[t]
        start = start + (rotation @ figure.start_m[..., None])[..., 0]
        from_local = rotation @ figure.from_local
        end = start + from_local[..., 2] * figure.length[:, None]
        unit = np.cbrt(np.linalg.det(from_local))
        radii = np.stack([figure.radius_start * unit, figure.radius_end * unit], -1)
        large = radii.max(-1) > 0.02
        return cast_shadow(
            backdrop, start[large], end[large], radii[large], light=self._light['direction'],
            to_pixel=to_pixel, strength=self._light['shadow'],
        )  # fmt: skip

    @one_thread()
    def noisy(self, image: Tensor, noise: Tensor, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Add the sensor's noise from a table: (1, H, W, 3) to (H, W, 3) uint8."""
        corner = torch.tensor([noise_corner(rng, noise, *image.shape[1:3])])
        return add_noise(image, noise, corner, torch.tensor([self.noise_sigma]))[0].numpy()

    def _lights(self, count: int) -> Lights:
        light = self._light
        rows = (self.to_camera[:, :3] @ light['direction'], light['colour'], light['ambient'])
        direction, colour, ambient = (
            torch.from_numpy(np.asarray(row)).float().expand(count, 3) for row in rows
        )
        return Lights(direction, colour, ambient, torch.full((count,), light['gloss']))

    def _distance(self, rng: np.random.Generator) -> tuple[float, float]:
        """Distance of the camera, and reach of the actor's walks inside the view."""
        half_view = self.camera.height / 2.0 / self.camera.fy
        needed = 0.60 * self.body.stature / half_view
        distance = float(np.clip(needed * rng.uniform(1.12, 1.65), 1.8, 6.0))
        return distance, float(np.clip(0.75 * (distance - needed), 0.1, 1.2))


class SimulatedFilm:
    """An endless film of one actor who goes through all actions.

    Args:
        seed: Decides actor, place, camera, light and the order and style of the actions.
        width: Columns.
        height: Rows.
        fps: Images per second of the film.
        photographs: Pictures to use as backdrop instead of a drawn room.
        opening: Actions to begin with.

    Attributes:
        camera: Its lens.
        placement: (3, 4) from its optical frame to a world on the ground below it, x ahead, z up.
    """

    def __init__(
        self,
        seed: int,
        width: int = 640,
        height: int = 480,
        fps: float = 20.0,
        photographs: Many[Path] = (),
        opening: tuple[str, ...] = (),
    ) -> None:
        self._seed, self.fps = seed, fps
        scene = self._scene = film_scene(seed, width, height, opening)
        self._backdrop = (
            scene.draw_backdrop(photographs) if photographs else film_room(scene, seed)
        )
        self.camera = scene.camera
        self.placement = placement_on_ground(scene.to_camera)
        self._noise = film_noise(seed, width, height)

    def frame(self, t_s: float) -> FilmFrame:
        """Return the image of a moment; it depends on the seed and the moment alone.

        Args:
            t_s: Seconds since the start, >= 0.

        Raises:
            ConfigError: The time is negative or not finite.
        """
        scene = self._scene
        truth = scene.truth(np.array([t_s]))
        image = scene.shots(truth, whole_window(self.camera)[None], [self._backdrop]).expose()
        moment = [self._seed, round(t_s * 1e6)]
        segment = truth.segments[0]
        phase = (t_s - segment.start_s) / cycle_s(segment.action, segment.style)
        once = segment.action in (*ENDS_APART, 'stand up')
        return FilmFrame(
            image_rgb=scene.noisy(image, self._noise, np.random.default_rng(moment)),
            joints_camera_m=truth.joints_camera_m[0].astype(np.float32),
            joints_image_px=truth.joints_image_px[0].astype(np.float32),
            visible=scene.visible(truth)[0],
            action=segment.action,
            phase=float(min(phase, 1.0) if once else phase % 1.0),
            action_start_s=segment.start_s,
        )


def film_scene(seed: int, width: int, height: int, opening: tuple[str, ...] = ()) -> Scene:
    """Return the actor, camera and light of the film with this seed."""
    rng = np.random.default_rng([seed, 0x46494C4D])
    return Scene(rng, width, height, opening=opening)


def film_room(scene: Scene, seed: int) -> NDArray[np.uint8]:
    """Return the living room of the film with this seed, (H, W, 3) uint8 RGB."""
    return scene.draw_room(np.random.default_rng([seed, 0x524F4F4D]))


def film_noise(seed: int, width: int, height: int) -> Tensor:
    """Return the table of the sensor's noise of the film with this seed."""
    rng = np.random.default_rng([seed, 0x4E4F4953])
    return noise_table(rng, height + _NOISE_PX, width + _NOISE_PX)


def _sample_light(rng: np.random.Generator) -> dict:
    """Direction (world), colours and strengths of the light."""
    height, around = np.deg2rad(rng.uniform(38, 80)), rng.uniform(-np.pi, np.pi)
    warmth = rng.normal(0, 0.06)
    direction = np.array(
        [np.cos(height) * np.cos(around), np.cos(height) * np.sin(around), np.sin(height)]
    )
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    return {
        'direction': direction,
        'colour': rng.uniform(0.45, 0.90) * tint,
        'ambient': rng.uniform(0.22, 0.45) * np.array([1 - warmth / 2, 1.0, 1 + warmth / 2]),
        'gloss': float(rng.uniform(0.0, 0.15)),
        'shadow': float(rng.uniform(0.15, 0.6)),
    }
