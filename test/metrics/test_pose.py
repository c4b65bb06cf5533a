"""Pose metrics against the authors' own values and against hand-computed ones."""

import math

import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.metrics import (
    auc,
    head_size,
    joint_errors,
    mpjpe,
    p_mpjpe,
    pck,
    pck3d,
    pck_torso,
    pckh,
)

NAME = 'geometry_metrics_ref.npz'
NAN = float('nan')


@pytest.fixture(scope='module')
def reference(reference_file):
    with np.load(reference_file(NAME)) as file:
        return dict(file)


@pytest.mark.parity
class TestParity:
    @pytest.mark.parametrize(('key', 'threshold'), [('pckh05', 0.5), ('pckh02', 0.2)])
    def test_pckh(self, reference, key, threshold):
        target = np.where(reference['pck_true'] > -1e6, reference['pck_true'], np.nan)
        assert np.isnan(target).any()
        sizes = reference['pck_head'][:, 0]
        found = pckh(reference['pck_pred'], target, sizes, threshold=threshold)
        assert found == pytest.approx(reference[key], abs=1e-12)

    def test_mpjpe(self, reference):
        found = mpjpe(reference['mpjpe_pred'], reference['mpjpe_true'], root=None)
        assert found == pytest.approx(reference['mpjpe'], rel=1e-12)

    def test_pck3d(self, reference):
        millimetres = reference['mpjpe_pred'], reference['mpjpe_true']
        found = pck3d(*(1e-3 * joints for joints in millimetres))
        assert found == pytest.approx(reference['pck3d150'], abs=1e-12)


def test_mpjpe_counts_the_root_and_not_the_position():
    target = np.zeros((1, 3, 3))
    predicted = target + 5.0
    predicted[0, 1] += [3.0, 4.0, 0.0]
    assert mpjpe(predicted, target) == pytest.approx(5.0 / 3.0)
    assert mpjpe(predicted, target, root=None) > 5.0


def test_mpjpe_leaves_missing_joints_out():
    target = np.array([[[0.0, 0.0], [1.0, 0.0], [NAN, NAN]]])
    predicted = np.array([[[0.0, 0.0], [1.0, 2.0], [9.0, 9.0]]])
    assert mpjpe(predicted, target) == pytest.approx(1.0)
    assert math.isnan(mpjpe(predicted, np.full_like(target, NAN)))


def rotation(rng):
    q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return q * np.sign(np.linalg.det(q))


def test_p_mpjpe_undoes_similarities():
    rng = np.random.default_rng(0)
    target = rng.normal(size=(4, 17, 3))
    moved = np.stack(
        [s * pose @ rotation(rng) for s, pose in zip((0.3, 1, 2, 9), target, strict=True)]
    )
    assert p_mpjpe(moved + rng.normal(size=(4, 1, 3)), target) == pytest.approx(0.0, abs=1e-12)


def test_p_mpjpe_does_not_undo_a_mirror():
    target = np.random.default_rng(1).normal(size=(17, 3))
    assert p_mpjpe(target * [-1.0, 1.0, 1.0], target) > 0.3


def test_p_mpjpe_is_the_least_squares_optimum():
    rng = np.random.default_rng(2)
    target = rng.normal(size=(17, 3))
    noisy = target + 0.1 * rng.normal(size=(17, 3))
    aligned = p_mpjpe(noisy, target)
    assert 0.0 < aligned < mpjpe(noisy, target)


def test_p_mpjpe_ignores_missing_joints():
    rng = np.random.default_rng(3)
    target = rng.normal(size=(2, 17, 3))
    moved = 2.0 * target @ rotation(rng) + 1.0
    target[0, 3], moved[1, 5] = NAN, NAN
    assert p_mpjpe(moved, target) == pytest.approx(0.0, abs=1e-12)
    assert math.isnan(p_mpjpe(moved * NAN, target))


def test_p_mpjpe_of_a_bent_line_by_hand():
    # Points 0, 1, 2 on a line against 0, 1, 3: the best scale is 3/2, the shift 4/3 - 3/2.
    target = np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]])
    predicted = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    residual = np.abs(np.array([-1 / 6, 4 / 3, 17 / 6]) - [0.0, 1.0, 3.0])
    assert p_mpjpe(predicted, target) == pytest.approx(residual.mean())


def test_pck_is_pooled_over_valid_pairs():
    target = np.array([[[0.0, 0.0], [10.0, 0.0]], [[0.0, 0.0], [NAN, NAN]]])
    predicted = np.array([[[3.0, 4.0], [10.0, 6.0]], [[NAN, NAN], [0.0, 0.0]]])
    errors = joint_errors(predicted, target, [10.0, 20.0])
    np.testing.assert_array_equal(errors, [[0.5, 0.6], [np.inf, NAN]])
    assert pck(errors, 0.5) == pytest.approx(1.0 / 3.0)  # the border is correct
    assert pck(errors[:, 1], 0.7) == 1.0
    assert math.isnan(pck(errors[1:, 1], 0.7))


def test_pckh_leaves_pelvis_and_thorax_out():
    target = np.zeros((1, 16, 2))
    predicted = np.zeros((1, 16, 2))
    predicted[0, :2] = 99.0
    predicted[0, 5] = [0.0, 51.0]
    size = head_size([[0.0, 0.0, 100.0, 0.0], [10.0, 20.0, 40.0, 60.0]])
    np.testing.assert_allclose(size, [60.0, 30.0])
    assert pckh(predicted, target, [100.0]) == pytest.approx(13.0 / 14.0)
    assert pckh(predicted, target, [102.0]) == 1.0


def test_auc_by_hand():
    # Errors 0 and 0.3 at thresholds 0, 0.1, ... 0.5: shares 1/2, 1/2, 1/2, 1, 1, 1.
    assert auc([0.0, 0.299], max_threshold=0.5, steps=5) == pytest.approx(0.75)
    assert auc([0.0, 0.0], max_threshold=0.5, steps=50) == 1.0
    assert math.isnan(auc([NAN], max_threshold=0.5, steps=5))
    with pytest.raises(ConfigError, match='at least 1 step'):
        auc([0.0], max_threshold=0.5, steps=0)


def test_auc_of_one_step_is_the_mean_of_both_ends():
    assert auc([0.0, 0.4], max_threshold=0.5, steps=1) == pytest.approx(0.75)


def test_auc_counts_an_error_at_the_upper_end():
    assert auc([0.5], max_threshold=0.5, steps=4) == pytest.approx(0.2)


def test_auc_refuses_a_negative_number_of_steps():
    with pytest.raises(ConfigError, match='got -3'):
        auc([0.0], max_threshold=0.5, steps=-3)


def test_head_size_of_one_box_and_of_boxes_of_clips():
    assert head_size([10.0, 20.0, 40.0, 60.0]) == pytest.approx(30.0)
    boxes = np.zeros((2, 3, 4))
    boxes[1, 2] = [10.0, 20.0, 40.0, 60.0]
    expected = np.zeros((2, 3))
    expected[1, 2] = 30.0
    np.testing.assert_allclose(head_size(boxes), expected)


def test_head_size_of_a_box_that_is_annotated_backwards():
    # Unsigned pixels: the differences are negative, which uint8 cannot hold.
    size = head_size(np.array([40, 60, 10, 20], np.uint8))
    assert size.dtype == np.float64
    assert size == pytest.approx(30.0)


def test_pck_torso_counts_visible_joints_within_a_tenth():
    target = np.zeros((1, 17, 2))
    target[0, PA17J.index('left_shoulder')] = [30.0, 0.0]
    target[0, PA17J.index('right_hip')] = [0.0, 40.0]  # diameter 50 px
    predicted = target.copy()
    predicted[0, 2] += [0.0, 5.0]  # on the border: right
    predicted[0, 3] += [0.0, 5.1]  # wrong
    predicted[0, 8] += 99.0  # wrong but hidden
    visible = np.ones((1, 17), bool)
    visible[0, 8] = False
    found = pck_torso(predicted, target, layout='pa17j', visible=visible)
    assert found == pytest.approx(15.0 / 16.0)
    assert pck_torso(predicted, target, layout='pa17j') == pytest.approx(15.0 / 17.0)


def test_pck_torso_skips_samples_without_a_torso():
    target = np.random.default_rng(4).normal(size=(2, 17, 2))
    target[0, PA17J.index('right_hip')] = NAN
    predicted = target.copy()
    predicted[0] = 99.0
    assert pck_torso(predicted, target, layout='pa17j') == 1.0


def test_pck3d_border_and_root():
    target = np.zeros((1, 3, 3))
    predicted = np.zeros((1, 3, 3))
    predicted[0, :, 2] = [9.0, 0.149, 0.151]
    assert pck3d(predicted, target) == pytest.approx(0.5)
    assert pck3d(predicted, target, root=None) == pytest.approx(1.0 / 3.0)


def test_shapes_that_differ_are_refused():
    with pytest.raises(ConfigError, match=r'\(2, 16, 2\) and \(16, 2\)'):
        mpjpe(np.zeros((2, 16, 2)), np.zeros((16, 2)))


def test_mpjpe_centres_both_poses():
    target = np.random.default_rng(6).normal(size=(3, 17, 3))
    assert mpjpe(target, target + 5.0) == pytest.approx(0.0)
    assert mpjpe(target - 5.0, target) == pytest.approx(0.0)
    assert mpjpe(target, target + 5.0, root=None) == pytest.approx(5.0 * 3**0.5)


def test_pck_torso_skips_a_torso_without_extent():
    target = np.random.default_rng(4).normal(size=(2, 17, 2))
    target[0, PA17J.index('right_hip')] = target[0, PA17J.index('left_shoulder')]
    predicted = target.copy()
    predicted[0] += 1.0
    assert pck_torso(predicted, target, layout='pa17j') == 1.0
