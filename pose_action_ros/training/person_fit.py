"""Fits the probability that a window shows a person to a trained network (`ModelConfig.person_*`).

The fit is a logistic regression on the certainty of the most certain joints (Platt 1999). Windows
with and without a person count equally, so 0.5 is as near to one kind as to the other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pose_action_ros.core.person_confidence import certainty
from pose_action_ros.training.batches import develop_batch, join_samples
from pose_action_ros.training.phase_module import to_network_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.models import MultitaskNet

__all__ = ['fit_logistic', 'fit_person', 'with_person']

_LEAST = 16  # windows of each kind
_RIDGE = 1e-3  # keeps the gain finite if one value separates the kinds
_STEPS = 50
_BATCH = 16


def with_person(net: MultitaskNet, person: tuple[float, float] | None) -> None:
    """Set the gain and the offset of a network, in place; None leaves them."""
    if person is not None:
        net.config = replace(net.config, person_gain=person[0], person_offset=person[1])


@torch.inference_mode()
def fit_person(
    net: MultitaskNet, samples: Any, count: int, device: torch.device
) -> tuple[float, float] | None:
    """Return gain and offset for training windows with and without people.

    Args:
        net: The network; in evaluation mode and on the CPU afterwards.
        samples: Training samples, by position.
        count: Number of samples to look at.
        device: Where to compute.

    Returns:
        None if there are fewer than sixteen windows of one kind.
    """
    net.eval().to(device)
    values, labels = [], []
    for first in range(0, count, _BATCH):
        chosen = [samples[position] for position in range(first, min(first + _BATCH, count))]
        batch = develop_batch(join_samples(chosen))
        crops = to_network_input(batch['crop'].to(device))
        found = net.forward_pose(crops)[-1].visibility.float().cpu().numpy()
        visibility = batch['visibility'].cpu().numpy()
        person, empty = (visibility == 1).any(axis=1), (visibility == 0).all(axis=1)
        known = person | empty
        values.append(certainty(found[known]))
        labels.append(person[known])
    net.to('cpu')
    value, label = np.concatenate(values), np.concatenate(labels)
    if min(label.sum(), (~label).sum()) < _LEAST:
        return None
    return fit_logistic(value, label)


def fit_logistic(
    value: NDArray[np.float64], label: NDArray[np.bool_]
) -> tuple[float, float] | None:
    """Return gain and offset of a logistic regression with equal weight for both kinds.

    Args:
        value: (N,) certainties.
        label: (N,) True: with a person; both kinds occur.

    Returns:
        None if the certainty does not rise with people.
    """
    weight = np.where(label, 0.5 / label.sum(), 0.5 / (~label).sum())
    inputs, found = np.stack([value, np.ones_like(value)], axis=1), np.zeros(2)
    for _ in range(_STEPS):  # Newton's method
        chance = 1.0 / (1.0 + np.exp(-inputs @ found))
        slope = inputs.T @ (weight * (chance - label)) + _RIDGE * found
        curvature = (inputs.T * (weight * chance * (1.0 - chance))) @ inputs
        found = found - np.linalg.solve(curvature + _RIDGE * np.eye(2), slope)
    gain, offset = (float(number) for number in found)
    return (gain, offset) if gain > 0.0 else None
