"""Samples that can all be read: the next readable one replaces a damaged one.

A short film or a damaged picture among thousands must not end a training run. It is skipped,
logged once, and counted in memory that the processes of a loader share. The replacement depends on
the files alone, so a resumed run continues with the same samples.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

import torch

from pose_action_ros.core.errors import DatasetError, PoseActionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

__all__ = ['SoundSamples', 'skipped_samples', 'sound_parts']

_MOST_IN_A_ROW = 50  # more mean a wrong folder or a lost disk
_log = logging.getLogger(__name__)


class _Source(Protocol):
    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Any: ...

    def varied(self, index: int, rng: np.random.Generator) -> Any: ...


class SoundSamples:
    """A source without its damaged samples; its length stays the same.

    Args:
        source: The samples.
        name: Its name in the log.
    """

    def __init__(self, source: _Source, name: str) -> None:
        self.name = name
        self._source = source
        self._skipped = torch.zeros(len(source), dtype=torch.bool).share_memory_()

    def __len__(self) -> int:
        return len(self._source)

    @property
    def skipped_mask(self) -> torch.Tensor:
        """(N,) bool, True for unreadable samples; shared with the processes of the loader."""
        return self._skipped

    @property
    def skipped(self) -> int:
        """Number of unreadable samples, over all processes of the loader."""
        return int(self._skipped.sum())

    def __getitem__(self, index: int) -> Any:
        """Return sample `index`, or the next one that can be read.

        Raises:
            IndexError: It is out of range.
            DatasetError: Too many samples in a row cannot be read.
        """
        return self._first_sound(index, lambda at: self._source[at])

    def varied(self, index: int, rng: np.random.Generator) -> Any:
        """Return the sample with a drawn variation; raises as above."""
        return self._first_sound(index, lambda at: self._source.varied(at, rng))

    def _first_sound(self, index: int, read: Callable[[int], Any]) -> Any:
        most = min(len(self), _MOST_IN_A_ROW)
        for offset in range(most):
            at = index if not offset else (index + offset) % len(self)
            try:
                return read(at)
            except (PoseActionError, OSError) as error:
                if not self._skipped[at]:
                    self._skipped[at] = True
                    _log.warning('%s: sample %d is skipped: %s', self.name, at, error)
                problem = error
        raise DatasetError(
            f'{self.name}: {most} samples in a row cannot be read, the last because: {problem}'
        ) from problem


def skipped_samples(source: Any) -> dict[str, int]:
    """Return the number of skipped samples of each data set.

    Args:
        source: Samples, mixed or chosen from any number of `SoundSamples`.
    """
    found: dict[str, int] = {}
    for sound in sound_parts(source):
        if sound.skipped:
            found[sound.name] = found.get(sound.name, 0) + sound.skipped
    return found


def sound_parts(source: Any) -> Iterator[SoundSamples]:
    """Yield the `SoundSamples` inside a source.

    Args:
        source: Samples that name their own source as `source`, or several as `sources`.
    """
    if isinstance(source, SoundSamples):
        yield source
        return
    inner = getattr(source, 'source', None)
    for part in (*getattr(source, 'sources', ()), *(() if inner is None else (inner,))):
        yield from sound_parts(part)
