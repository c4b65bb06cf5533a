"""Losses against the authors' own values and against hand-computed ones."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.training.losses import (
    action_loss,
    binary_cross_entropy,
    categorical_cross_entropy,
    elastic_net,
    heat_map_loss,
    pose_loss,
)

NAME = 'losses_ref.npz'
NAN = float('nan')


@pytest.fixture(scope='module')
def reference(reference_file):
    with np.load(reference_file(NAME)) as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


@pytest.fixture(params=['img2d', 'img3d', 'clip2d'])
def case(request, reference):
    """Predictions and targets of a case; the authors' -1e9 becomes our NaN."""
    values = {
        name.removeprefix(f'{request.param}_'): value
        for name, value in reference.items()
        if name.startswith(request.param)
    }
    target = values['pose_true']
    values['target'] = torch.where(target > -1e6, target, NAN)
    return SimpleNamespace(**{name.replace('.', '_'): value for name, value in values.items()})


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=2e-6, atol=2e-7)


@pytest.mark.parity
class TestParity:
    def test_objectives(self, case):
        assert case.target.isnan().any()  # the masks are exercised
        found = elastic_net(case.pose_pred, case.target, per='sample')
        close(found, case.objectives_elasticnet)

    def test_losses(self, case):
        found = elastic_net(case.pose_pred, case.target, per='coordinate')
        close(found, case.losses_elasticnet)

    def test_elastic_net_is_the_sum_of_its_terms(self, case):
        found = elastic_net(case.pose_pred, case.target, per='coordinate')
        close(found, case.losses_l1 + case.losses_l2)

    def test_the_papers_loss_differs_by_the_number_of_dimensions(self, case):
        found = elastic_net(case.pose_pred, case.target) / case.target.shape[-1]
        close(found, case.losses_elasticnet)

    def test_visibility(self, case):
        found = binary_cross_entropy(case.vis_pred, case.vis_true)[..., 0]
        close(found, case.vis_bce_meanlast)

    def test_pose_regression(self, case):
        for suffix, weight in (('l1l2_w0_01', 0.0), ('l1l2bincross_w0_01', 0.01)):
            expected = getattr(case, f'pose_regression_{suffix}')
            for i, value in enumerate(expected):
                output = SimpleNamespace(
                    joints=case.pose_pred[i], visibility=case.vis_pred[i, ..., 0]
                )
                found = pose_loss(
                    [output],
                    case.target[i],
                    case.vis_true[i, ..., 0],
                    coordinate_weight=weight,
                    per='coordinate',
                )
                close(found, value)

    def test_categorical(self, reference):
        labels = reference['cce_true'].argmax(dim=1)
        close(categorical_cross_entropy(reference['cce_pred'], labels), reference['cce'])


def pose(joints, visibility):
    return SimpleNamespace(joints=torch.tensor(joints), visibility=torch.tensor(visibility))


def test_class_scores_are_scaled_to_sum_1():
    scores = torch.tensor([[1.0, 3.0], [0.2, 0.2]])
    found = categorical_cross_entropy(scores, torch.tensor([1, 0]))
    close(found, -torch.tensor([0.75, 0.5]).log())


def test_elastic_net_by_hand():
    # |e| + e^2: 0.5 -> 0.75 and 0.1 -> 0.11; the joint without a target weighs nothing.
    predicted = torch.tensor([[[0.5, 0.1], [0.9, 0.9]]])
    target = torch.tensor([[[0.0, 0.2], [NAN, NAN]]])
    close(elastic_net(predicted, target, per='sample'), torch.tensor([0.86]))
    close(elastic_net(predicted, target, per='coordinate'), torch.tensor([0.43]))
    close(elastic_net(predicted, target), torch.tensor([0.86]))


def test_a_joint_with_a_missing_depth_counts_once():
    predicted = torch.tensor([[[0.5, 0.1, 0.7], [0.0, 0.0, 0.1]]])
    target = torch.tensor([[[0.0, 0.2, NAN], [0.0, 0.0, 0.0]]])
    close(elastic_net(predicted, target), torch.tensor([0.97 / 2.0]))
    close(elastic_net(predicted, target, per='coordinate'), torch.tensor([0.97 / 5.0]))


def test_targets_outside_the_crop_are_targets():
    loss = elastic_net(torch.tensor([[[0.5]]]), torch.tensor([[[-0.5]]]))
    close(loss, torch.tensor([2.0]))


def test_pose_loss_sums_blocks_and_averages_the_batch():
    target = torch.tensor([[[0.0, 0.2]], [[NAN, NAN]]])
    seen = torch.tensor([[1.0], [NAN]])
    first = pose([[[0.5, 0.1]], [[0.3, 0.3]]], [[0.5], [0.9]])
    second = pose([[[0.0, 0.2]], [[0.3, 0.3]]], [[1.0], [0.2]])
    expected = (0.86 + 0.01 * math.log(2.0)) / 2.0
    found = pose_loss([first, second], target, seen)
    assert found.item() == pytest.approx(expected, abs=1e-6)
    heavier = pose_loss([first, second], target, seen, visibility_weight=1.0)
    assert (heavier - found).item() == pytest.approx(0.99 * math.log(2.0) / 2.0, abs=1e-6)


def test_nothing_valid_gives_zero_and_finite_gradients():
    joints = torch.rand(2, 4, 3, requires_grad=True)
    visibility = torch.rand(2, 4, requires_grad=True)
    output = SimpleNamespace(joints=joints, visibility=visibility)
    target, seen = torch.full((2, 4, 3), NAN), torch.full((2, 4), NAN)
    loss = pose_loss([output], target, seen, coordinate_weight=0.01)
    loss.backward()
    assert loss.item() == 0.0
    assert not joints.grad.any()
    assert not visibility.grad.any()


def test_gradients_skip_invalid_joints_only():
    joints = torch.full((1, 2, 2), 0.4, requires_grad=True)
    elastic_net(joints, torch.tensor([[[0.1, 0.9], [NAN, NAN]]])).sum().backward()
    # d(|e| + e^2) = sign(e) + 2 e
    close(joints.grad, torch.tensor([[[1.6, -2.0], [0.0, 0.0]]]))


def test_saturated_probabilities_stay_finite():
    predicted = torch.tensor([0.0, 1.0], requires_grad=True)
    loss = binary_cross_entropy(predicted, torch.tensor([1.0, 0.0]))
    loss.sum().backward()
    assert loss.detach().numpy() == pytest.approx([16.118, 15.94], abs=0.01)
    assert predicted.grad.isfinite().all()


def test_half_precision_outputs_are_judged_in_single():
    joints = torch.full((1, 1, 2), 0.5, dtype=torch.bfloat16)
    loss = elastic_net(joints, torch.full((1, 1, 2), 0.499))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(2 * (1e-3 + 1e-6), rel=1e-3)


def test_action_loss_by_hand():
    half = torch.tensor([[0.5, 0.5], [0.5, 0.5]])
    sure = torch.tensor([[1.0, 0.0], [0.25, 0.75]])
    output = SimpleNamespace(pose_actions=[half] * 4, appearance_actions=[sure] * 4, actions=half)
    expected = 5 * math.log(2.0) + 4 * (0.0 - math.log(0.75)) / 2.0
    found = action_loss(output, torch.tensor([0, 1]))
    assert found.item() == pytest.approx(expected, abs=1e-5)


def test_unknown_normaliser_and_missing_outputs_are_refused():
    with pytest.raises(ConfigError, match='per_joint'):
        elastic_net(torch.zeros(1, 1, 2), torch.zeros(1, 1, 2), per='per_joint')
    with pytest.raises(ConfigError, match='no block outputs'):
        pose_loss([], torch.zeros(1, 1, 2), torch.zeros(1, 1))


class TestHeatMapLoss:
    SIZE = (8, 10)

    def reading(self, joints, sigma):
        """Maps that are exactly the Gaussians about joints (B, J, 2)."""
        x = torch.exp(-((torch.arange(10) - 9 * joints[..., :1]) ** 2) / (2 * sigma**2))
        y = torch.exp(-((torch.arange(8) - 7 * joints[..., 1:]) ** 2) / (2 * sigma**2))
        maps = (y[..., :, None] * x[..., None, :]).flatten(-2)
        return SimpleNamespace(probabilities=maps / maps.sum(-1, keepdim=True))

    def test_it_is_zero_at_the_truth_and_above_elsewhere(self):
        joints = torch.tensor([[[0.3, 0.6], [0.7, 0.2]]])
        exact = self.reading(joints, 1.0)
        assert heat_map_loss([exact], joints, self.SIZE, 1.0).item() == pytest.approx(0, abs=1e-5)
        for other in (self.reading(joints + 0.05, 1.0), self.reading(joints, 2.0)):
            assert heat_map_loss([other], joints, self.SIZE, 1.0).item() > 0.02

    def test_a_flat_map_by_hand(self):
        flat = SimpleNamespace(probabilities=torch.full((1, 1, 80), 1 / 80))
        joints = torch.tensor([[[0.0, 0.0]]])
        target = self.reading(joints, 0.3).probabilities  # nearly one cell
        entropy = -(target * target.clamp(min=1e-7).log()).sum().item()
        found = heat_map_loss([flat], joints, self.SIZE, 0.3).item()
        assert found == pytest.approx(math.log(80) - entropy, abs=1e-4)

    def test_a_peak_far_away_is_pulled_back(self):
        logits = torch.full((1, 1, 80), -25.0)
        logits[0, 0, 79] = 25.0
        logits.requires_grad_()
        reading = SimpleNamespace(probabilities=logits.softmax(-1))
        heat_map_loss([reading], torch.tensor([[[0.0, 0.0]]]), self.SIZE, 0.5).backward()
        assert logits.grad[0, 0, 0] < -0.1

    def test_blocks_are_summed_and_joints_averaged(self):
        joints = torch.tensor([[[0.3, 0.6], [0.7, 0.2]]])
        off = self.reading(joints + 0.1, 1.0)
        one = heat_map_loss([off], joints, self.SIZE, 1.0)
        torch.testing.assert_close(heat_map_loss([off, off], joints, self.SIZE, 1.0), 2 * one)
        halves = [
            heat_map_loss(
                [SimpleNamespace(probabilities=off.probabilities[:, j : j + 1])],
                joints[:, j : j + 1],
                self.SIZE,
                1.0,
            )
            for j in range(2)
        ]
        torch.testing.assert_close(one, sum(halves) / 2)

    def test_invalid_joints_do_not_count(self):
        joints = torch.tensor([[[0.3, 0.6], [0.7, 0.2]]])
        off = self.reading(joints + 0.1, 1.0)
        joints[0, 1] = NAN
        alone = SimpleNamespace(probabilities=off.probabilities[:, :1])
        found = heat_map_loss([off], joints, self.SIZE, 1.0)
        torch.testing.assert_close(found, heat_map_loss([alone], joints[:, :1], self.SIZE, 1.0))
        assert heat_map_loss([off], joints * NAN, self.SIZE, 1.0).item() == 0.0


def test_a_weight_is_on_single_coordinates():
    target = torch.tensor([[[0.5, 0.5, 0.5]]])
    found = torch.tensor([[[0.6, 0.5, 0.9]]], requires_grad=True)
    none = elastic_net(found, target, weight=torch.tensor([1.0, 1.0, 0.0]))
    assert none.item() == pytest.approx(0.1 + 0.01)
    tenth = elastic_net(found, target, weight=torch.tensor([1.0, 1.0, 0.1]))
    assert tenth.item() == pytest.approx(0.11 + 0.1 * (0.4 + 0.16))
    none.sum().backward()
    assert found.grad[0, 0, 2] == 0.0
