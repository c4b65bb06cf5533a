"""Tensors that belong together, one row for each image; and a limit of torch's threads.

Owns: `Batched`, which cuts, joins and moves such tensors together. A data loader pins it and
Lightning moves it to the device like a tensor, by its `pin_memory` and `to`.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Sequence as Many

    from torch import Tensor

__all__ = ['Batched', 'one_thread']

Self = TypeVar('Self', bound='Batched')


class Batched:
    """Base of dataclasses whose fields are tensors (B, ...) or `Batched` themselves."""

    def images(self: Self, part: slice) -> Self:
        """Return some of the B images."""
        return self._each(lambda value: value[part])

    def to(self: Self, device: torch.device | str) -> Self:
        """Return the same on a device; from pinned memory without waiting."""
        return self._each(lambda value: value.to(device, non_blocking=True))

    def pin_memory(self: Self) -> Self:
        """Return the same in pinned memory, from which a GPU copies by itself."""
        return self._each(lambda value: value.pin_memory())

    @classmethod
    def join(cls: type[Self], parts: Many[Self]) -> Self:
        """Put images of several parts, at least one, into one batch."""
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return cls(
            *(
                type(column[0]).join(column)
                if isinstance(column[0], Batched)
                else torch.cat(column)
                for column in columns
            )
        )

    def _each(self: Self, change: Callable[[Tensor], Tensor]) -> Self:
        values = vars(self).values()
        return type(self)(
            *(v._each(change) if isinstance(v, Batched) else change(v) for v in values)
        )


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch to one thread inside the block.

    For tensors as small as an image's, a second thread costs more time than it saves, and ten
    times as much on a busy machine.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
