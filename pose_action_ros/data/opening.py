"""Opens a data set by its name; the only place that knows all readers.

Other packages add readers by entry points of the group `pose_action_ros.datasets`. The name of the
entry point is that of the data set, and its object is a `DatasetReader`.
"""

from __future__ import annotations

import inspect
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.spelling import did_you_mean
from pose_action_ros.data.coco import read_coco
from pose_action_ros.data.folder import Folder
from pose_action_ros.data.human36m import Human36m
from pose_action_ros.data.jhmdb import Jhmdb
from pose_action_ros.data.lsp import read_lsp
from pose_action_ros.data.mpii import Mpii
from pose_action_ros.data.ntu import Ntu
from pose_action_ros.data.penn_action import PennAction
from pose_action_ros.data.pose_arrays import read_pose_arrays
from pose_action_ros.data.prepared import PreparedLibrary
from pose_action_ros.data.yolo_pose import read_yolo_pose

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.metadata import EntryPoint

    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.data.recorded import Library

__all__ = [
    'ENTRY_POINTS',
    'DatasetReader',
    'dataset_names',
    'dataset_options',
    'open_library',
    'reader_named',
]

ENTRY_POINTS = 'pose_action_ros.datasets'
"""The group of entry points by which other packages add readers."""


class DatasetReader(NamedTuple):
    """The reader of a data set, with its options.

    Attributes:
        open: Takes the folder, the split, the layout and, as keywords, the data set's options.
        layout: The joint layout of the data set's own network.
        splits: Splits that differ.
        files: Options that name files.
    """

    open: Callable[..., Library]
    layout: str
    splits: tuple[str, ...] = ('train', 'val', 'test')
    files: tuple[str, ...] = ()


_READERS: Mapping[str, DatasetReader] = MappingProxyType(
    {
        'mpii': DatasetReader(Mpii, 'pa16j', ('train', 'val')),
        'h36m': DatasetReader(Human36m, 'pa17j'),
        'penn_action': DatasetReader(PennAction, 'pa16j'),
        'ntu': DatasetReader(Ntu, 'pa20j', files=('broken',)),
        'coco': DatasetReader(read_coco, 'pa17j', files=('split_file',)),
        'yolo_pose': DatasetReader(read_yolo_pose, 'pa17j', files=('split_file',)),
        'lsp': DatasetReader(read_lsp, 'pa17j', files=('checks',)),
        'folder': DatasetReader(Folder, 'pa17j', files=('boxes', 'joints')),
        'jhmdb': DatasetReader(Jhmdb, 'pa17j', files=('labels',)),
        'pose_arrays': DatasetReader(read_pose_arrays, 'pa17j', ('train', 'val'), ('labels',)),
    }
)


def dataset_names() -> tuple[str, ...]:
    """Return the names of the recorded data sets, as in settings and commands."""
    return (*_READERS, *sorted(set(_added()) - set(_READERS)))


def reader_named(name: str) -> DatasetReader:
    """Return the reader of a data set.

    Raises:
        ConfigError: There is no such data set, or the package that adds it does not load.
    """
    if name in _READERS:
        return _READERS[name]
    if name not in _added():
        advice = did_you_mean(name, dataset_names())
        raise ConfigError(
            f'unknown data set {name!r}; known: {", ".join(dataset_names())}{advice}'
        )
    entry = _added()[name]
    try:
        reader = entry.load()
    except Exception as error:  # any error of another package
        raise ConfigError(
            f'the reader of {name!r}, {entry.value}, does not load: {error!r}'
        ) from error
    if not isinstance(reader, DatasetReader):
        raise ConfigError(
            f'the reader of {name!r}, {entry.value}, is {reader!r}; expected a DatasetReader'
        )
    return reader


@cache
def _added() -> dict[str, EntryPoint]:
    """Readers of other packages; they can't replace those of this package."""
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}


def dataset_options(name: str) -> tuple[str, ...]:
    """Return the names of a data set's options, `prepared` among them; raises as above."""
    parameters = inspect.signature(reader_named(name).open).parameters
    return (*list(parameters)[3:], 'prepared')


def open_library(
    name: str, root: str | Path, split: str, skeleton: Skeleton, **options: Any
) -> Library:
    """Return the recordings of a split.

    Args:
        name: One of `dataset_names`.
        root: Its folder, laid out as in docs/data.md.
        split: train, val or test.
        skeleton: The layout to give joints in.
        **options: Options of the data set, and `prepared`, the folder of the fast cache.

    Raises:
        ConfigError: There is no such data set or option.
        DatasetError: A file is missing or damaged.
    """
    known = dataset_options(name)
    unknown = set(options) - set(known)
    if unknown:
        raise ConfigError(
            f'{name} has no option {", ".join(sorted(unknown))}; it has {", ".join(known)}'
        )
    prepared = options.pop('prepared', None)
    reader = reader_named(name)
    for option in reader.files:
        if options.get(option):
            options[option] = Path(options[option]).expanduser()
    try:
        library = reader.open(Path(root).expanduser(), split, skeleton, **options)
    except TypeError as error:
        raise ConfigError(f'the options {options} do not fit {name}: {error}') from error
    if prepared:
        return PreparedLibrary(library, Path(prepared).expanduser() / split)
    return library
