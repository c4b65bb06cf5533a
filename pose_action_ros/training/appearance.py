"""Random changes of a sample's pixels: light, saturation, sharpness, covered parts.

They widen the range of cameras and places that a few thousand photographs show. The paper has none
of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ['Appearance']

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_GREY = 0.1  # share of crops without colours
_COARSEST = 0.35  # of the crop's pixels along a side


@dataclass(frozen=True)
class Appearance:
    """Changes to the pixels of a crop, or of all frames of a clip alike.

    Attributes:
        light: Contrast varies in 1 ± this; brightness in ± half of this, black to white.
        saturation: Saturation varies in 1 ± this; one crop in ten loses its colours.
        blur: Share of crops that are blurred or coarse.
        covered: Share of crops with covered rectangles.
    """

    light: float = 0.0
    saturation: float = 0.0
    blur: float = 0.0
    covered: float = 0.0

    @property
    def changes(self) -> bool:
        """Whether any change is switched on."""
        return any((self.light, self.saturation, self.blur, self.covered))

    def apply(self, frames: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return frames that are all changed in the same way.

        Args:
            frames: (T, H, W, 3) uint8 RGB; not modified.
            rng: Source of every random choice; the number of draws is always the same.
        """
        matrix, offset = self._colours(rng)
        sharp, sigma, coarse = rng.random(), rng.uniform(0.5, 2.0), rng.uniform(_COARSEST, 0.8)
        blurs = rng.random() < self.blur
        parts = [_rectangle(rng) for _ in range(3)]
        hidden = int(rng.integers(1, 4)) * bool(rng.random() < self.covered)
        out = []
        for frame in frames:
            changed = cv2.transform(frame, np.column_stack([matrix, np.full(3, offset)]))
            if blurs and sharp < 0.5:
                changed = cv2.GaussianBlur(changed, (0, 0), sigma)
            elif blurs:
                changed = _coarse(changed, coarse)
            for centre, size, colour in parts[:hidden]:
                _cover(changed, centre, size, colour)
            out.append(np.asarray(changed, np.uint8))
        return np.stack(out)

    def _colours(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], float]:
        """(3, 3) map of colours and an offset in grey levels."""
        contrast = 1.0 + self.light * rng.uniform(-1, 1)
        brightness = 127.5 * self.light * rng.uniform(-1, 1)
        saturation = 1.0 + self.saturation * rng.uniform(-1, 1)
        if rng.random() < _GREY and self.saturation:
            saturation = 0.0
        grey = np.tile(_LUMA, (3, 1))
        matrix = contrast * (saturation * np.eye(3, dtype=np.float32) + (1 - saturation) * grey)
        return matrix.astype(np.float32), 127.5 * (1.0 - contrast) + brightness


def _rectangle(
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Centre and size in shares of the crop, and a colour."""
    size = np.exp(rng.uniform(np.log(0.06), np.log(0.35), 2))
    return rng.uniform(0.1, 0.9, 2), size, rng.integers(0, 256, 3)


def _cover(
    image: cv2.typing.MatLike,
    centre: NDArray[np.float64],
    size: NDArray[np.float64],
    colour: NDArray[np.int64],
) -> None:
    side = np.array(image.shape[1::-1])
    low, high = (centre - size / 2) * side, (centre + size / 2) * side
    corners = [(int(x), int(y)) for x, y in (low, high)]
    cv2.rectangle(image, corners[0], corners[1], [int(c) for c in colour], -1)


def _coarse(image: cv2.typing.MatLike, share: float) -> cv2.typing.MatLike:
    height, width = image.shape[:2]
    small = (max(8, int(share * width)), max(8, int(share * height)))
    reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR)
