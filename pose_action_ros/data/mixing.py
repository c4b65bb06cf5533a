"""Several data sets in one stream, each with its share of every batch.

As in the paper: Human3.6M and MPII half and half; MPII 75 %, Penn Action 25 %; MPII 45 %,
Human3.6M 45 %, NTU 10 %. The sample at a position and its variation depend on the seed and the
position alone.
"""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pose_action_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ['ENDLESS', 'JoinedSamples', 'MixedSamples', 'SpreadSamples', 'share_table']

ENDLESS = 2**31
"""Sets of this length count as endless, and keep their own order."""

_FINEST_SHARE = 1000  # shares are fractions with a denominator up to this


class _Source(Protocol):
    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Any: ...

    def varied(self, index: int, rng: np.random.Generator) -> Any: ...


class MixedSamples:
    """An endless training stream; each visit of a sample is varied anew.

    Each set has its own order, and all of its samples come before any comes again.

    Args:
        sources: The data sets; one alone is fine.
        shares: Of each, above 0; they are scaled to sum 1.
        seed: Decides order and variations.
        count: Length; None for endless.

    Raises:
        ConfigError: There are no sources, one is empty, or the shares do not fit.
    """

    def __init__(
        self,
        sources: Sequence[_Source],
        shares: Sequence[float] | None = None,
        *,
        seed: int = 0,
        count: int | None = None,
    ) -> None:
        shares = [1.0] * len(sources) if shares is None else list(shares)
        if not sources or len(shares) != len(sources):
            raise ConfigError(f'found {len(sources)} data sets and {len(shares)} shares')
        if not all(len(source) for source in sources):
            raise ConfigError('a data set of the mixture is empty')
        self.sources = tuple(sources)
        self._table = share_table(shares)
        self._ranks = _ranks(self._table)
        self._counts = np.bincount(self._table, minlength=len(sources))
        self._seed = seed
        self._count = sys.maxsize if count is None else count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, position: int) -> Any:
        """Return the sample at a position.

        Raises:
            IndexError: It is out of range.
            DatasetError: A file is missing or damaged.
        """
        if not 0 <= position < self._count:
            raise IndexError(f'position {position} of {self._count}')
        number, index, visit = self.locate(position)
        rng = np.random.default_rng([self._seed, number, index, visit])
        return self.sources[number].varied(index, rng)

    def locate(self, position: int) -> tuple[int, int, int]:
        """Return (data set, index in it, visit) of a position."""
        cycle, slot = divmod(position, len(self._table))
        number = int(self._table[slot])
        turn = cycle * int(self._counts[number]) + int(self._ranks[slot])
        size = len(self.sources[number])
        if size >= ENDLESS:
            return number, turn, 0
        visit, place = divmod(turn, size)
        return number, int(_order(size, self._seed, number, visit)[place]), visit


class SpreadSamples:
    """Unaugmented samples of a source, evenly spread over all of it, for validation.

    Args:
        source: The samples.
        count: How many; all if there are fewer.
    """

    def __init__(self, source: _Source, count: int) -> None:
        self.source = source
        total = len(source)
        self._indices = np.arange(min(count, total)) * total // max(min(count, total), 1)

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> Any:
        """Return a sample; raises IndexError out of range."""
        return self.source[int(self._indices[index])]


class JoinedSamples:
    """Samples of several sources, one source after the other; for validation.

    Args:
        sources: Anything with a length and an index.
    """

    def __init__(self, sources: Sequence[Any]) -> None:
        self.sources = tuple(sources)
        self._ends = np.cumsum([len(source) for source in sources])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: int) -> Any:
        """Return a sample; raises IndexError out of range."""
        if not 0 <= index < len(self):
            raise IndexError(f'sample {index} of {len(self)}')
        number = int(np.searchsorted(self._ends, index, side='right'))
        return self.sources[number][index - (int(self._ends[number - 1]) if number else 0)]


def share_table(shares: Sequence[float]) -> NDArray[np.int64]:
    """Return the data set of each position, over one period.

    Any run of positions holds each data set to its share within about one sample.

    Args:
        shares: Above 0.

    Returns:
        (P,) numbers of the data sets; P is the common denominator of the shares.

    Raises:
        ConfigError: A share is not above 0 or too small.
    """
    if not all(math.isfinite(share) and share > 0.0 for share in shares):
        raise ConfigError(f'found shares {list(shares)}; expected numbers above 0')
    total = sum(Fraction(share).limit_denominator(_FINEST_SHARE) for share in shares)
    parts = [
        (Fraction(share).limit_denominator(_FINEST_SHARE) / total).limit_denominator(_FINEST_SHARE)
        for share in shares
    ]
    if not all(parts):
        raise ConfigError(f'found shares {list(shares)}; the smallest is below 1 in 1000')
    period = math.lcm(*(part.denominator for part in parts))
    counts = [int(part * period) for part in parts]
    given, table = [0] * len(parts), []
    for position in range(1, sum(counts) + 1):
        behind = [c * position / sum(counts) - g for c, g in zip(counts, given, strict=True)]
        number = behind.index(max(behind))
        given[number] += 1
        table.append(number)
    return np.array(table, np.int64)


def _ranks(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of earlier occurrences of the data set of each slot in the table."""
    return np.array([int((table[:slot] == table[slot]).sum()) for slot in range(len(table))])


@lru_cache(maxsize=8)
def _order(count: int, seed: int, number: int, visit: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, number, visit, count]).permutation(count)
