"""The conversion of `sensor_msgs/CameraInfo` to a camera, and back.

No message raises an error. An unusable calibration has a reason, and poses continue without a
camera. Sources: REP 104; the coefficients have the meanings of OpenCV and image_geometry.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.geometry import Camera

if TYPE_CHECKING:
    from pose_action_ros.messages.maker import MessageMaker

__all__ = ['NO_CALIBRATION', 'Calibration', 'calibration_from_msg', 'camera_to_msg']

_ASPECT_TOLERANCE = 0.01
"""Relative; sizes are whole pixels, and 848 x 480 counts as 16:9."""

_SHORTEST_FOCAL = 0.1
"""Relative to the longer side of the image, as the next. A fisheye lens of 220 degrees whose
circle fills the height of a 21:9 image has 0.11. A lens of 4 mm has 0.006 at 640 x 480 if its
focal length is in millimetres."""

_LONGEST_FOCAL = 100.0
"""0.6 degrees. A camera with a 60-fold zoom has 57."""

_LARGEST_RATIO = 2.5
"""Of the two focal lengths. Images of one field of interlaced video have 2.2."""

_FARTHEST_CENTRE = 1.5
"""Of the principal point from the image's centre, relative to the image's size."""

_LEAST_INVERTIBLE = 0.1
"""Share of the image on which the lens model must have an inverse; of a fisheye it is small."""

_GRID = 9


@dataclass(frozen=True)
class Calibration:
    """The calibration of a camera.

    Attributes:
        camera: The camera of the image as it is sent; None if it is not known.
        problem: The reason if there is no camera; otherwise empty.
        note: Change of the calibration to fit the image; empty if it fits.
        whole: The cameras of the full sensor, binned and not; empty if `camera` is one of them.
    """

    camera: Camera | None
    problem: str = ''
    note: str = ''
    whole: tuple[Camera, ...] = ()

    def for_image(self, width: int, height: int) -> Calibration:
        """Return the calibration of an image of this size.

        A region of interest counts only if the image does not have the size of the full sensor. A
        calibration of another size and the same aspect is scaled; one of another aspect can't be
        used, because the part of the sensor in the image is unknown.

        Args:
            width: Columns of the image at hand, pixels.
            height: Its rows.
        """
        return _fitted(self, width, height)


NO_CALIBRATION = Calibration(None, 'no CameraInfo has arrived')
"""Before the first message."""


def calibration_from_msg(info: Any, *, rectified: bool = False) -> Calibration:
    """Return the calibration of a CameraInfo; never raises.

    The calibration describes the full sensor; binning and region of interest are applied here
    (REP 104). Width and height 0 mean that the size is unknown. A region that is not on the
    sensor is ignored.

    Args:
        info: A `sensor_msgs/CameraInfo`, of rclpy or of a recording.
        rectified: The image is rectified: P holds and nothing is distorted; K may be zero.
    """
    matrix, row, name = (info.p, 4, 'P') if rectified else (info.k, 3, 'K')
    arrays = {'K': info.k, 'D': info.d, 'R': info.r, 'P': info.p}
    broken = [field for field, numbers in arrays.items() if not np.isfinite(numbers).all()]
    if broken:
        names = ', '.join(broken)
        return Calibration(
            None, f'CameraInfo has numbers in {names} that are not finite; calibrate again'
        )
    fx, fy, cx, cy = (float(matrix[index]) for index in (0, row + 1, 2, row + 2))
    if fx == 0.0:
        other = info.k if rectified else info.p
        hint = 'is image_rectified right?' if other[0] else 'calibrate the camera'
        return Calibration(None, f'CameraInfo is uncalibrated ({name}[0] == 0); {hint}')
    size = (info.width, info.height) if info.width and info.height else (0, 0)
    lens = ((), '') if rectified else (tuple(map(float, info.d)), info.distortion_model)
    binning = (info.binning_x, info.binning_y)
    try:
        sensor = Camera(*(fx, fy, cx, cy), *size, *lens)
        if sensor.width:
            _check_plausible(sensor)
        part, binned = _cropped(sensor, info.roi), sensor.binned(*binning)
        whole = () if part is sensor else tuple(dict.fromkeys((binned, sensor)))
        return Calibration(part.binned(*binning), whole=whole)
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
    if calibration.camera is None:
        return calibration
    try:
        fitted = _of_size(calibration.camera, calibration.whole, width, height)
        if fitted.camera is not None:
            _check_invertible(fitted.camera)
    except ConfigError as error:
        return Calibration(None, f'CameraInfo cannot be used: {error}')
    return fitted


def _of_size(camera: Camera, whole: tuple[Camera, ...], width: int, height: int) -> Calibration:
    size = (camera.width, camera.height)
    if size == (width, height):
        return Calibration(camera)
    if not camera.width:
        camera = replace(camera, width=width, height=height)
        _check_plausible(camera)
        return Calibration(camera)
    sizes = f'CameraInfo is of {size[0]} x {size[1]}, the image {width} x {height}'
    for other in whole:
        if (other.width, other.height) == (width, height):
            return Calibration(
                other, note=f'{sizes}, as the full sensor: its region of interest is not applied'
            )
    aspect = (width * camera.height) / (height * camera.width)
    if abs(aspect - 1.0) > _ASPECT_TOLERANCE:
        return Calibration(
            None, f'{sizes}: another aspect ratio, so it is refused; calibrate at that size'
        )
    return Calibration(camera.scaled(width, height), note=f'{sizes}: it is scaled to the image')


def _cropped(sensor: Camera, roi: Any) -> Camera:
    """Return the camera of a region of the sensor; that of the sensor if there is none."""
    right, bottom = roi.x_offset + roi.width, roi.y_offset + roi.height
    is_off = sensor.width > 0 and (right > sensor.width or bottom > sensor.height)
    if is_off or not (roi.width and roi.height):
        return sensor
    if (roi.width, roi.height) == (sensor.width, sensor.height):
        return sensor
    return sensor.cropped(roi.x_offset, roi.y_offset, roi.width, roi.height)


def _check_plausible(sensor: Camera) -> None:
    """Refuse numbers that are not in pixels, or belong to no image of this size.

    Raises:
        ConfigError: With the numbers and the size.
    """
    width, height, fx, fy = sensor.width, sensor.height, sensor.fx, sensor.fy
    size, side = f'an image of {width} x {height}', max(width, height)
    shorter, longer = sorted((fx, fy))
    lengths = f'the focal lengths {fx:.3g} and {fy:.3g}'
    if longer < _SHORTEST_FOCAL * side:
        raise ConfigError(f'{lengths} are too short for {size}; expected pixels')
    if longer > _LONGEST_FOCAL * side:
        raise ConfigError(f'{lengths} are too long for {size}; expected pixels')
    if longer > _LARGEST_RATIO * shorter:
        raise ConfigError(f'{lengths} do not belong to one lens; calibrate again')
    if sensor.cx == sensor.cy == 0.0:
        raise ConfigError(
            f'the principal point is (0, 0), the corner of {size}; fill K and P row by row'
        )
    off_x, off_y = abs(sensor.cx / width - 0.5), abs(sensor.cy / height - 0.5)
    if max(off_x, off_y) > _FARTHEST_CENTRE:
        raise ConfigError(
            f'the principal point ({sensor.cx:.4g}, {sensor.cy:.4g}) is far outside {size}; '
            'calibrate again'
        )


def _check_invertible(camera: Camera) -> None:
    """Refuse a lens model without an inverse: no pixel would have a place in space.

    Raises:
        ConfigError: With the share of the image that has one.
    """
    columns, rows = np.linspace(0, camera.width, _GRID), np.linspace(0, camera.height, _GRID)
    rays = camera.rays(np.stack(np.meshgrid(columns, rows), axis=-1))
    share = float(np.isfinite(rays).all(axis=-1).mean())
    if share < _LEAST_INVERTIBLE:
        raise ConfigError(
            f'its lens model has an inverse on only {share:.0%} of the image; calibrate again'
        )
