"""Clips of several data sets with one list of actions."""

import pytest

from pose_action_ros.core.actions import OTHER, PEOPLE_ACTIONS, SIMULATED_ACTIONS
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.data.renamed import class_numbers
from pose_action_ros.models import ModelConfig
from pose_action_ros.training.clip_sources import mixed_clips, simulated_clips
from pose_action_ros.training.config import DataSettings

MODEL = ModelConfig.preset('compact', name='people', actions=PEOPLE_ACTIONS)


def test_classes_get_the_networks_numbers():
    names = ('stand', 'golf', 'wave')
    numbers = class_numbers(names, PEOPLE_ACTIONS, {'stand': 'stand up'}, OTHER)
    assert [PEOPLE_ACTIONS[n] for n in numbers] == ['stand up', OTHER, 'wave']
    assert class_numbers(names, PEOPLE_ACTIONS, {}, None)[1] == -1


@pytest.mark.parametrize(
    ('classes', 'rest'), [({'gulf': 'wave'}, None), ({'golf': 'fly'}, None), ({}, 'nothing')]
)
def test_unknown_classes_and_actions_are_named(classes, rest):
    with pytest.raises(ConfigError, match=r'gulf|fly|nothing'):
        class_numbers(('golf',), PEOPLE_ACTIONS, classes, rest)


def test_the_actor_shows_every_action_that_the_network_knows():
    clips = simulated_clips(MODEL, 'val', 16)
    shown = [PEOPLE_ACTIONS[int(clips[i]['action'])] for i in range(16)]
    assert shown == [*SIMULATED_ACTIONS, OTHER]


def test_a_network_without_an_action_of_the_actor_is_refused():
    with pytest.raises(ConfigError, match='fall'):
        simulated_clips(ModelConfig.preset('compact', actions=SIMULATED_ACTIONS[:-1]), 'val', 1)


def test_an_endless_entry_comes_in_its_own_order():
    data = DataSettings(clips=8, options={'clips': {'actor': {'name': 'simulated'}}})
    clips = mixed_clips(data, MODEL, 'train')
    assert len(clips) == 8
    assert [clips.locate(i)[1] for i in range(8)] == list(range(8))
    assert int(clips[3]['action']) == 3


@pytest.mark.parametrize(
    'entries',
    [
        {},
        {'actor': {'name': 'simulated', 'zoom': 1}},
        {'films': {'name': 'jhmdb'}},
        {'films': {'name': 'jhmdb', 'root': 'x', 'speed': 2}},
    ],
)
def test_entries_that_mean_nothing_are_refused(entries):
    with pytest.raises(ConfigError):
        mixed_clips(DataSettings(options={'clips': entries}), MODEL, 'train')
