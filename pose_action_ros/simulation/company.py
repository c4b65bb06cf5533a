"""Several actors before one camera, in one light: their places, and the film of them.

Owns: `SimulatedCompany` and `CompanyFrame` (an image and the positions of everybody in it). Each
actor has a separate body, clothes and performance. Some are near and some are far, and their paths
cross.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.geometry.camera_placement import placement_on_ground
from pose_action_ros.simulation.batched import one_thread
from pose_action_ros.simulation.optics import add_noise, noise_table, whole_window
from pose_action_ros.simulation.renderer import Solids, first_hits
from pose_action_ros.simulation.scene import Scene
from pose_action_ros.simulation.sequence import Wander

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.simulation.scene import Truth

__all__ = ['CompanyFrame', 'SimulatedCompany']

_NEAREST, _FARTHEST = 1.0, 2.6  # as ratios to the distance at which one actor fills the image
_ACROSS = 0.75  # share of the image's width that the actors' middles cover
_SEEN_TOLERANCE_M = 0.03


@dataclass(frozen=True, eq=False)
class CompanyFrame:
    """One image of several actors and their positions; N actors.

    Attributes:
        image_rgb: (H, W, 3) uint8.
        joints_camera_m: (N, 17, 3) float32, layout pa17j, in the camera's optical frame.
        joints_image_px: (N, 17, 2) float32 pixels.
        visible: (N, 17) bool; in the image, and hidden by no person, object or part of the body.
    """

    image_rgb: NDArray[np.uint8]
    joints_camera_m: NDArray[np.float32]
    joints_image_px: NDArray[np.float32]
    visible: NDArray[np.bool_]


class SimulatedCompany:
    """An endless film of several actors.

    Args:
        seed: Decides actors, places, camera, light and actions.
        count: Number of actors, 1 or more.
        width: Columns.
        height: Rows.
        photographs: Pictures to use as backdrop instead of a drawn one.

    Attributes:
        camera: Its lens.
        placement: (3, 4) from its optical frame to a world on the ground below it, x ahead, z up.

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
        self._seed = seed
        rng = np.random.default_rng([seed, 0x434F4D50])
        lead = Scene(rng.spawn(1)[0], width, height)
        order = rng.permutation(count)
        self._scenes = [
            Scene(
                rng.spawn(1)[0], width, height, beside=lead,
                wander=_wander(lead, (int(order[k]) + 0.5) / count, rng),
            )
            for k in range(count)
        ]  # fmt: skip
        self.camera, self._lead = lead.camera, lead
        self.placement = placement_on_ground(lead.to_camera)
        self._backdrop = lead.draw_backdrop(photographs)
        self._noise = noise_table(rng, height, width)

    def frame(self, t_s: float) -> CompanyFrame:
        """Return the image of a moment; it depends on the seed and the moment alone.

        Args:
            t_s: Seconds since the start, >= 0.

        Raises:
            ConfigError: The time is negative or not finite.
        """
        truths = [scene.truth(np.array([t_s])) for scene in self._scenes]
        solids = [scene.solids(t) for scene, t in zip(self._scenes, truths, strict=True)]
        window, backdrop = whole_window(self.camera), self._backdrop
        for scene, truth in zip(self._scenes, truths, strict=True):
            backdrop = scene.shaded(truth, 0, window, backdrop)
        together = Solids.together(solids)
        image = self._lead.lit(together, window[None], [backdrop]).expose()
        with one_thread():
            sigma = torch.tensor([self._lead.noise_sigma])
            noisy = add_noise(image, self._noise, torch.zeros(1, 2, dtype=torch.int64), sigma)
        return CompanyFrame(
            image_rgb=noisy[0].numpy(),
            joints_camera_m=np.concatenate([t.joints_camera_m for t in truths]).astype(np.float32),
            joints_image_px=np.concatenate([t.joints_image_px for t in truths]).astype(np.float32),
            visible=self._visible(truths, solids, together),
        )

    def _visible(
        self, truths: Sequence[Truth], solids: Sequence[Solids], together: Solids
    ) -> NDArray[np.bool_]:
        """(N, 17): no other actor is nearer on the ray; the actor's own scene checks the rest."""
        seen = []
        first = 0
        for scene, truth, own in zip(self._scenes, truths, solids, strict=True):
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
