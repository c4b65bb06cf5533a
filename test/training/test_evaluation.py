"""Evaluation against a network that knows the truth, and one that is off by known amounts."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.data.simulated import SimulatedClips, SimulatedPoses
from pose_action_ros.models import ModelConfig, PoseOutput
from pose_action_ros.training.evaluation import evaluate_simulated, to_camera_m, to_image_px
from pose_action_ros.training.plots import save_confusion_plot

POSES, CLIPS = 4, 6


class Oracle(torch.nn.Module):
    """Says the truth of the first test samples, plus an error; later clips are all `fall`."""

    def __init__(self, *, shift=(0.0, 0.0, 0.0), right_clips=CLIPS):
        super().__init__()
        self.config = ModelConfig.preset('compact', clip_frames=4)
        self.parameter = torch.nn.Parameter(torch.zeros(()))
        self.calls = self.looks = 0
        self.right_clips = right_clips
        poses = SimulatedPoses('test', POSES)
        joints = torch.stack([poses[i]['joints_crop'] for i in range(POSES)])
        self.joints = joints + torch.tensor(shift)
        clips = SimulatedClips('test', CLIPS, frames=4)
        self.actions = [int(clips[i]['action']) for i in range(CLIPS)]

    def forward_pose(self, crops):
        seen = 0.9 if self.looks == 0 else 0.2  # first the people, then the empty windows
        self.looks += 1
        return [PoseOutput(self.joints, torch.full((len(crops), 17), seen))]

    def forward_frames(self, crops):
        count = len(crops)
        return SimpleNamespace(
            joints=torch.zeros(count, 17, 3),
            visibility=torch.zeros(count, 17),
            probability=torch.zeros(count, 17),
            joint_features=torch.zeros(count, 17, 8),
        )

    def forward_actions(self, joints, probability, joint_features):
        scores = torch.zeros(len(joints), len(self.config.actions))
        right = self.calls < self.right_clips
        scores[:, self.actions[self.calls] if right else 14] = 1
        self.calls += 1
        return SimpleNamespace(actions=scores)


def test_the_truth_scores_perfectly():
    scores = evaluate_simulated(Oracle(), poses=POSES, clips=CLIPS)
    assert scores.mpjpe_mm < 0.01
    assert scores.pixel_error < 0.01
    assert scores.pck_torso_10 == 1.0
    assert scores.action_accuracy == 1.0
    assert scores.presence_auc == 1.0
    assert scores.confidence_person_p5 == pytest.approx(0.9)
    assert scores.confidence_empty_p95 == pytest.approx(0.2)
    assert scores.baseline_mpjpe_mm > 50
    assert scores.baseline_accuracy == pytest.approx(1 / CLIPS)
    assert np.trace(scores.confusion) == CLIPS
    assert set(scores.recall.values()) == {1.0}


def test_wrong_labels_and_shifted_joints_cost_what_they_should():
    poses = SimulatedPoses('test', POSES)
    scores = evaluate_simulated(
        Oracle(shift=(0.01, 0.0, 0.0), right_clips=4), poses=POSES, clips=CLIPS
    )
    sizes = [1 / float(poses[i]['image_to_crop'][0, 0]) for i in range(POSES)]
    assert scores.pixel_error == pytest.approx(0.01 * np.mean(sizes), rel=1e-4)
    assert scores.mpjpe_mm < 5  # a shift of all joints goes with the root, but for perspective
    assert scores.action_accuracy == pytest.approx(4 / 6)
    assert sum(row[14] for row in scores.confusion) == 2


def test_depth_error_is_metric():
    net = Oracle()
    net.joints[:, 1:, 2] += 0.05  # 100 mm behind, all joints but the root
    scores = evaluate_simulated(net, poses=POSES, clips=CLIPS)
    # Farther on the same ray: a little more than the depth itself; the root's zero counts.
    assert 16 / 17 * 100 < scores.mpjpe_mm < 1.1 * 16 / 17 * 100
    assert scores.pixel_error < 0.01


def test_geometry_by_hand():
    back = to_image_px(np.array([[[0.5, 0.25, 9.0]]]), np.diag([1 / 200, 1 / 200, 1.0])[None])
    np.testing.assert_allclose(back, [[[100, 50]]])
    found = to_camera_m(
        np.array([[[420.0, 240.0]]]), np.array([[4.0]]), np.array([[500, 500, 320, 240]])
    )
    np.testing.assert_allclose(found, [[[0.8, 0.0, 4.0]]])


def test_other_networks_are_refused(tiny_net):
    tiny_net.config = ModelConfig.preset('h36m')
    with pytest.raises(ConfigError, match='has no action bow'):
        evaluate_simulated(tiny_net)


def test_confusion_picture(tmp_path):
    path = tmp_path / 'new' / 'confusion.png'
    save_confusion_plot([[3, 1], [0, 0]], ['a', 'b'], path, 'title')
    assert path.read_bytes().startswith(b'\x89PNG')
