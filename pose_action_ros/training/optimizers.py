"""Optimisers and learning-rate schedules of the phases.

Sources: supplement, Appendix B; released code, branch cvpr18 (Keras 2.1.4). Keras' RMSprop
divides by `sqrt(mean square) + 1e-7` with rho 0.9, the same as
`torch.optim.RMSprop(alpha=0.9, eps=1e-7)`. Keras' Nesterov momentum includes the learning rate in
the velocity, PyTorch's does not. Both are equal while the rate is constant, and differ for a few
steps after it changes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pose_action_ros.training.config import PhaseSettings

__all__ = ['MONITOR', 'build_optimizer', 'build_schedule', 'rate_factor']

MONITOR = 'val_error'
"""The logged validation score for schedules, early stopping and "best"; lower is better."""

_FLOOR = 0.01
_WARM_UP = 0.1


def build_optimizer(
    parameters: Iterable[torch.nn.Parameter], phase: PhaseSettings, learning_rate: float
) -> torch.optim.Optimizer:
    """Return the phase's optimiser for the parameters."""
    shared: dict[str, Any] = {'lr': learning_rate, 'weight_decay': phase.weight_decay}
    if phase.optimizer == 'rmsprop':
        return torch.optim.RMSprop(
            parameters, alpha=0.9, eps=1e-7, momentum=phase.momentum, **shared
        )
    if phase.optimizer == 'sgd':
        return torch.optim.SGD(
            parameters, momentum=phase.momentum, nesterov=phase.momentum > 0, **shared
        )
    return torch.optim.AdamW(parameters, **shared)


def build_schedule(
    optimizer: torch.optim.Optimizer, phase: PhaseSettings
) -> ReduceLROnPlateau | LambdaLR | None:
    """Return the phase's schedule: plateau by epoch, the others by step, None for constant."""
    if phase.schedule == 'constant':
        return None
    if phase.schedule == 'plateau':
        return ReduceLROnPlateau(
            optimizer, mode='min', factor=phase.factor, patience=phase.patience
        )
    if phase.schedule == 'steps':
        ends = [epoch * phase.steps_per_epoch for epoch in phase.milestones]
        return LambdaLR(optimizer, lambda step: phase.factor ** sum(step >= end for end in ends))
    total = phase.epochs * phase.steps_per_epoch
    return LambdaLR(optimizer, lambda step: rate_factor(phase.schedule, step, total))


def rate_factor(schedule: str, step: int, total: int) -> float:
    """Return the factor of the first rate at one of `total` steps (`cosine`, `one_cycle`)."""
    warm = round(_WARM_UP * total) if schedule == 'one_cycle' else 0
    if step < warm:
        return _FLOOR + (1 - _FLOOR) * step / warm
    progress = min((step - warm) / max(total - warm, 1), 1.0)
    return _FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * progress))
