"""Reads a Keras 2 `save_weights` file (HDF5) in a separate process.

The HDF5 library is written in C, and a damaged or hostile file can crash it. Then this process
ends and the caller gets an error. Links to other files, virtual data sets, foreign filters and
absurd sizes are refused; nothing is executed. Run as `python keras_file.py IN.h5 OUT.npz`; imports
no other module of this package, so that it starts fast.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ['MAX_BYTES', 'read_keras_groups']

MAX_BYTES = 1 << 30
"""Largest sum of arrays that is read; the largest released file has 68 MB."""

_REFUSED = 3
_SIGNATURE = b'\x89HDF\r\n\x1a\n'
_TIMEOUT_S = 120
_HARMLESS_FILTERS = {1, 2, 3, 32000}  # deflate, shuffle, fletcher32, lzf


def read_keras_groups(path: Path) -> dict[str, list[NDArray[np.float32]]]:
    """Read all arrays of a file.

    Args:
        path: An HDF5 file.

    Returns:
        Group name to its arrays, both in the file's order; groups without arrays are skipped.

    Raises:
        ValueError: The file is missing, damaged or not laid out as Keras does; the message has the
            reason.
    """
    if not path.is_file():
        raise ValueError('there is no such file')
    with path.open('rb') as file:
        if file.read(len(_SIGNATURE)) != _SIGNATURE:
            raise ValueError('it is not an HDF5 file; give the Keras weights of the authors (.h5)')
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / 'arrays.npz'
        command = [sys.executable, '-P' if sys.version_info >= (3, 11) else '-s', __file__]
        try:
            child = subprocess.run(
                [*command, str(path), str(copied)],
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ValueError('the HDF5 library does not finish reading it') from None
        if child.returncode == _REFUSED:
            raise ValueError(child.stderr.strip())
        if child.returncode != 0:
            raise ValueError(
                f'the HDF5 library fails on it (exit status {child.returncode}): the file is '
                f'damaged. {child.stderr.strip()[-300:]}'
            )
        groups: dict[str, list[NDArray[np.float32]]] = {}
        with np.load(copied, allow_pickle=False) as arrays:
            names = [str(name) for name in arrays['names']]
            for index, name in enumerate(names):
                groups.setdefault(name, []).append(arrays[f'array{index}'])
    return groups


def _copy(source: str, target: str) -> None:
    import h5py  # only in the child, so that a hostile file can't crash the parent

    names: list[str] = []
    arrays: dict[str, Any] = {}
    total = 0
    with h5py.File(source, 'r') as file:
        root = file
        if 'layer_names' not in file.attrs and 'model_weights' in file:
            # Written by `save` instead of `save_weights`.
            root = _hard_link(file, 'model_weights', 'group model_weights')
        for layer in _texts(root, 'layer_names'):
            group = _hard_link(root, layer, f'group {layer}')
            for position, weight in enumerate(_texts(group, 'weight_names')):
                dataset = _dataset(group, weight, f'array {position} of group {layer} ({weight})')
                total += dataset.size * 8
                if total > MAX_BYTES:
                    raise ValueError(f'its arrays take more than {MAX_BYTES >> 20} MiB')
                arrays[f'array{len(names)}'] = np.asarray(dataset[()], np.float32)
                names.append(layer)
    np.savez(target, names=np.array(names, dtype=np.str_), **arrays)


def _texts(node: Any, attribute: str) -> list[str]:
    if attribute not in node.attrs:
        raise ValueError(f'{node.name} has no attribute {attribute}: not a Keras weights file')
    values = np.asarray(node.attrs[attribute]).ravel()
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _hard_link(node: Any, path: str, shown: str) -> Any:
    """Walk down by hard links only: other links may lead into other files."""
    import h5py

    for part in path.split('/'):
        link = node.get(part, getlink=True) if hasattr(node, 'get') else None
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f'{shown} is missing, or a link to elsewhere')
        node = node[part]
    return node


def _dataset(group: Any, weight: str, shown: str) -> Any:
    import h5py

    dataset = _hard_link(group, weight, shown)
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind != 'f':
        raise ValueError(f'{shown} is not an array of floats')
    if dataset.is_virtual or dataset.external:
        raise ValueError(f'{shown} takes its values from another file')
    creation = dataset.id.get_create_plist()
    filters = {creation.get_filter(i)[0] for i in range(creation.get_nfilters())}
    if not filters <= _HARMLESS_FILTERS:
        raise ValueError(f'{shown} needs the HDF5 filters {filters}; re-save it without them')
    return dataset


if __name__ == '__main__':
    try:
        _copy(sys.argv[1], sys.argv[2])
    except Exception as error:  # the caller reports it
        sys.stderr.write(f'{error}\n')
        sys.exit(_REFUSED)
