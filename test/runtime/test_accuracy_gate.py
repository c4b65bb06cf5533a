"""A reduced precision is tried on pictures of people, and they are what the module says."""

import numpy as np
import pytest

from pose_action_ros.core.errors import CheckpointError
from pose_action_ros.geometry import box_around, crop_transform, extract_crop
from pose_action_ros.models import ModelConfig
from pose_action_ros.runtime import accuracy_gate as gate
from pose_action_ros.runtime.accuracy_gate import as_clip, deviation, gate_pictures, one_by_one
from pose_action_ros.runtime.network import FrameArrays
from pose_action_ros.simulation.scene import SimulatedFilm


def test_the_stored_pictures_are_the_simulated_actor():
    pictures = gate_pictures()
    assert pictures.shape == (8, 256, 256, 3)
    for number, picture in enumerate(pictures):
        shot = SimulatedFilm(101 + number // 2).frame((4.0, 7.0)[number % 2])
        window = crop_transform(box_around(shot.joints_image_px, enlarge=1.4))
        crop = extract_crop(shot.image_rgb, window)
        assert np.abs(crop.astype(int) - picture).mean() < 6  # JPEG


def test_a_missing_file_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(gate, '_PICTURES', tmp_path / 'gone.jpg')
    with pytest.raises(CheckpointError, match=r'gone\.jpg; install the package again'):
        gate_pictures.__wrapped__()


class Said:
    """A network that says what it is told."""

    def __init__(self, joints, scores):
        self.joints = joints
        self.seen = []  # pictures at a time
        self.actions = lambda joints, *_: np.float32([scores])

    def frames(self, crops):
        count = len(crops)
        self.seen.append(count)
        return FrameArrays(
            np.tile(np.float32(self.joints), (count, 17, 1)),
            np.full((count, 17), 0.9, np.float32),
            np.full((count, 17), 0.9, np.float32),
            np.zeros((count, 17, 4), np.float32),
        )


def test_deviation_is_in_pixels_of_the_crop_and_in_probability():
    config = ModelConfig.preset('compact')
    exact = Said((0.5, 0.5, 0.5), (0.8, 0.2))
    near = Said((0.5 + 3 / 256, 0.5 - 4 / 256, 0.9), (0.77, 0.23))
    joint_px, score = deviation(near, exact, config)
    assert joint_px == pytest.approx(5.0, abs=1e-4)
    assert score == pytest.approx(0.03, abs=1e-6)
    assert near.seen == exact.seen == 8 * [1]  # as a stream sees them
    poses_only = ModelConfig.preset('h36m')
    assert deviation(near, exact, poses_only)[1] == 0.0


def test_a_clip_of_the_pictures_repeats_them():
    frames = one_by_one(Said((0.1, 0.2, 0.3), (1.0,)), gate_pictures())
    frames.probability[:] = np.arange(8)[:, None]
    joints, probability, features = as_clip(frames, 20)
    assert joints.shape == (1, 20, 17, 3)
    assert features.shape == (1, 20, 17, 4)
    np.testing.assert_array_equal(probability[0, :, 0], np.arange(20) % 8)
