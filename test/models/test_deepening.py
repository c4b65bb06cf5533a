"""A deeper network starts as its shallow one, with copies of the last block behind it."""

import pytest
import torch

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.models import ModelConfig, MultitaskNet, save_model
from pose_action_ros.training.config import ModelSettings
from pose_action_ros.training.run import start_network

SMALL = {'features': 16, 'depth_maps': 2, 'actions': []}


@pytest.fixture(scope='module')
def shallow(tmp_path_factory):
    torch.manual_seed(3)
    net = MultitaskNet(ModelConfig.preset('compact', **SMALL)).eval()
    path = tmp_path_factory.mktemp('weights') / 'shallow.safetensors'
    save_model(net, path)
    return net, path


def maps_of(net):
    crops = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        return net.eval().pose_net(crops).heat_maps


def test_the_first_blocks_keep_their_outputs_and_the_further_ones_are_copies(shallow):
    net, path = shallow
    deep = start_network(ModelSettings(weights=str(path), changes={**SMALL, 'blocks': 4}))

    before, after = maps_of(net), maps_of(deep)
    assert len(after) == 4
    for shallow_map, deep_map in zip(before, after, strict=False):
        torch.testing.assert_close(deep_map, shallow_map)
    last = net.pose_net.blocks[1].state_dict()
    feedback = net.pose_net.blocks[0].from_maps.state_dict()
    for number in (1, 2, 3):
        block = deep.pose_net.blocks[number]
        for name, value in last.items():
            torch.testing.assert_close(block.state_dict()[name], value)
        if number < 3:
            for name, value in feedback.items():
                torch.testing.assert_close(block.from_maps.state_dict()[name], value)
        else:
            assert block.from_maps is None


def test_fewer_blocks_keep_the_first_ones(shallow):
    net, path = shallow
    single = start_network(ModelSettings(weights=str(path), changes={**SMALL, 'blocks': 1}))
    torch.testing.assert_close(maps_of(single)[0], maps_of(net)[0])


def test_one_block_has_nothing_to_copy(tmp_path):
    path = tmp_path / 'one.safetensors'
    save_model(MultitaskNet(ModelConfig.preset('compact', **SMALL, blocks=1)).eval(), path)
    with pytest.raises(ConfigError, match='start from weights of the same width'):
        start_network(ModelSettings(weights=str(path), changes={**SMALL, 'blocks': 6}))
