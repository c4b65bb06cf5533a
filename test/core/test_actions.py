"""Vocabularies: as many names as the networks have classes, in the data sets' order."""

import pytest

from pose_action_ros.core.actions import NTU60_ACTIONS, PENN_ACTIONS, SIMULATED_ACTIONS


@pytest.mark.parametrize(
    ('names', 'count'), [(SIMULATED_ACTIONS, 15), (PENN_ACTIONS, 15), (NTU60_ACTIONS, 60)]
)
def test_counts(names, count):
    assert len(names) == len(set(names)) == count


def test_order():
    assert list(PENN_ACTIONS) == sorted(PENN_ACTIONS)
    # NTU RGB+D numbers its classes A1 to A60.
    assert NTU60_ACTIONS[0] == 'drink water'
    assert NTU60_ACTIONS[23 - 1] == 'hand waving'
    assert NTU60_ACTIONS[27 - 1] == 'jump up'
    assert NTU60_ACTIONS[43 - 1] == 'falling'
    assert NTU60_ACTIONS[60 - 1] == 'walking apart from each other'
