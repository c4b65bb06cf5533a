"""Sources of images: a film, a folder of images, a picture, or a camera of this computer.

`open_images` chooses the kind. Each yields times in seconds from its start, and RGB images.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from pose_action_ros.core.errors import ImageError
from pose_action_ros.core.paths import visible_files
from pose_action_ros.geometry.film import Film
from pose_action_ros.geometry.media import read_picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = [
    'FOLDER_RATE_HZ',
    'Device',
    'ImageFolder',
    'ImageSource',
    'Picture',
    'image_files',
    'is_camera_number',
    'open_images',
]

FOLDER_RATE_HZ = 10.0
"""Default rate of the images of a folder, Hz."""

_ENDINGS = {'.bmp', '.jpeg', '.jpg', '.png', '.webp'}
_USUAL_RATE_HZ = 30.0


class ImageSource(Protocol):
    """Images with times; iterating gives seconds from the start, and (H, W, 3) uint8 RGB."""

    @property
    def name(self) -> str:
        """Name for the results."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first image, pixels."""

    @property
    def rate_hz(self) -> float:
        """The average rate."""

    @property
    def count(self) -> int | None:
        """Number of images; None if it is not known."""

    @property
    def problems(self) -> list[str]:
        """Reasons for skipped or missing images, after an iteration."""

    def __iter__(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """Iterate from the first image on."""


class ImageFolder:
    """A folder of images as a film, in the order of their names; damaged ones are skipped.

    Raises:
        ImageError: It holds no image, or none that can be read.
    """

    def __init__(self, folder: Path, rate_hz: float = FOLDER_RATE_HZ) -> None:
        self.name = folder.resolve().name
        self.paths = image_files(folder)
        self.rate_hz, self.count = rate_hz, len(self.paths)
        self.problems: list[str] = []
        self.size = _first_size(self.paths)

    def __iter__(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        self.problems = []
        for number, path in enumerate(self.paths):
            try:
                image = read_picture(path)
            except ImageError as error:
                self.problems.append(str(error))
            else:
                yield number / self.rate_hz, image


class Picture:
    """One picture.

    Raises:
        ImageError: It can't be read.
    """

    rate_hz, count = 1.0, 1

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.problems: list[str] = []
        if _is_animated(path):
            self.problems.append(f'{path} is animated: only its first image is used')
        self.image_rgb = read_picture(path)
        self.size = (self.image_rgb.shape[1], self.image_rgb.shape[0])

    def __iter__(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        yield 0.0, self.image_rgb


class Device:
    """A camera of this computer, by number; it never ends.

    Args:
        number: As OpenCV counts them.
        size: Requested width and height; None: the camera's own.

    Raises:
        ImageError: It does not open, or gives no image.
    """

    count = None

    def __init__(self, number: int, size: tuple[int, int] | None = None) -> None:
        self.name = f'camera_{number}'
        self.problems: list[str] = []
        self._number = number
        self._capture = cv2.VideoCapture(number)
        if not self._capture.isOpened():
            raise ImageError(
                f'camera {number} does not open; is it connected, and free of other programs? '
                '`ls /dev/video*` lists the cameras'
            )
        if size is not None:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        self.rate_hz = self._capture.get(cv2.CAP_PROP_FPS) or _USUAL_RATE_HZ
        height, width = self.read().shape[:2]
        self.size = (width, height)

    def read(self) -> NDArray[np.uint8]:
        """Take the next image, (H, W, 3) uint8 RGB.

        Raises:
            ImageError: There is none.
        """
        there, image = self._capture.read()
        if not there:
            raise ImageError(f'camera {self._number} gives no image; was it unplugged?')
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)

    def __iter__(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        start_s = time.monotonic()
        while True:
            image = self.read()
            yield time.monotonic() - start_s, image


def open_images(name: str) -> ImageSource:
    """Open a camera by its number, or a folder, picture or film by its path.

    Raises:
        ImageError: It does not exist, or holds no image.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return ImageFolder(path)
    if path.suffix.lower() in _ENDINGS:
        return Picture(path)
    if is_camera_number(name) and not path.exists():
        return Device(int(name))
    if path.exists() and not path.is_file():
        raise ImageError(f'{name} is a device; give the number of a camera, such as 0')
    if '://' in name and not path.exists():
        raise ImageError(f'{name} is a URL; give a camera number, a film, a folder or a picture')
    return Film(path)


def is_camera_number(name: str) -> bool:
    """Return whether a source is the number of a camera, unless a file has that name."""
    return name.isascii() and name.isdecimal()


def image_files(folder: Path) -> list[Path]:
    """Return the images of a folder, by name.

    Raises:
        ImageError: There are none.
    """
    paths = [path for path in visible_files(folder) if path.suffix.lower() in _ENDINGS]
    if not paths:
        raise ImageError(f'the folder {folder} holds no image ({", ".join(sorted(_ENDINGS))})')
    return paths


def _is_animated(path: Path) -> bool:
    """Whether a WebP or PNG file says in its head that it holds several images."""
    try:
        with path.open('rb') as file:
            head = file.read(256)
    except OSError:
        return False  # reading its pixels gives the reason
    return b'ANIM' in head if head[8:12] == b'WEBP' else b'acTL' in head


def _first_size(paths: list[Path]) -> tuple[int, int]:
    """Width and height of the first image that can be read."""
    for path in paths:
        try:
            height, width = read_picture(path).shape[:2]
        except ImageError as error:
            problem = error
        else:
            return width, height
    raise problem
