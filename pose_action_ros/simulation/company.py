"""Several actors before one camera, in one light: their places, and the film of them.

Owns: `SimulatedCompany` (near and far actors, whose paths cross), `SimulatedRoom` (one actor and a
visitor) and `CompanyFrame` (an image and its truth). Each actor has a separate body, clothes and
performance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.geometry.camera_placement import placement_on_ground
from pose_action_ros.simulation.batched import one_thread
from pose_action_ros.simulation.optics import (
    noise_table,
    whole_window,
)
from pose_action_ros.simulation.renderer import Solids, first_hits
from pose_action_ros.simulation.scene import Scene, film_noise, film_room, film_scene
from pose_action_ros.simulation.sequence import Visit, Wander

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from pose_action_ros.simulation.scene import Truth

__all__ = ['CompanyFrame', 'SimulatedCompany', 'SimulatedRoom']

_NEAREST, _FARTHEST = 1.0, 2.6  # as ratios to the distance at which one actor fills the image
_ACROSS = 0.75  # share of the image's width that the actors' middles cover
_SEEN_TOLERANCE_M = 0.03
_VISITOR_AHEAD = 1.15  # distance of a visitor over that of the first actor
_VISITOR_ASIDE = 0.55  # of half the image's width, from its middle
_BEYOND_M = 2.2  # from the image's edge to a visitor out of view, who may roam and reach out


@dataclass(frozen=True, eq=False)
class CompanyFrame:
    """One image of several actors and its truth; N actors.

    Attributes:
        image_rgb: (H, W, 3) uint8.
        actors: N numbers, each constant for an actor.
        joints_camera_m: (N, 17, 3) float32, layout pa17j, in the camera's optical frame.
        joints_image_px: (N, 17, 2) float32 pixels.
        visible: (N, 17) bool; in the image, and hidden by no person, object or part of the body.
        actions: N labels of the current motions, of `SIMULATED_ACTIONS`.
    """

    image_rgb: NDArray[np.uint8]
    actors: tuple[int, ...]
    joints_camera_m: NDArray[np.float32]
    joints_image_px: NDArray[np.float32]
    visible: NDArray[np.bool_]
    actions: tuple[str, ...]


class _Film:
    """An endless film of several actors.

    Args:
        seed: Decides the noise of each image.
        lead: The scene that has the camera, the light and the sensor.
        scenes: The actors.
        backdrop: (H, W, 3) uint8 RGB, the place without actors.
        noise: Table of the sensor's noise, as large as an image or larger.

    Attributes:
        camera: Its lens.
        placement: (3, 4) from its optical frame to a world on the ground below it, x ahead, z up.
    """

    def __init__(
        self,
        seed: int,
        lead: Scene,
        scenes: Sequence[Scene],
        backdrop: NDArray[np.uint8],
        noise: Tensor,
    ) -> None:
        self._seed, self._lead, self._scenes = seed, lead, scenes
        self._backdrop, self._noise = backdrop, noise
        self.camera = lead.camera
        self.placement = placement_on_ground(lead.to_camera)

    def frame(self, t_s: float) -> CompanyFrame:
        """Return the image of a moment; it depends on the seed and the moment alone.

        Args:
            t_s: Seconds since the start, >= 0.

        Raises:
            ConfigError: The time is negative or not finite.
        """
        actors = tuple(n for n, scene in enumerate(self._scenes) if scene.is_there(t_s))
        scenes = [self._scenes[number] for number in actors]
        truths = [scene.truth(np.array([t_s])) for scene in scenes]
        solids = [scene.solids(t) for scene, t in zip(scenes, truths, strict=True)]
        window, backdrop = whole_window(self.camera), self._backdrop
        for scene, truth in zip(scenes, truths, strict=True):
            backdrop = scene.shaded(truth, 0, window, backdrop)
        together = Solids.together(solids)
        image = self._lead.lit(together, window[None], [backdrop]).expose()
        rng = np.random.default_rng([self._seed, round(t_s * 1e6)])
        return CompanyFrame(
            image_rgb=self._lead.noisy(image, self._noise, rng),
            actors=actors,
            joints_camera_m=np.concatenate([t.joints_camera_m for t in truths]).astype(np.float32),
            joints_image_px=np.concatenate([t.joints_image_px for t in truths]).astype(np.float32),
            visible=_visible(scenes, truths, solids, together),
            actions=tuple(truth.segments[0].action for truth in truths),
        )


class SimulatedCompany(_Film):
    """An endless film of several actors who walk across each other.

    Args:
        seed: Decides actors, places, camera, light and actions.
        count: Number of actors, 1 or more.
        width: Columns.
        height: Rows.
        photographs: Pictures to use as backdrop instead of a drawn one.

    Raises:
        ConfigError: The count is below 1.
    """

    def __init__(
        self,
        seed: int,
        count: int,
        width: int = 640,
        height: int = 480,
        photographs: Sequence[Path] = (),
    ) -> None:
        if count < 1:
            raise ConfigError(f'found a company of {count}; expected 1 actor or more')
        rng = np.random.default_rng([seed, 0x434F4D50])
        lead = Scene(rng.spawn(1)[0], width, height)
        order = rng.permutation(count)
        scenes = [
            Scene(
                rng.spawn(1)[0], width, height, beside=lead,
                wander=_wander(lead, (int(order[k]) + 0.5) / count, rng),
            )
            for k in range(count)
        ]  # fmt: skip
        backdrop = lead.draw_backdrop(photographs)
        super().__init__(seed, lead, scenes, backdrop, noise_table(rng, height, width))


class SimulatedRoom(_Film):
    """An endless film of one actor in a room; a second one is there for a third of the time.

    The first actor and the room are those of `SimulatedFilm`.

    Args:
        seed: Decides actors, room, camera, light and actions.
        width: Columns.
        height: Rows.
        visitor: Whether the second actor comes.
    """

    def __init__(
        self, seed: int, width: int = 640, height: int = 480, *, visitor: bool = True
    ) -> None:
        lead = film_scene(seed, width, height)
        scenes = [lead]
        if visitor:
            rng = np.random.default_rng([seed, 0x56495349])
            visit = _visit(lead, float(rng.choice([-1.0, 1.0])))
            scenes.append(Scene(rng.spawn(1)[0], width, height, beside=lead, wander=visit))
        noise = film_noise(seed, width, height)
        super().__init__(seed, lead, scenes, film_room(lead, seed), noise)


def _visible(
    scenes: Sequence[Scene], truths: Sequence[Truth], solids: Sequence[Solids], together: Solids
) -> NDArray[np.bool_]:
    """(N, 17): no other body is nearer on the ray, and the scene of the actor sees the joint."""
    seen = []
    first = 0
    for scene, truth, own in zip(scenes, truths, solids, strict=True):
        joints = truth.joints_camera_m
        rays = torch.from_numpy(joints[..., :2] / joints[..., 2:]).float()
        with torch.inference_mode(), one_thread():
            depth, solid = (v.numpy()[0] for v in first_hits(together, rays))
        last = first + own.length.shape[1]
        mine = (solid >= first) & (solid < last)
        free = mine | (depth > joints[0, :, 2] - _SEEN_TOLERANCE_M)
        seen.append(scene.visible(truth)[0] & free)
        first = last
    return np.stack(seen)


def _wander(lead: Scene, across: float, rng: np.random.Generator) -> Wander:
    """A place in the camera's view; `across` is 0 at its left edge and 1 at its right edge."""
    to_world = lead.to_camera[:, :3].T
    camera = -to_world @ lead.to_camera[:, 3]
    near_m = float(np.hypot(*camera[:2]))
    depth_m = near_m * float(np.exp(rng.uniform(np.log(_NEAREST), np.log(_FARTHEST))))
    half = lead.camera.width / 2.0 / lead.camera.fx
    side = (2.0 * across - 1.0) * _ACROSS + rng.uniform(-0.1, 0.1)
    ahead, right = to_world[:2, 2], to_world[:2, 0]
    ahead = ahead / np.linalg.norm(ahead)
    place = camera[:2] + depth_m * (ahead + side * half * right)
    reach = right * rng.uniform(0.25, 0.7) * depth_m * half * rng.choice([-1.0, 1.0])
    return Wander(
        (float(place[0]), float(place[1])),
        (float(reach[0]), float(reach[1])),
        period_s=float(rng.uniform(6.0, 11.0)),
        start=float(rng.uniform(0.0, 1.0)),
    )


def _visit(lead: Scene, side: float) -> Visit:
    """A visit beside the first actor, to the right for a `side` of 1 and to the left for -1."""
    to_world = lead.to_camera[:, :3].T
    camera = -to_world @ lead.to_camera[:, 3]
    depth_m = _VISITOR_AHEAD * float(np.hypot(*camera[:2]))
    half_m = depth_m * lead.camera.width / 2.0 / lead.camera.fx
    ahead, right = to_world[:2, 2], to_world[:2, 0]
    middle = camera[:2] + depth_m * ahead / np.linalg.norm(ahead)
    inside, outside = (
        middle + side * away_m * right for away_m in (_VISITOR_ASIDE * half_m, half_m + _BEYOND_M)
    )
    return Visit((float(inside[0]), float(inside[1])), (float(outside[0]), float(outside[1])))
