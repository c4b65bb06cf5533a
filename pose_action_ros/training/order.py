"""The order of the samples, a function of the seed and the position alone.

Optimiser steps consume the positions 0, 1, 2, ... of one endless sequence. A position determines a
sample and its number of visits. So a resumed run continues with exactly the same samples as an
uninterrupted one, on any number of devices and worker processes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
from torch.utils.data import Dataset, Sampler

from pose_action_ros.data.mixing import ENDLESS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from numpy.typing import NDArray

    from pose_action_ros.training.augmentation import Augmentation

__all__ = ['OrderedSamples', 'PositionSampler', 'SampleSource', 'locate']


class SampleSource(Protocol):
    """Map-style samples: `source[i]` depends on i alone, for 0 <= i < len(source)."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Any: ...


def locate(position: int, count: int, seed: int) -> tuple[int, int]:
    """Return (sample index, visit) of a position; each visit has its own order.

    An endless set keeps its order.

    Args:
        position: Position in the endless sequence of a phase, >= 0.
        count: Number of samples in the set.
        seed: Seed of the orders.
    """
    if count >= ENDLESS:
        return position, 0
    visit, slot = divmod(position, count)
    return int(_permutation(count, seed, visit)[slot]), visit


@lru_cache(maxsize=4)
def _permutation(count: int, seed: int, visit: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, visit, count]).permutation(count)


class OrderedSamples(Dataset):  # type: ignore[type-arg]
    """The samples of a source by position, augmented by a generator of (seed, index, visit).

    Args:
        source: The samples.
        seed: Seed of order and augmentation.
        augmentation: Applied at each visit; None: the samples are unchanged.
        shuffle: False: the source's order, each sample once (validation).
    """

    def __init__(
        self,
        source: SampleSource,
        seed: int,
        *,
        augmentation: Augmentation | None = None,
        shuffle: bool = True,
    ) -> None:
        self.source = source
        self.seed = seed
        self.augmentation = augmentation
        self.shuffle = shuffle

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, position: int) -> Any:
        """Return the sample at a position; None after the end of the validation set."""
        count = len(self.source)
        if self.shuffle:
            return self.visit(*locate(position, count, self.seed))
        return self.visit(position, 0) if position < count else None

    def visit(self, index: int, visit: int) -> Any:
        """Return sample `index` at visit number `visit`."""
        sample = self.source[index]
        if self.augmentation is None:
            return sample
        return self.augmentation(sample, np.random.default_rng([self.seed, index, visit]))


class PositionSampler(Sampler[int]):
    """The positions of one epoch that belong to one process.

    Lightning calls `set_epoch`, also when it resumes.

    Args:
        count: Samples per epoch over all processes.
        rank: This process.
        world_size: Number of processes.
        endless: True: epochs continue along the endless sequence (training). False: each epoch
            has the same positions (validation). Every process yields the same number of positions,
            so the last ones may lie after the end, where there are no samples.
    """

    def __init__(
        self, count: int, *, rank: int = 0, world_size: int = 1, endless: bool = True
    ) -> None:
        self.count = count
        self.rank = rank
        self.world_size = world_size
        self.endless = endless
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.count // self.world_size)

    def __iter__(self) -> Iterator[int]:
        start = self.epoch * self.count if self.endless else 0
        for step in range(len(self)):
            yield start + step * self.world_size + self.rank
