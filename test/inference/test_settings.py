"""Every setting has a text, a range that holds its default, and an error that names it."""

from dataclasses import fields

import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.inference.settings import (
    BodySettings,
    ClipSettings,
    FindSettings,
    SmoothSettings,
    StreamSettings,
    TimeSettings,
    TrackSettings,
)

GROUPS = [ClipSettings, TimeSettings, TrackSettings, FindSettings, SmoothSettings, BodySettings]
NUMBERS = [
    pytest.param(group, item, id=f'{group.__name__}.{item.name}')
    for group in GROUPS
    for item in fields(group)
    if item.type in ('int', 'float')
]


@pytest.mark.parametrize('group', GROUPS)
def test_every_setting_has_a_text(group):
    for item in fields(group):
        text = item.metadata['help']
        assert len(text) > 15
        assert text.endswith('.')
        assert (item.type in ('int', 'float')) == ('min' in item.metadata)


@pytest.mark.parametrize(('group', 'item'), NUMBERS)
def test_both_ends_of_the_range(group, item):
    low, high = item.metadata['min'], item.metadata['max']
    assert low <= item.default <= high
    for end in (low, high):
        assert getattr(group(**{item.name: end}), item.name) == end
    for beyond in (low - 1, high + 1, float('nan')):
        with pytest.raises(ConfigError, match=rf'{item.name} is {beyond}; it must lie in'):
            group(**{item.name: beyond})


def test_all_groups_are_in_the_stream():
    assert [
        type(getattr(StreamSettings(), item.name)) for item in fields(StreamSettings)
    ] == GROUPS


@pytest.mark.parametrize('frames', [1, 3])
def test_clips_too_short_for_the_heads(frames):
    with pytest.raises(ConfigError, match=rf'clip\.frames is {frames}; expected 0 or 4 and more'):
        ClipSettings(frames=frames)
