"""More prediction blocks for a trained network: the further blocks begin as copies of its last."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from pose_action_ros.models.config import ModelConfig

__all__ = ['with_further_blocks']


def with_further_blocks(
    tensors: dict[str, Tensor], config: ModelConfig, blocks: int
) -> dict[str, Tensor]:
    """Return a network's tensors with more prediction blocks.

    A block refines the heat maps of the block before it (paper, figure 2), so a copy of the last
    block is a better start than random numbers. The last block feeds nothing back; its copy of
    that part comes from the block before it.

    Args:
        tensors: State of a `MultitaskNet` with `config`.
        config: Its shape; two blocks or more, otherwise no block feeds anything back.
        blocks: K of the deeper network. With `config.blocks` or fewer, nothing is added.
    """
    grown = dict(tensors)
    last = config.blocks - 1
    if last < 1:
        return grown
    before = _of_block(tensors, last - 1)
    feedback = {name: value for name, value in before.items() if name.startswith('from_maps.')}
    block = {**feedback, **_of_block(tensors, last)}
    for number in range(last, blocks):
        is_last = number == blocks - 1
        for name, value in block.items():
            if not (is_last and name.startswith('from_maps.')):
                grown[f'{_block(number)}{name}'] = value.clone()
    return grown


def _of_block(tensors: dict[str, Tensor], number: int) -> dict[str, Tensor]:
    prefix = _block(number)
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _block(number: int) -> str:
    return f'pose_net.blocks.{number}.'
