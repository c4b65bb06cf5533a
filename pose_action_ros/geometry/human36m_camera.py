"""The camera of Human3.6M as its annotations serialise it: world millimetres to (u, v, depth).

Source: the authors' release (branch cvpr18, `deephar/utils/camera.py`). The inverse takes one
step, as theirs does, so that errors in millimetres are theirs too; a round trip is off by
hundredths of a millimetre.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ['Human36mCamera']


@dataclass(frozen=True, eq=False)
class Human36mCamera:
    """Extrinsics and intrinsics of one Human3.6M camera.

    Attributes:
        rotation: (3, 3) world to camera.
        translation_mm: (3,) position of the camera in the world.
        focal_px: (2,) focal lengths.
        center_px: (2,) principal point.
        tangential: (2,) coefficients p.
        radial: (3,) coefficients k.
    """

    rotation: NDArray[np.float64]
    translation_mm: NDArray[np.float64]
    focal_px: NDArray[np.float64]
    center_px: NDArray[np.float64]
    tangential: NDArray[np.float64]
    radial: NDArray[np.float64]

    @classmethod
    def from_serialised(cls, numbers: ArrayLike) -> Human36mCamera:
        """Read the 21 numbers of an annotation: R by rows, t, f, c, p, k.

        Raises:
            DatasetError: There are not 21 numbers.
        """
        flat = np.asarray(numbers, np.float64).reshape(-1)
        if flat.size != 21:
            raise DatasetError(f'a Human3.6M camera has 21 numbers; found {flat.size}')
        rotation, translation, focal, center, tangential, radial = np.split(
            flat, (9, 12, 14, 16, 18)
        )
        return cls(rotation.reshape(3, 3), translation, focal, center, tangential, radial)

    def project(self, points_world_mm: ArrayLike) -> NDArray[np.float64]:
        """Project world points.

        Args:
            points_world_mm: (..., 3).

        Returns:
            (..., 3) float64: u, v in pixels and the depth z in millimetres.
        """
        points = np.asarray(points_world_mm, np.float64) - self.translation_mm
        camera = points @ self.rotation.T
        depth = camera[..., 2:]
        bent = self._bent(camera[..., :2] / depth)
        return np.concatenate([bent * self.focal_px + self.center_px, depth], axis=-1)

    def back_project(self, points_uvd: ArrayLike) -> NDArray[np.float64]:
        """Invert `project` in one step.

        Args:
            points_uvd: (..., 3): u, v in pixels, z in millimetres.

        Returns:
            (..., 3) float64 world points in millimetres.
        """
        uvd = np.asarray(points_uvd, np.float64)
        bent = (uvd[..., :2] - self.center_px) / self.focal_px
        squared, scale = self._terms(bent)
        plane = (bent - self.tangential * squared) / scale
        camera = np.concatenate([plane * uvd[..., 2:], uvd[..., 2:]], axis=-1)
        return camera @ self.rotation + self.translation_mm

    def _bent(self, plane: NDArray[np.float64]) -> NDArray[np.float64]:
        squared, scale = self._terms(plane)
        return plane * scale + self.tangential * squared

    def _terms(
        self, plane: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Squared radius and the factor a of the model, both (..., 1)."""
        squared = (plane**2).sum(axis=-1, keepdims=True)
        powers = np.concatenate([squared, squared**2, squared**3], axis=-1)
        radial = 1.0 + (powers * self.radial).sum(axis=-1, keepdims=True)
        return squared, radial + (plane * self.tangential).sum(axis=-1, keepdims=True)
