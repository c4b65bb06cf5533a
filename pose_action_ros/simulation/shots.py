"""Descriptions of unrendered pictures: places, bodies, windows and lights.

Owns: `Shots`. They are cheap to create and to transfer. `expose` renders all of them at once, on
their device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pose_action_ros.simulation.batched import Batched, one_thread
from pose_action_ros.simulation.renderer import Lights, Solids, cast

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ['Shots']


@dataclass(frozen=True, eq=False)
class Shots(Batched):
    """Descriptions of B images.

    Attributes:
        backdrops: (B, H, W, 3) uint8 RGB, the background of the solids, with their shadow.
        windows: (B, 2, 3) float32 column, row, 1 of a pixel to x / z, y / z of its ray.
        solids: The solids of the scene.
        lights: The lights on them.
    """

    backdrops: Tensor
    windows: Tensor
    solids: Solids
    lights: Lights

    @torch.inference_mode()
    @one_thread()
    def expose(self) -> Tensor:
        """Return (B, H, W, 3) uint8 RGB: the solids, cast and shaded, before the backdrops."""
        height, width = self.backdrops.shape[1:3]
        hits = cast(self.solids, self.windows, self.lights, height=height, width=width)
        pictures = self.backdrops.clone(memory_format=torch.contiguous_format)
        colours = (hits.colours * 255.0 + 0.5).to(torch.uint8)
        pictures.view(-1, 3)[hits.pixels] = colours
        return pictures
