"""The shipped weights: small enough, of the right shape, and they see the actor."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pose_action_ros.core.actions import PEOPLE_ACTIONS, SIMULATED_ACTIONS
from pose_action_ros.core.weights import DEMO_WEIGHTS, SHIPPED_WEIGHTS
from pose_action_ros.data.simulated import SimulatedPoses
from pose_action_ros.inference import PoseActionStream
from pose_action_ros.inference.settings import TrackSettings
from pose_action_ros.models import find_weights, load_model, read_metadata
from pose_action_ros.runtime import Engine

ROOT = Path(__file__).parents[2]


ACTIONS = {SHIPPED_WEIGHTS: PEOPLE_ACTIONS, DEMO_WEIGHTS: SIMULATED_ACTIONS}


@pytest.fixture(scope='module', params=ACTIONS)
def name(request):
    return request.param


@pytest.fixture(scope='module')
def net(name):
    return load_model(find_weights(name))


def test_file_and_provenance(name):
    path = find_weights(name)
    assert path == ROOT / f'weights/{name}.safetensors'
    assert path.stat().st_size <= 15e6
    assert {'seed', 'settings', 'phases'} <= set(read_metadata(path))


def test_shape(name, net):
    config = net.config
    assert (config.layout, config.dimensions, config.actions) == ('pa17j', 3, ACTIONS[name])


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
    """A guard, not the measurement: that is `pose-action evaluate simulated`."""
    confidences = []
    for empty in (False, True):
        data = SimulatedPoses('test', 15, empty=empty)
        crops = torch.stack([data[index]['crop'] for index in range(15)]).float() / 127.5 - 1
        with torch.inference_mode():
            confidences.append(net.forward_pose(crops)[-1].visibility.mean(dim=1))
    track = TrackSettings()
    assert confidences[0].min() > track.min_confidence > confidences[1].max()


def test_nobody_is_followed_where_nobody_is(net):
    stream = PoseActionStream(Engine(net, 'cpu'))
    person, place = (SimulatedPoses('test', 8, empty=empty)[7]['crop'] for empty in (False, True))
    images = [np.ascontiguousarray(crop.permute(1, 2, 0).numpy()) for crop in (person, place)]
    seen = [stream.process(images[0], index * 66_000_000) for index in range(3)]
    assert [len(frame.persons) for frame in seen] == [1, 1, 1]
    gone = [stream.process(images[1], index * 66_000_000) for index in range(3, 10)]
    assert not any(frame.persons for frame in gone)
    assert [frame.ended_tracks for frame in gone if frame.ended_tracks] == [
        (seen[0].persons[0].track_id,)
    ]
