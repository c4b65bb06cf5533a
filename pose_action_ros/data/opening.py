"""A data set by its name: the one place that knows all readers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.data.human36m import Human36m
from pose_action_ros.data.mpii import Mpii
from pose_action_ros.data.ntu import Ntu
from pose_action_ros.data.penn_action import PennAction
from pose_action_ros.data.prepared import PreparedLibrary

if TYPE_CHECKING:
    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.data.recorded import Library

__all__ = ['DATASETS', 'LAYOUTS', 'open_library']

DATASETS = ('mpii', 'h36m', 'penn_action', 'ntu')
"""Names of the recorded data sets, as settings and commands have them."""

LAYOUTS = {'mpii': 'pa16j', 'h36m': 'pa17j', 'penn_action': 'pa16j', 'ntu': 'pa20j'}
"""The layout of each data set's own network."""

_OPTIONS = {'mpii': (), 'h36m': ('every',), 'penn_action': (), 'ntu': ('view', 'broken')}


def open_library(
    name: str, root: str | Path, split: str, skeleton: Skeleton, **options: Any
) -> Library:
    """Return the recordings of a split.

    Args:
        name: One of `DATASETS`.
        root: Its folder, laid out as docs/data.md says.
        split: train, val or test.
        skeleton: The layout to give joints in.
        **options: `every` of h36m, `view` and `broken` of ntu; `prepared`, the folder of the fast
            cache, of all.

    Raises:
        ConfigError: There is no such data set or option.
        DatasetError: A file is missing or damaged.
    """
    if name not in DATASETS:
        raise ConfigError(f'unknown data set {name!r}; expected one of {", ".join(DATASETS)}')
    known = (*_OPTIONS[name], 'prepared')
    unknown = set(options) - set(known)
    if unknown:
        raise ConfigError(
            f'{name} has no option {", ".join(sorted(unknown))}; it has {", ".join(known)}'
        )
    prepared = options.pop('prepared', None)
    library = _opened(name, Path(root).expanduser(), split, skeleton, options)
    if prepared:
        return PreparedLibrary(library, Path(prepared).expanduser() / split)
    return library


def _opened(
    name: str, folder: Path, split: str, skeleton: Skeleton, options: dict[str, Any]
) -> Library:
    if name == 'mpii':
        return Mpii(folder, split, skeleton)
    if name == 'h36m':
        return Human36m(folder, split, skeleton, **options)
    if name == 'penn_action':
        return PennAction(folder, split, skeleton)
    if options.get('broken'):
        options['broken'] = Path(options['broken']).expanduser()
    return Ntu(folder, split, skeleton, **options)
