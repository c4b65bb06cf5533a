"""A mistyped name is answered with the nearest that exists."""

import pytest

from pose_action_ros.core.spelling import did_you_mean


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('demoo', '; did you mean demo?'),
        ('peple', '; did you mean people?'),
        ('resnet', ''),
        ('', ''),
    ],
)
def test_the_nearest_name(name, expected):
    assert did_you_mean(name, ['people', 'demo', 'mpii']) == expected
