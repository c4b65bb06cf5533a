"""Runs the finder, which looks for people in a whole image.

Portrait images are not rotated. On a CPU the finder runs on OpenVINO if that is installed. On a
GPU, or without OpenVINO, it runs on PyTorch. It always computes in float32, because it is a small
part of the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from pose_action_ros.core.cores import usable_threads
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.geometry.fitting import fit_image
from pose_action_ros.models.finder import FinderMaps, decode
from pose_action_ros.models.folding import fold_batch_norms
from pose_action_ros.runtime.engine import choose_device
from pose_action_ros.runtime.openvino_network import (
    openvino_core,
    to_openvino,
    why_no_openvino,
)
from pose_action_ros.runtime.tensor_graphs import Graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pose_action_ros.models.finder import PersonFinder

__all__ = ['WINDOW_SHARE', 'Candidate', 'FinderEngine']

WINDOW_SHARE = 1.25
"""Side of the window in which the pose network looks, relative to the finder's box."""


class Candidate(NamedTuple):
    """A candidate for a person.

    Attributes:
        box: The square around them, pixels of the image.
        score: 0 to 1.
    """

    box: PersonBox
    score: float

    @property
    def window(self) -> PersonBox:
        """The window in which the pose network looks for the person."""
        side = max(WINDOW_SHARE * self.box.size, 1.0)
        return PersonBox(self.box.center_x, self.box.center_y, side)


class FinderEngine:
    """A finder that is ready to run, warmed up.

    Args:
        net: The network; a folded copy of it is kept.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        threads: CPU threads; 0 for all cores.
        backend: `torch`, `openvino` (CPU only), or `auto`.

    Raises:
        DeviceError: There is no such device.
    """

    def __init__(
        self, net: PersonFinder, device: str = 'auto', threads: int = 0, *, backend: str = 'auto'
    ) -> None:
        place = choose_device(device)
        on_openvino = place.type == 'cpu' and backend != 'torch' and not why_no_openvino()
        self.config = net.config
        self._run = (_on_openvino if on_openvino else _on_torch)(
            net, place, usable_threads(threads)
        )
        for _ in range(2):
            self._run(np.zeros((1, net.config.short_px, net.config.long_px, 3), np.uint8))

    def candidates(
        self, image_rgb: NDArray[np.uint8], min_score: float, most: int
    ) -> list[Candidate]:
        """Return the candidates in an image, the most certain first.

        Args:
            image_rgb: (H, W, 3) uint8.
            min_score: Lowest score of a candidate.
            most: Largest number of candidates.
        """
        rows, columns = image_rgb.shape[:2]
        long_px, short_px = self.config.long_px, self.config.short_px
        size = (long_px, short_px) if columns >= rows else (short_px, long_px)
        fitted = fit_image(image_rgb, *size)
        (found,) = decode(self._run(fitted.pixels[None]), min_score, most)
        rows_of = zip(
            found.center_px.tolist(), found.size_px.tolist(), found.score.tolist(), strict=True
        )
        return [Candidate(fitted.box_in_image(x, y, size), s) for (x, y), size, s in rows_of]


class _Pixels(nn.Module):
    """Bytes (B, H, W, 3) to `FinderMaps`, as one graph."""

    def __init__(self, net: PersonFinder) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        x = images.permute(0, 3, 1, 2).float() / 255.0
        return tuple(self.net((x - 0.5) * 2.0))


def _on_torch(
    net: PersonFinder, place: torch.device, threads: int
) -> Callable[[NDArray[np.uint8]], FinderMaps]:
    module = _Pixels(fold_batch_norms(net)).eval().to(place, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def run(images: NDArray[np.uint8]) -> FinderMaps:
        return FinderMaps(*(maps.cpu() for maps in module(torch.from_numpy(images).to(place))))

    return run


def _on_openvino(
    net: PersonFinder, place: torch.device, threads: int
) -> Callable[[NDArray[np.uint8]], FinderMaps]:
    """One compiled model for each shape, made at the first such image."""
    module = _Pixels(fold_batch_norms(net)).eval()
    programs: dict[tuple[int, ...], Any] = {}
    options: dict[str, Any] = {'INFERENCE_PRECISION_HINT': 'f32', 'PERFORMANCE_HINT': 'LATENCY'}
    if threads:
        options['INFERENCE_NUM_THREADS'] = threads

    def run(images: NDArray[np.uint8]) -> FinderMaps:
        program = programs.get(images.shape)
        if program is None:
            example = torch.zeros(images.shape, dtype=torch.uint8)
            outputs = ('logits', 'offset', 'log_size')
            graph = Graph('finder', module, {'images': example}, outputs, open_axes=0)
            program = openvino_core().compile_model(to_openvino(graph), 'CPU', options)
            programs[images.shape] = program
        found = program((images,))
        return FinderMaps(*(torch.from_numpy(np.array(found[i])) for i in range(3)))

    return run
