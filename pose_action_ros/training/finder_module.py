"""The finder's training step, loss and score.

Loss after X. Zhou et al., Objects as Points, 2019: a focal loss on the heat maps, and absolute
errors of size and offset at the centres.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from pose_action_ros.models.finder import decode
from pose_action_ros.training.phase_module import PhaseModule, to_network_input

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from pose_action_ros.models.finder import Candidates, FinderMaps, PersonFinder
    from pose_action_ros.training.config import FinderPhase

__all__ = ['FinderModule', 'finder_loss', 'people_found']

_SPARE = 2  # the validation counts this many candidates more than there are people
_TOO_FAR, _TOO_UNLIKE = 0.3, 1.7  # limits: distance over the person's size, ratio of the sizes
_FEW = 0.02  # lowest score of a candidate in the validation


class FinderModule(PhaseModule):
    """Trains a finder.

    Args:
        net: The finder.
        phase: The phase's settings.
        learning_rate: First rate.
        channels_last: Memory format.
    """

    def __init__(
        self,
        net: PersonFinder,
        phase: FinderPhase,
        learning_rate: float,
        *,
        channels_last: bool = False,
    ) -> None:
        net.entry_flow.requires_grad_(not phase.freeze_entry_flow)
        super().__init__(net, phase, learning_rate, channels_last=channels_last)

    def frozen_parts(self) -> Iterator[nn.Module]:
        """Yield the entry flow if it is frozen."""
        yield from super().frozen_parts()
        if self.phase.freeze_entry_flow:
            yield self.net.entry_flow

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Return the batch's loss."""
        maps = self.net(self._images(batch))
        loss = finder_loss(maps, batch, self.phase.size_weight)
        self.log('loss', loss, on_step=False, on_epoch=True, batch_size=len(batch['image']))
        return loss

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """Gather loss and the share of missed people.

        With N people in an image its best N + 2 candidates count, so false candidates raise the
        error.
        """
        if batch:
            maps = self.best_net(self._images(batch))
            loss = finder_loss(maps, batch, self.phase.size_weight)
            self.val_loss.update(loss, len(batch['image']))
            self.val_error.update(*_missed(maps, batch['corners']))
        self.log_scores()

    def _images(self, batch: dict[str, Tensor]) -> Tensor:
        return to_network_input(batch['image'], channels_last=self.channels_last)


def _missed(maps: FinderMaps, corners_px: Tensor) -> tuple[float, int]:
    """The share of missed people in a batch, and the number of people."""
    known = [corners[~corners.isnan().any(-1)] for corners in corners_px]
    found, people = 0, sum(map(len, known))
    most = max(map(len, known)) + _SPARE
    for candidates, corners in zip(decode(maps, _FEW, most), known, strict=True):
        first = type(candidates)(*(values[: len(corners) + _SPARE] for values in candidates))
        found += int(people_found(first, corners).sum())
    return 1.0 - found / max(people, 1), people


def finder_loss(maps: FinderMaps, batch: dict[str, Tensor], size_weight: float) -> Tensor:
    """Return the loss of a batch, per person.

    Args:
        maps: The finder's output.
        batch: The target, see `finder_targets`.
        size_weight: Weight of the size; the offset has half of it.
    """
    logits, heat = maps.logits.float(), batch['heat']
    p = logits.sigmoid()
    is_middle = heat >= 1.0
    at = (1.0 - p).square() * F.softplus(-logits)
    beside = (1.0 - heat).pow(4) * p.square() * F.softplus(logits)
    focal = (torch.where(is_middle, at, beside) * batch['heat_weight']).sum()
    people = batch['middle'].sum().clamp(min=1.0)
    size = ((maps.log_size.float() - batch['log_size']).abs() * batch['near']).sum()
    size = size / batch['near'].sum().clamp(min=1.0)
    offset = ((maps.offset.float() - batch['offset']).abs() * batch['middle']).sum() / people
    return focal / people + size_weight * (size + 0.5 * offset)


def people_found(candidates: Candidates, corners_px: Tensor) -> Tensor:
    """Return which people have a candidate of similar position and size.

    Args:
        candidates: Of one image; one candidate may count for several people.
        corners_px: (N, 4) x1, y1, x2, y2.

    Returns:
        (N,) bool.
    """
    low, high = corners_px[:, None, :2], corners_px[:, None, 2:]  # (N, 1, 2)
    size = (high - low).amax(-1)
    away = (candidates.center_px - (low + high) / 2.0).abs().amax(-1)
    unlike = (candidates.size_px / size).log().abs().exp()
    return ((away <= _TOO_FAR * size) & (unlike <= _TOO_UNLIKE)).any(-1)
