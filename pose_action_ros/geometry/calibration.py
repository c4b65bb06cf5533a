"""What is known of a camera, and which camera an image of another size then has.

A calibration that can't be used says why, and poses go on without a camera.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.geometry.camera import Camera

__all__ = ['NO_CALIBRATION', 'Calibration']

_ASPECT_TOLERANCE = 0.01
"""Relative; sizes are whole pixels, and 848 x 480 counts as 16:9."""


@dataclass(frozen=True)
class Calibration:
    """What is known of a camera.

    Attributes:
        camera: The camera of the image as it is sent; None where it is not known.
        problem: Why there is no camera; empty where there is one.
        note: How the calibration was changed to fit the image; empty where it fits.
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
            None, f'{sizes}: another aspect, so it can not be used; calibrate at the size sent'
        )
    try:
        scaled = camera.scaled(width, height)
    except ConfigError as error:
        return Calibration(None, f'{sizes}: it can not be scaled to the image: {error}')
    return Calibration(scaled, note=f'{sizes}: it is scaled to the image')
