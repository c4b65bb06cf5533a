"""Features of clips: computed once, in blocks, shared between processes, on their devices."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.data.simulated import SimulatedClips
from pose_action_ros.training import feature_cache
from pose_action_ros.training.callbacks import FeatureFilling
from pose_action_ros.training.feature_cache import CachedFeatures
from pose_action_ros.training.order import OrderedSamples


@pytest.fixture
def clips():
    return OrderedSamples(SimulatedClips('val', 5, frames=4), 1, shuffle=False)


@pytest.fixture
def batches(tiny_net, monkeypatch):
    """Sizes of the batches that pass the pose network, in blocks of two clips."""
    monkeypatch.setattr(feature_cache, '_CROPS_AT_ONCE', 8)
    sizes, forward = [], tiny_net.forward_frames

    def forward_frames(crops):
        sizes.append(len(crops))
        return forward(crops)

    tiny_net.forward_frames = forward_frames
    return sizes


def test_clips_pass_the_network_in_blocks_and_once(tiny_net, clips, batches, tmp_path):
    features = CachedFeatures(clips, tmp_path / 'x.npy')
    with pytest.raises(DatasetError, match='call `fill` first'):
        features[0]
    features.fill(tiny_net)
    assert batches == [4, 8, 8, 4]  # an example, then five clips of four frames
    again = CachedFeatures(clips, tmp_path / 'x.npy')
    again.fill(tiny_net)
    assert batches[4:] == [4]
    for index in range(5):
        assert int(again[index]['action']) == int(clips.source[index]['action'])


def test_processes_share_the_work_and_one_takes_what_others_lack(
    tiny_net, clips, batches, tmp_path
):
    alone = CachedFeatures(clips, tmp_path / 'alone.npy')
    alone.fill(tiny_net)
    parts = [CachedFeatures(clips, tmp_path / 'shared.npy') for _ in range(2)]
    batches.clear()
    parts[1].fill(tiny_net, rank=1, world_size=2)
    assert batches == [4, 8]
    with pytest.raises(DatasetError, match='no features of clip 0'):
        parts[1][0]
    parts[0].fill(tiny_net, rank=0, world_size=2)
    assert batches == [4, 8, 4, 8, 4]
    parts[1].fill(tiny_net)
    assert len(batches) == 5
    for index in range(5):
        for name, value in alone[index].items():
            assert torch.equal(parts[1][index][name], value), name


def test_features_are_computed_on_the_device_and_in_the_precision_of_the_training(tiny_net):
    calls = []

    class Cache:
        def fill(self, net, *, rank=0, world_size=1, context, **options):
            calls.append((rank, world_size, context, options))

    moved = []
    tiny_net.to = moved.append
    trainer = SimpleNamespace(
        strategy=SimpleNamespace(root_device='the device', barrier=calls.append),
        precision_plugin=SimpleNamespace(forward_context=nullcontext),
        global_rank=1,
        world_size=3,
    )
    filling = FeatureFilling([Cache()], channels_last=True, workers=2, progress=False)
    filling.setup(trainer, SimpleNamespace(net=tiny_net), 'fit')
    options = {'channels_last': True, 'workers': 2, 'progress': False}
    assert moved == ['the device']
    assert calls == [
        (1, 3, nullcontext, options),
        'features',  # all have done their part
        (0, 1, nullcontext, options),
        'missing features',
    ]
