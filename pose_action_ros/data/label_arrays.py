"""Arrays of label files, checked: names, and numbers of a shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ['names_in', 'numbers_in', 'whole_numbers_in']


def names_in(path: Path, values: Mapping[str, NDArray[Any]], name: str) -> tuple[str, ...]:
    """Return an array of names.

    Args:
        path: The file, for errors.
        values: Its arrays, from `data.files.read_arrays`.
        name: The array.

    Raises:
        DatasetError: It is not a row of texts.
    """
    array = values[name]
    if array.ndim != 1 or (array.size and array.dtype.kind not in 'US'):
        raise DatasetError(f'{_found(path, name, array)}; expected a row of names')
    return tuple(str(text) for text in array.astype(np.str_))


def numbers_in(
    path: Path, values: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return an array of real numbers, which may be NaN.

    Args:
        path: The file, for errors.
        values: Its arrays.
        name: The array.
        shape: The shape that it must have.

    Raises:
        DatasetError: It has other values or another shape.
    """
    array = values[name]
    if array.shape != shape or array.dtype.kind not in 'iuf':
        raise DatasetError(f'{_found(path, name, array)}; expected numbers of shape {shape}')
    return array.astype(np.float64)


def whole_numbers_in(
    path: Path, values: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """Return an array of whole numbers from 0 to 2**53; arguments and errors as above."""
    numbers = numbers_in(path, values, name, shape)
    good = (numbers >= 0) & (numbers < 2**53)
    if not good.all() or (numbers != np.floor(numbers)).any():
        wrong = numbers[~good | (numbers != np.floor(numbers))][0]
        raise DatasetError(f'{path}: {name} has {wrong}; expected whole numbers from 0')
    return numbers.astype(np.int64)


def _found(path: Path, name: str, array: NDArray[Any]) -> str:
    return f'{path}: found {name} of type {array.dtype} and shape {array.shape}'
