"""The probability of a person: 0.5 lies between windows with people and empty ones."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pose_action_ros.core.person_confidence import person_confidence
from pose_action_ros.models import ModelConfig
from pose_action_ros.training.person_fit import fit_logistic, fit_person, with_person

CPU = torch.device('cpu')


class Seen(torch.nn.Module):
    """Takes the brightness of a crop for the visibility of three joints, of four."""

    def forward_pose(self, crops):
        bright = (crops.mean(dim=(1, 2, 3)) + 1.0) / 2.0
        visibility = torch.stack([bright, bright, bright, 0.01 * bright], dim=1)
        return [SimpleNamespace(visibility=visibility)]


def samples(people, empty, unknown=0):
    rng = np.random.default_rng(0)
    made = []
    for count, low, high, value in (
        (people, 0.7, 0.99, 1.0), (empty, 0.1, 0.8, 0.0), (unknown, 0.0, 1.0, np.nan)
    ):  # fmt: skip
        for _ in range(count):
            crop = torch.full((3, 8, 8), int(255 * rng.uniform(low, high)), dtype=torch.uint8)
            visibility = torch.tensor([value, 0.0, 0.0, 0.0], dtype=torch.float32)
            made.append({'crop': crop, 'visibility': visibility})
    return made


def test_half_lies_between_people_and_empty_windows():
    gain, offset = fit_person(Seen(), samples(40, 120, unknown=30), 190, CPU)
    people = person_confidence([0.95] * 3, gain, offset)
    between = person_confidence([0.75] * 3, gain, offset)
    empty = person_confidence([0.4] * 3, gain, offset)
    assert people > 0.8
    assert 0.3 < between < 0.7
    assert empty < 0.2


def test_too_few_windows_of_a_kind_give_no_fit():
    assert fit_person(Seen(), samples(100, 15), 115, CPU) is None
    assert fit_person(Seen(), samples(100, 100), 100, CPU) is None  # the first hundred


def test_both_kinds_count_equally():
    rng = np.random.default_rng(1)
    value = np.concatenate([rng.normal(1.0, 1.0, 2000), rng.normal(-1.0, 1.0, 100)])
    gain, offset = fit_logistic(value, np.arange(2100) < 2000)
    assert gain == pytest.approx(2.0, abs=0.3)  # of two normal distributions: their distance
    assert offset == pytest.approx(0.0, abs=0.2)


def test_one_that_separates_the_kinds_gives_finite_numbers():
    gain, offset = fit_logistic(np.array([-1.0, -1.0, 1.0, 1.0]), np.array([0, 0, 1, 1], bool))
    assert 1.0 < gain < 20.0
    assert abs(offset) < 1e-6


def test_a_certainty_that_falls_with_people_gives_no_fit():
    assert fit_logistic(np.array([1.0, -1.0]), np.array([False, True])) is None


def test_the_fit_becomes_part_of_the_config():
    net = SimpleNamespace(config=ModelConfig.preset('compact'))
    with_person(net, None)
    assert (net.config.person_gain, net.config.person_offset) == (1.0, 0.0)
    with_person(net, (1.5, -4.0))
    text = net.config.to_json()
    assert ModelConfig.from_json(text).person_offset == -4.0
