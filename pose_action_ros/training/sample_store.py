"""Samples kept in one file, so that each is rendered, read or computed once.

The file is a memory-mapped NumPy array of records. All processes of a run share it, it may be
larger than the memory, and a resumed run uses it again. This pays because rendering costs more
than a small network's step on the same cores. A crop takes 192 KiB.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pose_action_ros.core.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from pose_action_ros.training.order import SampleSource

__all__ = ['SampleStore', 'StoredSamples']

_FLAG = 'stored'


class SampleStore:
    """A file of `count` records.

    Args:
        path: The file (.npy); created if it is missing.
        count: Number of records.
        example: A sample; all others have the same fields, shapes and types.

    Raises:
        DatasetError: The file was made for other samples.
    """

    def __init__(self, path: Path, count: int, example: Mapping[str, Tensor]) -> None:
        arrays = {name: value.numpy() for name, value in example.items()}
        fields = [(name, value.dtype, value.shape) for name, value in arrays.items()]
        dtype = np.dtype([*fields, (_FLAG, np.uint8)])
        if not path.exists():
            _create(path, count, dtype)
        self._records = np.lib.format.open_memmap(path, mode='r+')
        if self._records.dtype != dtype or self._records.shape != (count,):
            raise DatasetError(
                f'{path} holds {len(self._records)} samples of {self._records.dtype}; expected '
                f'{count} of {dtype}: the settings changed, so delete the file'
            )

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, index: int) -> bool:
        return bool(self._records[_FLAG][index])

    def put(self, index: int, sample: Mapping[str, Tensor]) -> None:
        """Keep sample `index`."""
        record = self._records[index]
        for name, value in sample.items():
            record[name] = value.numpy()
        record[_FLAG] = 1  # last, so that an interrupted process leaves no incomplete sample

    def get(self, index: int) -> dict[str, Tensor]:
        """Return a copy of the stored sample `index`."""
        record = self._records[index]
        names = [name for name in record.dtype.names or () if name != _FLAG]
        return {name: torch.from_numpy(np.array(record[name])) for name in names}


class StoredSamples:
    """A `SampleSource` that reads each sample of another source only once.

    The file is created with the first sample.

    Args:
        source: The source that renders or reads.
        path: The file of the store.
    """

    def __init__(self, source: SampleSource, path: Path) -> None:
        self.source = source
        self._path = path
        self._store: SampleStore | None = None

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Any:
        """Return sample `index`; the caller may modify it."""
        if self._store is None:
            self._store = SampleStore(self._path, len(self.source), self.source[0])
        if index not in self._store:
            self._store.put(index, self.source[index])
        return self._store.get(index)


def _create(path: Path, count: int, dtype: np.dtype[Any]) -> None:
    """Create the file under a temporary name, then link it; one of several processes wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f'.{os.getpid()}.part')
    try:
        np.lib.format.open_memmap(part, mode='w+', dtype=dtype, shape=(count,))
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink(missing_ok=True)
