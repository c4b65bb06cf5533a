"""The conversion of `sensor_msgs/CameraInfo` to a camera, and back.

No message raises an error. An unusable calibration has a reason, and poses continue without a
camera. Sources: REP 104; the coefficients have the meanings of OpenCV and image_geometry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.geometry import Camera

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pose_action_ros.messages.maker import MessageMaker

__all__ = ['NO_CALIBRATION', 'Calibration', 'calibration_from_msg', 'camera_to_msg']

_ASPECT_TOLERANCE = 0.01
"""Relative; sizes are whole pixels, and 848 x 480 counts as 16:9."""


@dataclass(frozen=True)
class Calibration:
    """The calibration of a camera.

    Attributes:
        camera: The camera of the image as it is sent; None if it is not known.
        problem: The reason if there is no camera; otherwise empty.
        note: Change of the calibration to fit the image; empty if it fits.
    """

    camera: Camera | None
    problem: str = ''
    note: str = ''

    def for_image(self, width: int, height: int) -> Calibration:
        """Return the calibration of an image of this size.

        A calibration of another size and the same aspect is scaled; one of another aspect can't
        be used, because nobody knows which part of the sensor the image shows.

        Args:
            width: Columns of the image at hand, pixels.
            height: Its rows.
        """
        return _fitted(self, width, height)


NO_CALIBRATION = Calibration(None, 'no CameraInfo has come')
"""Before the first message."""


def calibration_from_msg(info: Any, *, rectified: bool = False) -> Calibration:
    """Return the calibration of a CameraInfo; never raises.

    The calibration describes the full sensor; binning and region of interest are applied here
    (REP 104). Width and height 0 mean that the size is unknown.

    Args:
        info: A `sensor_msgs/CameraInfo`, of rclpy or of a recording.
        rectified: The image is rectified: P holds and nothing is distorted; K may be zero.
    """
    matrix, row, name = (info.p, 4, 'P') if rectified else (info.k, 3, 'K')
    if not _finite(info.k, info.d, info.r, info.p):
        return Calibration(None, 'CameraInfo has numbers that are not finite; calibrate again')
    fx, fy, cx, cy = (float(matrix[index]) for index in (0, row + 1, 2, row + 2))
    if fx == 0.0:
        hint = 'is image_rectified right?' if rectified and info.k[0] else 'calibrate the camera'
        return Calibration(None, f'CameraInfo is uncalibrated ({name}[0] == 0); {hint}')
    size = (info.width, info.height) if info.width and info.height else (0, 0)
    lens = ((), '') if rectified else (tuple(map(float, info.d)), info.distortion_model)
    roi = info.roi
    try:
        camera = Camera(*(fx, fy, cx, cy), *size, *lens)
        if roi.width and roi.height:
            camera = camera.cropped(roi.x_offset, roi.y_offset, roi.width, roi.height)
        return Calibration(camera.binned(info.binning_x, info.binning_y))
    except ConfigError as error:
        return Calibration(None, f'CameraInfo cannot be used: {error}')


def camera_to_msg(make: MessageMaker, camera: Camera, header: Any) -> Any:
    """Return the CameraInfo of a camera; an undistorted one gets five zeros of `plumb_bob`."""
    fx, fy, cx, cy = camera.fx, camera.fy, camera.cx, camera.cy
    return make(
        'sensor_msgs/CameraInfo',
        header=header,
        width=camera.width,
        height=camera.height,
        distortion_model=camera.distortion_model or 'plumb_bob',
        d=list(camera.distortion) or [0.0] * 5,
        k=[fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


@lru_cache(maxsize=8)
def _fitted(calibration: Calibration, width: int, height: int) -> Calibration:
    camera = calibration.camera
    if camera is None or (camera.width, camera.height) == (width, height):
        return calibration
    if not camera.width:
        return replace(calibration, camera=replace(camera, width=width, height=height))
    sizes = f'CameraInfo is of {camera.width} x {camera.height}, the image {width} x {height}'
    aspect = (width * camera.height) / (height * camera.width)
    if abs(aspect - 1.0) > _ASPECT_TOLERANCE:
        return Calibration(
            None, f'{sizes}: another aspect ratio, so it is refused; calibrate at that size'
        )
    try:
        scaled = camera.scaled(width, height)
    except ConfigError as error:
        return Calibration(None, f'{sizes}: it cannot be scaled to the image: {error}')
    return Calibration(scaled, note=f'{sizes}: it is scaled to the image')


def _finite(*arrays: Iterable[float]) -> bool:
    return all(math.isfinite(number) for array in arrays for number in array)
