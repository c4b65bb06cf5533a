"""Sources of `camera_node`: simulated actors, a video file, a folder of images, a device.

A source returns the image of a given moment of its film. Files and simulated actors have an image
for any moment, so a slow machine shows fewer images of a film at its right speed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry.camera import Camera
from pose_action_ros.geometry.camera_placement import level_placement
from pose_action_ros.geometry.film import Film
from pose_action_ros.geometry.image_source import (
    FOLDER_RATE_HZ,
    Device,
    ImageFolder,
    is_camera_number,
)
from pose_action_ros.geometry.media import read_picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from pose_action_ros.demo.camera_settings import CameraSettings

__all__ = ['CameraSource', 'Shot', 'TrueActor', 'open_source']


class TrueActor(NamedTuple):
    """The truth of one simulated actor in an image.

    Attributes:
        number: Constant for an actor.
        joints_camera_m: (17, 3) float32, layout pa17j, metres in the camera's optical frame.
        joints_image_px: (17, 2) float32 pixels.
        visible: (17,) bool; inside the image and not hidden.
        action: Label of the motion that is under way.
    """

    number: int
    joints_camera_m: NDArray[np.float32]
    joints_image_px: NDArray[np.float32]
    visible: NDArray[np.bool_]
    action: str


@dataclass(frozen=True)
class Shot:
    """One image of a source.

    Attributes:
        image_rgb: (H, W, 3) uint8.
        actors: The simulated actors in the image; empty for other sources.
    """

    image_rgb: NDArray[np.uint8]
    actors: tuple[TrueActor, ...] = ()


class CameraSource(Protocol):
    """A source of images."""

    rate_hz: float
    camera: Camera | None
    placement: NDArray[np.float64]
    """(3, 4) from its optical frame to a world on the ground below it, metres."""

    def shoot(self, time_s: float) -> Shot | None:
        """Return the image of that moment since the start, or None if the film has ended."""


def open_source(settings: CameraSettings) -> CameraSource:
    """Open the source of the setting `source`.

    Raises:
        ImageError: It does not exist or holds no image.
    """
    name = settings.source
    if name == 'synthetic':
        return SyntheticSource(settings)
    if is_camera_number(name):
        return DeviceSource(int(name), settings)
    path = Path(name).expanduser()
    if path.is_dir():
        return FolderSource(path, settings)
    if path.is_file():
        return VideoSource(path, settings)
    raise ImageError(
        f'camera source {name!r} is neither "synthetic", a device number, a video file nor a '
        'folder of images; give an existing path'
    )


class SyntheticSource:
    """Simulated actors; each one performs all actions."""

    def __init__(self, settings: CameraSettings) -> None:
        # This loads torch, so only when it is needed.
        from pose_action_ros.simulation.company import SimulatedCompany, SimulatedRoom

        self.rate_hz = settings.rate_hz or 20.0
        seed, size = settings.seed, (settings.width, settings.height)
        self._film = (
            SimulatedRoom(seed, *size, visitor=settings.visitor)
            if settings.actors == 1
            else SimulatedCompany(seed, settings.actors, *size)
        )
        self.camera: Camera | None = self._film.camera
        self.placement = self._film.placement

    def shoot(self, time_s: float) -> Shot:
        """Render the actors at that moment."""
        frame = self._film.frame(time_s)
        columns = (frame.actors, frame.joints_camera_m, frame.joints_image_px, frame.visible)
        actors = (TrueActor(*row) for row in zip(*columns, frame.actions, strict=True))
        return Shot(frame.image_rgb, tuple(actor for actor in actors if actor.visible.any()))


class FolderSource:
    """A folder of images, in the order of their names; a damaged one is reported and skipped."""

    def __init__(self, folder: Path, settings: CameraSettings) -> None:
        images = ImageFolder(folder, settings.rate_hz or FOLDER_RATE_HZ)
        self._paths, self.rate_hz = images.paths, images.rate_hz
        self._loop = settings.loop
        self.camera = _camera_of(images.size, settings)
        self.placement = level_placement(settings.camera_height_m)

    def shoot(self, time_s: float) -> Shot | None:
        """Read the image of that moment."""
        index = int(time_s * self.rate_hz + 1e-6)
        if index >= len(self._paths) and not self._loop:
            return None
        return Shot(read_picture(self._paths[index % len(self._paths)]))


class VideoSource:
    """A video file, in its own time; frames that the moment has passed are skipped."""

    def __init__(self, path: Path, settings: CameraSettings) -> None:
        self._film = Film(path)
        self._loop = settings.loop
        self.rate_hz = settings.rate_hz or self._film.rate_hz
        self.camera = _camera_of(self._film.size, settings)
        self.placement = level_placement(settings.camera_height_m)
        self._frames = self._rounds()
        self._shown = next(self._frames)
        self._following = next(self._frames, None)

    def shoot(self, time_s: float) -> Shot | None:
        """Read on to the frame of that moment; the last one is shown for an average period."""
        while self._following is not None and self._following[0] <= time_s + 1e-6:
            self._shown, self._following = self._following, next(self._frames, None)
        if self._following is None and time_s + 1e-6 >= self._shown[0] + 1.0 / self._film.rate_hz:
            return None
        return Shot(self._shown[1])

    def _rounds(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """Times since the start, and images, repeated if the film is looped."""
        start_s = end_s = 0.0
        while True:
            for time_s, image in self._film:
                end_s = start_s + time_s + 1.0 / self._film.rate_hz
                yield start_s + time_s, image
            if not self._loop or end_s <= start_s:  # the file no longer exists
                return
            start_s = end_s


class DeviceSource:
    """A camera of this computer, by number."""

    def __init__(self, number: int, settings: CameraSettings) -> None:
        self._device = Device(number, (settings.width, settings.height))
        self.rate_hz = settings.rate_hz or self._device.rate_hz
        self.camera = _camera_of(self._device.size, settings)
        self.placement = level_placement(settings.camera_height_m)

    def shoot(self, time_s: float) -> Shot:
        """Return the camera's next image, for any requested moment."""
        return Shot(self._device.read())


def _camera_of(size: tuple[int, int], settings: CameraSettings) -> Camera | None:
    if not settings.field_of_view_deg:
        return None
    return Camera.from_field_of_view(*size, settings.field_of_view_deg)
