"""The default weights: small enough, of the right shape, and they see the actor and nobody."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pose_action_ros.core.actions import PEOPLE_ACTIONS
from pose_action_ros.core.weights import SHIPPED_WEIGHTS
from pose_action_ros.data.simulated import SimulatedPoses
from pose_action_ros.inference.settings import TrackSettings
from pose_action_ros.models import find_weights, load_model, read_metadata

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def net():
    return load_model(find_weights(SHIPPED_WEIGHTS))


def test_file_and_provenance():
    path = find_weights(SHIPPED_WEIGHTS)
    assert path == ROOT / 'weights/people.safetensors'
    assert path.stat().st_size <= 15e6
    assert 'phases' in read_metadata(path)


def test_shape(net):
    config = net.config
    assert (config.layout, config.dimensions, config.actions) == ('pa17j', 3, PEOPLE_ACTIONS)


def test_it_sees_actors_that_it_was_not_trained_on(net):
    """A guard, not the measurement: that is `pose-action evaluate simulated`."""
    samples = [SimulatedPoses('test', 30)[index] for index in range(30)]
    crops = torch.stack([sample['crop'] for sample in samples]).float() / 127.5 - 1
    with torch.inference_mode():
        joints = net.forward_pose(crops)[-1].joints.numpy()
    true = np.stack([sample['joints_crop'].numpy() for sample in samples])
    offset = np.linalg.norm(joints[..., :2] - true[..., :2], axis=-1)
    assert np.nanmean(offset) < 0.05  # of the crop's side


def test_it_tells_a_person_from_an_empty_place(net):
    """A guard, not the measurement: that is `pose-action evaluate finding`."""
    confidences = []
    for empty in (False, True):
        data = SimulatedPoses('test', 15, empty=empty)
        crops = torch.stack([data[index]['crop'] for index in range(15)]).float() / 127.5 - 1
        with torch.inference_mode():
            confidences.append(net.forward_pose(crops)[-1].visibility.mean(dim=1))
    track = TrackSettings()
    assert confidences[0].min() > track.min_confidence > confidences[1].max()
