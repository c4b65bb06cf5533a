"""Whole pictures with boxes of people, the training data of the finder.

Owns: `PeopleScene`; its readers for photographs, simulated scenes and pictures without people; and
`compose`, which arranges scenes, scaled and mirrored, on one canvas.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.paths import visible_files
from pose_action_ros.data.files import read_picture, require_folder
from pose_action_ros.data.photographs import BODY_JOINTS
from pose_action_ros.simulation.company import SimulatedCompany
from pose_action_ros.simulation.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.data.photographs import Person, Photographs

    Image = NDArray[np.uint8]

__all__ = ['PeopleScene', 'compose', 'empty_scenes', 'photograph_scenes', 'simulated_scenes']

_KEPT_PX = 384  # longer side of a picture in memory
_SIZE = (320, 240)  # of simulated scenes
_MOST = 6  # simulated actors
_JOINTS_TO_BODY = 0.06  # by how much of their extent the body reaches beyond its joints
_PANORAMA = 1.9  # from this shape on a picture is cut into windows
_CLEAR, _TRACE = 0.45, 0.1  # shares of a person's area left inside: a person, nobody
_SMALLEST_PX = 12.0  # on the canvas; a smaller person counts neither as person nor background


@dataclass(frozen=True, eq=False)
class PeopleScene:
    """A picture and the people in it.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        corners_px: (N, 4) float32 x1, y1, x2, y2 of each person.
        sure: (N,) bool; False for a person too little known or visible for training.
        complete: (H, W) bool, True where every person is annotated, even the smallest; or one
            value for all.
    """

    image: Image
    corners_px: NDArray[np.float32]
    sure: NDArray[np.bool_]
    complete: NDArray[np.bool_]


def photograph_scenes(
    library: Photographs, *, complete: bool, min_joints: int = 3
) -> Iterator[tuple[str, PeopleScene]]:
    """Read the photographs of a library, shrunk to at most 384 pixels.

    Args:
        library: Its `everybody` are the people.
        complete: Everybody is annotated; otherwise people without key points, such as small
            figures, are not.
        min_joints: Somebody with fewer body joints is not `sure`.

    Yields:
        The data set's name of each photograph, and the scene.

    Raises:
        DatasetError: A picture is missing or damaged.
    """
    people: dict[str, list[Person]] = {}
    for person in library.everybody:
        people.setdefault(person.title, []).append(person)
    for title in sorted(people):
        image = read_picture(people[title][0].image)
        corners = np.array([person.corners_px for person in people[title]], np.float32)
        known = np.isfinite(corners).all(-1)
        sure = [known[i] and _is_sure(p, min_joints) for i, p in enumerate(people[title])]
        yield (
            title,
            _shrunk(
                PeopleScene(
                    image, np.nan_to_num(corners), np.array(sure, bool), np.array(complete, bool)
                )
            ),
        )


def simulated_scenes(
    split: int, count: int, photographs: Sequence[Path] = ()
) -> Iterator[PeopleScene]:
    """Film scenes with up to six actors, one moment each; one scene in eight is empty.

    Args:
        split: Number of the split; each has its own actors and places.
        count: How many scenes.
        photographs: Pictures to use as backdrops beside the drawn ones.
    """
    for index in range(count):
        seed = 1_000_000 * (split + 1) + index
        rng = np.random.default_rng([seed, 0x5343])
        people = int(rng.integers(-1, 2 * _MOST) // 2 + 1) if rng.random() > 1 / 8 else 0
        if not people:
            image = Scene(rng, *_SIZE).draw_backdrop(photographs)
            corners, seen = np.zeros((0, 17, 2), np.float32), np.zeros((0, 17), bool)
        else:
            company = SimulatedCompany(seed, min(people, _MOST), *_SIZE, photographs)
            frame = company.frame(float(rng.uniform(0.0, 12.0)))
            image, corners, seen = frame.image_rgb, frame.joints_image_px, frame.visible
        low, high = corners.min(1), corners.max(1)
        reach = _JOINTS_TO_BODY * (high - low).max(-1, keepdims=True)
        boxes = np.concatenate([low - reach, high + reach], -1)
        yield _inside(
            PeopleScene(image, boxes, seen.sum(-1) >= len(BODY_JOINTS) // 3, np.array(True))
        )


def _any_picture(path: Path) -> Any:
    """Return the pixels in OpenCV's order, of high dynamic range too; None if there are none."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
        return cv2.imdecode(data, cv2.IMREAD_UNCHANGED | cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None


def empty_scenes(folder: Path) -> list[PeopleScene]:
    """Read pictures without people; panoramas are cut into windows of 4 to 3.

    Raises:
        DatasetError: There is no such folder, or no picture in it.
    """
    scenes = []
    for path in visible_files(require_folder(folder, 'pictures without people'), '**/*'):
        if not path.is_file():
            continue
        picture = _any_picture(path)
        if picture is None:
            continue
        image = cv2.cvtColor(_toned(picture), cv2.COLOR_BGR2RGB)
        for window in _windows(np.asarray(image, np.uint8)):
            nobody = np.zeros((0, 4), np.float32)
            scene = PeopleScene(window, nobody, np.zeros(0, bool), np.array(True))
            scenes.append(_shrunk(scene))
    if not scenes:
        raise DatasetError(f'{folder}: no picture that can be read; expected some without people')
    return scenes


def compose(
    scenes: Sequence[PeopleScene],
    size: tuple[int, int],
    rng: np.random.Generator | None,
    zoom: tuple[float, float] = (0.75, 2.2),
) -> PeopleScene:
    """Arrange scenes on a canvas: one, two beside each other, or four.

    Args:
        scenes: One, two or four.
        size: Width and height of the canvas.
        rng: Decides scale, place and mirroring; None fits each scene into the middle.
        zoom: Smallest and largest scale, as a ratio to the scale at which a scene just fits.

    Returns:
        The canvas; `complete` is (H, W).
    """
    width, height = size
    columns, rows = (1, 1) if len(scenes) == 1 else (2, len(scenes) // 2)
    canvas = np.zeros((height, width, 3), np.uint8)
    complete = np.ones((height, width), bool)
    corners, sure = [], []
    for number, scene in enumerate(scenes):
        x, y = width * (number % columns) // columns, height * (number // columns) // rows
        tile = _placed(scene, (width // columns, height // rows), rng, zoom)
        h, w = tile.image.shape[:2]
        canvas[y : y + h, x : x + w] = tile.image
        complete[y : y + h, x : x + w] = tile.complete
        corners.append(tile.corners_px + np.array([x, y, x, y], np.float32))
        sure.append(tile.sure)
    return PeopleScene(canvas, np.concatenate(corners), np.concatenate(sure), complete)


def _placed(
    scene: PeopleScene,
    size: tuple[int, int],
    rng: np.random.Generator | None,
    zoom: tuple[float, float],
) -> PeopleScene:
    """A scene on a tile of that size."""
    height, width = scene.image.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    slack, flip = np.array([0.5, 0.5]), False
    if rng is not None:
        scale *= float(np.exp(rng.uniform(*np.log(zoom))))
        slack, flip = rng.random(2), bool(rng.random() < 0.5)
    scaled = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = _resized(scene.image, scaled)[:, :: -1 if flip else 1]
    x, y = (np.array(size) - scaled) * slack // 1
    corners = scene.corners_px * np.tile(np.array(scaled) / (width, height), 2)
    if flip:
        corners[:, [0, 2]] = scaled[0] - corners[:, [2, 0]]
    moved = (corners + np.array([x, y, x, y])).astype(np.float32)
    return _inside(replace(scene, image=_pasted(image, int(x), int(y), size), corners_px=moved))


def _pasted(image: Image, x: int, y: int, size: tuple[int, int]) -> Image:
    """A black canvas with the visible part of a picture at x and y."""
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    part = image[max(-y, 0) : size[1] - y, max(-x, 0) : size[0] - x]
    x, y = max(x, 0), max(y, 0)
    canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
    return canvas


def _inside(scene: PeopleScene) -> PeopleScene:
    """The part of each person inside the image; people who are almost outside are dropped."""
    height, width = scene.image.shape[:2]
    corners = scene.corners_px
    clipped = np.clip(corners, 0.0, np.array([width, height, width, height], np.float32))
    clipped = clipped.astype(np.float32)
    share = _area(clipped) / np.maximum(_area(corners), 1e-6)
    kept = share > _TRACE
    large = (clipped[:, 2:] - clipped[:, :2]).max(-1, initial=0.0) >= _SMALLEST_PX
    sure = scene.sure & (share >= _CLEAR) & large
    return replace(scene, corners_px=clipped[kept], sure=sure[kept])


def _area(corners: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray((corners[:, 2:] - corners[:, :2]).prod(-1))


def _is_sure(person: Person, min_joints: int) -> bool:
    return person.body_joints >= min_joints


def _shrunk(scene: PeopleScene) -> PeopleScene:
    height, width = scene.image.shape[:2]
    scale = _KEPT_PX / max(height, width)
    if scale >= 1.0:
        return scene
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    corners = scene.corners_px * np.float32(scale)
    return replace(scene, image=_resized(scene.image, size), corners_px=corners)


def _resized(image: Image, size: tuple[int, int]) -> Image:
    method = cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)


def _toned(picture: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Any picture with eight bits; unlimited brightness is compressed."""
    if picture.dtype == np.uint8:
        return picture.astype(np.uint8)
    light = np.maximum(picture.astype(np.float32), 0.0)
    light = light / max(float(np.percentile(light, 95)), 1e-6)
    return (255.0 * np.clip(light, 0.0, 1.0) ** (1 / 2.2)).astype(np.uint8)


def _windows(image: Image) -> Iterator[Image]:
    """The picture itself, or overlapping windows of a panorama's middle and lower part."""
    height, width = image.shape[:2]
    if width < _PANORAMA * height:
        yield image
        return
    for tall in (0.5, 0.7):
        rows = int(tall * height)
        columns = rows * 4 // 3
        top = int(0.62 * height - rows / 2)
        for left in range(0, width - columns + 1, columns // 2):
            yield np.ascontiguousarray(image[top : top + rows, left : left + columns])
