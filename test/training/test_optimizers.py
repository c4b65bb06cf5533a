"""Optimisers and schedules against hand-computed rates."""

import pytest
import torch

from pose_action_ros.training.config import ActionPhase, PosePhase
from pose_action_ros.training.optimizers import build_optimizer, build_schedule, rate_factor


def weights():
    return [torch.nn.Parameter(torch.ones(2))]


def test_the_paper_s_optimisers():
    pose = build_optimizer(weights(), PosePhase(), 1e-3)
    assert isinstance(pose, torch.optim.RMSprop)
    assert (pose.defaults['alpha'], pose.defaults['eps']) == (0.9, 1e-7)
    action = build_optimizer(weights(), ActionPhase(), 2e-4)
    assert isinstance(action, torch.optim.SGD)
    assert action.defaults['nesterov']
    assert action.defaults['momentum'] == 0.98


def test_plateau_multiplies_by_a_fifth_when_the_score_stagnates():
    phase = PosePhase(patience=1)
    optimizer = build_optimizer(weights(), phase, 1e-3)
    schedule = build_schedule(optimizer, phase)
    rates = []
    for score in (1.0, 0.9, 0.95, 0.95, 0.8):
        schedule.step(score)
        rates.append(optimizer.param_groups[0]['lr'])
    assert rates == pytest.approx([1e-3, 1e-3, 1e-3, 2e-4, 2e-4])


@pytest.mark.parametrize(
    ('schedule', 'step', 'factor'),
    [
        ('cosine', 0, 1.0),
        ('cosine', 50, 0.505),
        ('cosine', 100, 0.01),
        ('one_cycle', 0, 0.01),
        ('one_cycle', 5, 0.505),
        ('one_cycle', 10, 1.0),
        ('one_cycle', 55, 0.505),
        ('one_cycle', 120, 0.01),
    ],
)
def test_curves(schedule, step, factor):
    assert rate_factor(schedule, step, 100) == pytest.approx(factor)
