"""A pinhole camera with a lens: metres in the optical frame to pixels and back.

Owns: `Camera`, the intrinsics of one image as `sensor_msgs/CameraInfo` describes them. Frame:
x right, y down, z forward (REP 103, optical). Pixel (0, 0) is the centre of the first pixel, as
in OpenCV and ROS. Human3.6M's own camera is in `human36m_camera.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.geometry.distortion import Distortion, find_distortion

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ['Camera']


@dataclass(frozen=True)
class Camera:
    """Intrinsics of the image at hand.

    Attributes:
        fx: Focal length along columns, pixels.
        fy: Focal length along rows, pixels.
        cx: Column of the principal point, pixels.
        cy: Row of the principal point, pixels.
        width: Columns of the image; 0, as `height`, where its size is unknown.
        height: Rows of the image.
        distortion: Coefficients (`CameraInfo.d`); empty for a rectified image.
        distortion_model: As `find_distortion` knows it.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    distortion: tuple[float, ...] = ()
    distortion_model: str = ''

    def __post_init__(self) -> None:
        """Refuse impossible cameras.

        Raises:
            ConfigError: Intrinsics are not finite, focal lengths or sizes not positive, or the
                distortion model is unknown.
        """
        numbers = (self.fx, self.fy, self.cx, self.cy, *self.distortion)
        if not all(math.isfinite(number) for number in numbers):
            raise ConfigError(f'camera intrinsics must be finite; found {self}')
        if self.fx <= 0.0 or self.fy <= 0.0:
            raise ConfigError(
                f'focal lengths must be > 0; found fx {self.fx}, fy {self.fy}: the camera is '
                'uncalibrated (K[0] is 0), so calibrate it or continue without a camera'
            )
        known = self.width > 0 and self.height > 0
        if not known and (self.width, self.height) != (0, 0):
            raise ConfigError(
                f'found an image of {self.width} x {self.height}; expected >= 1 x 1, or 0 x 0 '
                'where its size is unknown'
            )
        _ = self._lens  # an unknown model is an error here, not at the first point

    @classmethod
    def from_field_of_view(cls, width: int, height: int, fov_deg: float) -> Camera:
        """Return an ideal camera from its horizontal field of view.

        Args:
            width: Columns.
            height: Rows.
            fov_deg: Angle between the left and right edge of the image, 0 to 180 (exclusive).

        Raises:
            ConfigError: The angle is out of range.
        """
        if not 0.0 < fov_deg < 180.0:
            raise ConfigError(f'field of view must lie between 0 and 180 degrees; got {fov_deg}')
        focal = width / 2.0 / math.tan(math.radians(fov_deg) / 2.0)
        return cls(focal, focal, (width - 1) / 2.0, (height - 1) / 2.0, width, height)

    def project(self, points_camera_m: ArrayLike) -> NDArray[np.float64]:
        """Project points into the image.

        Args:
            points_camera_m: (..., 3) metres, optical frame.

        Returns:
            (..., 2) float64 pixels, unbounded; NaN for points at or behind the camera's plane.
        """
        points = np.asarray(points_camera_m, np.float64)
        depth = np.where(points[..., 2:] > 0.0, points[..., 2:], np.nan)
        ideal = points[..., :2] / depth
        with np.errstate(all='ignore'):  # any finite coefficients may come
            return self._lens.distort(ideal) * (self.fx, self.fy) + (self.cx, self.cy)

    def rays(self, points_px: ArrayLike) -> NDArray[np.float64]:
        """Return the points where the rays of pixels cross the plane z = 1.

        Args:
            points_px: (..., 2) pixels.

        Returns:
            (..., 2) float64, x / z and y / z without distortion; NaN if the lens model can
            not be inverted.
        """
        points = np.asarray(points_px, np.float64)
        with np.errstate(all='ignore'):  # any finite coefficients may come
            rays = self._lens.undistort((points - (self.cx, self.cy)) / (self.fx, self.fy))
        return np.where(np.isfinite(rays), rays, np.nan)

    def back_project(self, points_px: ArrayLike, depth_m: ArrayLike) -> NDArray[np.float64]:
        """Lift pixels of known depth into space.

        Args:
            points_px: (..., 2) pixels.
            depth_m: (...) z in metres (not the length of the ray), broadcast.

        Returns:
            (..., 3) float64 metres, optical frame.
        """
        rays = self.rays(points_px)
        depth = np.broadcast_to(np.asarray(depth_m, np.float64), rays.shape[:-1])[..., None]
        return np.concatenate([rays * depth, depth], axis=-1)

    def cropped(self, x_offset: int, y_offset: int, width: int, height: int) -> Camera:
        """Return the camera of a window of this image (`CameraInfo.roi`, before binning)."""
        return replace(
            self, cx=self.cx - x_offset, cy=self.cy - y_offset, width=width, height=height
        )

    def binned(self, binning_x: int, binning_y: int) -> Camera:
        """Return the camera after pixels were binned (`CameraInfo.binning_*`; 0 means 1).

        The principal point is divided without a half-pixel term, as `image_geometry` does.
        """
        bx, by = max(1, binning_x), max(1, binning_y)
        return replace(
            self,
            fx=self.fx / bx,
            fy=self.fy / by,
            cx=self.cx / bx,
            cy=self.cy / by,
            width=max(1, self.width // bx) if self.width else 0,
            height=max(1, self.height // by) if self.height else 0,
        )

    def scaled(self, width: int, height: int) -> Camera:
        """Return the camera of this image after it was resized, edge on edge."""
        sx, sy = width / self.width, height / self.height
        return replace(
            self,
            fx=self.fx * sx,
            fy=self.fy * sy,
            cx=(self.cx + 0.5) * sx - 0.5,
            cy=(self.cy + 0.5) * sy - 0.5,
            width=width,
            height=height,
        )

    @cached_property
    def _lens(self) -> Distortion:
        return find_distortion(self.distortion_model, self.distortion)
