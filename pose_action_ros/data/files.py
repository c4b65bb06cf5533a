"""Files of recorded data sets: pictures, videos, MATLAB files; errors name the file."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np

from pose_action_ros.core.errors import DatasetError, ImageError
from pose_action_ros.geometry import media

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    'find_one',
    'matlab_items',
    'open_video',
    'read_arrays',
    'read_lines',
    'read_mat',
    'read_picture',
    'read_video',
    'read_whole_video',
    'require_folder',
]

_Read = TypeVar('_Read')
_DAMAGED = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OSError,
    EOFError,
    MemoryError,
    zlib.error,
)


def require_folder(root: Path, what: str) -> Path:
    """Return the folder itself.

    Raises:
        DatasetError: There is no such folder.
    """
    if not root.is_dir():
        raise DatasetError(f'{root}: no such folder; expected {what}, see docs/data.md')
    return root


def find_one(root: Path, names: Sequence[str]) -> Path | None:
    """Return the first of these names that exists in a folder, or None."""
    return next((root / name for name in names if (root / name).exists()), None)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file, stripped, without empty ones.

    Raises:
        DatasetError: The file is missing or is not text.
    """
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f'{path} cannot be read as text: {error}') from error
    return [line.strip() for line in lines if line.strip()]


def read_mat(path: Path, variables: Sequence[str]) -> dict[str, Any]:
    """Read variables of a MATLAB file (up to v7): structs as objects, without axes of length 1.

    Args:
        path: The file.
        variables: Names of variables that it must hold.

    Raises:
        DatasetError: The file is missing, damaged or HDF5 (v7.3), or lacks a variable; or SciPy
            is not installed.
    """
    try:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ImportError as error:
        raise DatasetError(f'{path}: MATLAB files need SciPy; `pip install scipy`') from error
    try:
        values = loadmat(
            str(path),
            variable_names=list(variables),
            struct_as_record=False,
            squeeze_me=True,
            appendmat=False,
        )
    except FileNotFoundError as error:
        raise DatasetError(f'{path}: no such file; see docs/data.md for the layout') from error
    except NotImplementedError as error:
        raise DatasetError(f'{path} is a MATLAB v7.3 file; save it again with -v7') from error
    except (*_DAMAGED, MatReadError) as error:
        raise DatasetError(f'{path} is not a MATLAB file or is damaged: {error}') from error
    missing = [name for name in variables if name not in values]
    if missing:
        raise DatasetError(f'{path} has no variable {", ".join(missing)}; see docs/data.md')
    return {name: values[name] for name in variables}


def read_arrays(
    path: Path, names: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, NDArray[Any]]:
    """Read arrays of a NumPy file (.npz); nothing in it is unpickled.

    Args:
        path: The file.
        names: Arrays that it must hold.
        optional: Arrays that are read if the file has them.

    Raises:
        DatasetError: The file is missing or damaged, or lacks an array.
    """
    try:
        with np.load(path, allow_pickle=False) as values:
            missing = [name for name in names if name not in values]
            if missing:
                raise DatasetError(f'{path} has no array {", ".join(missing)}; see docs/data.md')
            return {name: values[name] for name in (*names, *optional) if name in values}
    except FileNotFoundError as error:
        raise DatasetError(f'{path}: no such file; see docs/data.md for the layout') from error
    except (*_DAMAGED, zipfile.BadZipFile) as error:
        raise DatasetError(f'{path} is not a NumPy file or is damaged: {error}') from error


def matlab_items(value: Any) -> list[Any]:
    """Return the elements of a vector that `read_mat` has read: none, one or many."""
    return list(np.atleast_1d(np.asarray(value, dtype=object)).reshape(-1))


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture as (H, W, 3) uint8 RGB, upright (EXIF).

    Raises:
        DatasetError: The file is missing, damaged or cut short.
    """
    return _read(media.read_picture, path, 'picture')


def open_video(path: Path) -> cv2.VideoCapture:
    """Open a video.

    Raises:
        DatasetError: There is no such file, or it may not be read.
    """
    return _read(media.open_video, path, 'video')


def _read(read: Callable[[Path], _Read], path: Path, kind: str) -> _Read:
    if not path.exists():
        raise DatasetError(f'{path}: no such {kind}, but an annotation belongs to it')
    try:
        return read(path)
    except ImageError as error:
        raise DatasetError(str(error)) from error


def read_video(path: Path, frames: Sequence[int]) -> list[NDArray[np.uint8]]:
    """Return frames of a video as (H, W, 3) uint8 RGB each.

    Frames are decoded one after the other, from the first wanted one.

    Args:
        path: Anything that OpenCV decodes.
        frames: Numbers from 0, in any order, repeats allowed.

    Raises:
        DatasetError: The file is missing or damaged, or ends before a frame.
    """
    wanted, found = sorted(set(frames)), {}
    video = open_video(path)
    try:
        at = wanted[0]
        if at and not video.set(cv2.CAP_PROP_POS_FRAMES, at):
            at = 0
        for number in range(at, wanted[-1] + 1):
            there, image = video.grab(), None
            if there and number in wanted:
                there, image = video.retrieve()
            if not there:
                raise DatasetError(
                    f'{path} cannot be decoded at frame {number} of '
                    f'{int(video.get(cv2.CAP_PROP_FRAME_COUNT))}; it is damaged or cut short'
                )
            if image is not None:
                found[number] = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    finally:
        video.release()
    return [np.asarray(found[number], np.uint8) for number in frames]


def read_whole_video(path: Path, last: int | None = None) -> list[NDArray[np.uint8]]:
    """Return all frames that can be decoded, (H, W, 3) uint8 RGB each.

    Args:
        path: Anything that OpenCV decodes.
        last: The last frame that is wanted; None for all.

    Raises:
        DatasetError: The file is missing, or nothing in it can be decoded.
    """
    video = open_video(path)
    frames: list[NDArray[np.uint8]] = []
    try:
        while last is None or len(frames) <= last:
            there, frame = video.read()
            if not there:
                break
            frames.append(np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8))
    finally:
        video.release()
    if not frames:
        raise DatasetError(f'{path} cannot be decoded; it is missing or damaged')
    return frames
