"""The fast cache of a data set: the used region of each recording, scaled down, in one file.

For each recording, the region that its varied windows can cover is cut out and scaled down as far
as the closest zoom of training allows. The JPEGs follow one another in `TITLE.jpgs`, with their
positions in `TITLE.json`. `extent.json` has the range of the windows, and training with a larger
range is an error, because its windows would contain black. A recording whose `.json` exists is
complete, so preparation can be interrupted and continued. Annotations are still read from the data
set itself.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from pose_action_ros.core.errors import ConfigError, DatasetError, ImageError
from pose_action_ros.core.paths import written_whole
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.data.augment import Extent
from pose_action_ros.data.windows import union_box
from pose_action_ros.geometry.crop import CROP_PX
from pose_action_ros.geometry.image import decode_compressed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pose_action_ros.data.augment import Drawn
    from pose_action_ros.data.recorded import Library, Track

__all__ = [
    'PreparedLibrary',
    'is_prepared',
    'prepare_recording',
    'require_extent',
    'start_cache',
]

_EXTENT = 'extent.json'
_MAX_SIDE_PX = 20_000  # of a region: 1.2 GB
_QUALITY = 92
_AT_ONCE = 64  # frames in memory


@dataclass(frozen=True)
class _Place:
    """The position of a recording's pictures in the cache, and the region that they show."""

    left: int
    top: int
    ratio: float  # pixels of the cache per pixel of the original
    offsets: dict[int, tuple[int, int]]  # frame to first byte and number of bytes


class PreparedLibrary:
    """A library whose pictures come from the cache; see `data.recorded.Library`.

    Args:
        library: The data set itself, for everything but pictures.
        folder: The cache, one folder per split.

    Raises:
        DatasetError: There is no such folder.
    """

    def __init__(self, library: Library, folder: Path) -> None:
        if not folder.is_dir():
            raise DatasetError(f'{folder}: no such cache; make it with `pose-action data prepare`')
        self._library = library
        self._folder = folder
        self.extent = _stored_extent(folder)
        self.name = library.name
        self.skeleton = library.skeleton
        self.actions = library.actions
        self.stride = library.stride
        self.every = library.every
        self.skipped = library.skipped

    def __len__(self) -> int:
        return len(self._library)

    def title(self, index: int) -> str:
        """Return the data set's own name of a recording."""
        return self._library.title(index)

    def length(self, index: int) -> int:
        """Return its number of frames."""
        return self._library.length(index)

    def action(self, index: int) -> int:
        """Return its class, -1 if there is none."""
        return self._library.action(index)

    def track(self, index: int, frames: Sequence[int]) -> Track:
        """Return the person in the pixels of the cache."""
        place = _place(self._path(index).with_suffix('.json'))
        found = self._library.track(index, frames)
        corner = np.array([place.left, place.top])
        fx, fy, cx, cy = found.intrinsics
        box = found.box
        return replace(
            found,
            joints_image_px=(found.joints_image_px - corner) * place.ratio,
            box=PersonBox(
                (box.center_x - place.left) * place.ratio,
                (box.center_y - place.top) * place.ratio,
                box.size * place.ratio,
            ),
            intrinsics=(
                fx * place.ratio,
                fy * place.ratio,
                (cx - place.left) * place.ratio,
                (cy - place.top) * place.ratio,
            ),
            shift_px=found.shift_px * place.ratio,
        )

    def images(self, index: int, frames: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Return the frames; raises DatasetError if one is missing or damaged."""
        path = self._path(index)
        place = _place(path.with_suffix('.json'))
        missing = [frame for frame in frames if frame not in place.offsets]
        if missing:
            raise DatasetError(f'{path} does not hold frame {missing[0]}; prepare it again')
        found = []
        try:
            with path.open('rb') as file:
                for frame in frames:
                    start, count = place.offsets[frame]
                    file.seek(start)
                    found.append(decode_compressed(file.read(count)))
        except (OSError, ImageError) as error:
            raise DatasetError(f'{path} cannot be read: {error}') from error
        return found

    def _path(self, index: int) -> Path:
        return _path(self._folder, self.title(index), index)


def is_prepared(folder: Path, library: Library, index: int) -> bool:
    """Return whether a recording is complete in the cache of its split."""
    return _path(folder, library.title(index), index).with_suffix('.json').exists()


def start_cache(folder: Path, extent: Extent) -> Extent:
    """Create the folder of a split, or continue one that shows at least as much.

    Args:
        folder: The cache of the split.
        extent: The range of the training windows.

    Returns:
        The range of windows that the cache allows.

    Raises:
        DatasetError: The folder holds a cache that shows less.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stored = _stored_extent(folder)
    if stored is None and any(folder.iterdir()):
        raise DatasetError(f'{folder} holds a cache of an older version; choose another folder')
    if stored is None:
        text = json.dumps(asdict(extent), indent=2)
        (folder / _EXTENT).write_text(text + '\n', encoding='utf-8')
        return extent
    if not stored.holds(extent):
        raise DatasetError(
            f'{folder} was made for windows within {stored}; found {extent}: choose another folder'
        )
    return stored


def require_extent(library: Any, ranges: Drawn | None) -> None:
    """Refuse to train on a cache with windows that reach beyond what it shows.

    Args:
        library: A data set; only a cache can show too little.
        ranges: The source of the training windows.

    Raises:
        ConfigError: The cache shows less.
    """
    if ranges is None or not isinstance(library, PreparedLibrary):
        return
    if library.extent is None or not library.extent.holds(ranges.extent):
        raise ConfigError(
            f'the cache of {library.name} shows windows within {library.extent}, training has '
            f'{ranges.extent}; make it again with `pose-action data prepare --augmentation ...`, '
            'or reduce data.options.augmentation'
        )


def prepare_recording(folder: Path, library: Library, index: int, extent: Extent) -> int:
    """Write a recording into the cache.

    Args:
        folder: The cache of the split.
        library: The split.
        index: Number of the recording.
        extent: The range of the training windows.

    Returns:
        Number of bytes.

    Raises:
        DatasetError: A file of the data set is missing or damaged, or a window is absurdly large.
    """
    path = _path(folder, library.title(index), index)
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = list(range(0, library.length(index), library.every or 1))
    tracks = [library.track(index, [frame]) for frame in frames]
    boxes = [track.box for track in tracks]
    region = union_box([extent.region(track.box, track.shift_px) for track in tracks])
    if not region.size <= _MAX_SIDE_PX:
        raise DatasetError(
            f'{library.title(index)}: its windows cover {region.size:.0f} pixels, expected '
            f'{_MAX_SIDE_PX} at most; correct its annotation'
        )
    side = int(np.ceil(region.size))
    left, top = (int(np.floor(c - side / 2)) for c in (region.center_x, region.center_y))
    # As many pixels as the closest window needs, but no more than the original has.
    wanted = CROP_PX / (extent.smallest * min(box.size for box in boxes))
    small = max(1, round(side * min(1.0, wanted)))
    offsets: dict[int, tuple[int, int]] = {}
    with written_whole(path) as part, part.open('wb') as file:
        for at in range(0, len(frames), _AT_ONCE):
            chosen = frames[at : at + _AT_ONCE]
            for frame, image in zip(chosen, library.images(index, chosen), strict=True):
                data = _encoded(_region(image, left, top, side), small)
                offsets[frame] = (file.tell(), len(data))
                file.write(data)
        size = file.tell()
    values = {'left': left, 'top': top, 'ratio': small / side, 'offsets': list(offsets.items())}
    with written_whole(path.with_suffix('.json')) as part:
        part.write_text(json.dumps(values), encoding='utf-8')
    return size


def _stored_extent(folder: Path) -> Extent | None:
    """Return the range of the windows of a cache; None if it is not noted."""
    path = folder / _EXTENT
    try:
        return Extent(**json.loads(path.read_text(encoding='utf-8')))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise DatasetError(f'{path} cannot be read ({error}); choose another folder') from error


def _path(folder: Path, title: str, index: int) -> Path:
    """One folder per thousand recordings; a picture of MPII may show several persons."""
    return folder / f'{index // 1000:04d}' / f'{index:06d}_{Path(title).stem}.jpgs'


@lru_cache(maxsize=4096)
def _place(path: Path) -> _Place:
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
        offsets = {frame: (start, count) for frame, (start, count) in values['offsets']}
        return _Place(values['left'], values['top'], values['ratio'], offsets)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f'{path} cannot be read ({error}); run `pose-action data prepare` again'
        ) from error


def _region(image: NDArray[np.uint8], left: int, top: int, side: int) -> NDArray[np.uint8]:
    """A square part of an image, black outside the image."""
    height, width = image.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = max(min(left + side, width), x0), max(min(top + side, height), y0)
    out = np.zeros((side, side, 3), np.uint8)
    out[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return out


def _encoded(image: NDArray[np.uint8], side: int) -> bytes:
    if side != len(image):
        image = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    return bytes(cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1])
