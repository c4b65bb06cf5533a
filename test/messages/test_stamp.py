"""Every number of nanoseconds has seconds and nanoseconds that a message holds."""

import pytest

from pose_action_ros.messages.stamp import stamp_from_msg, stamp_to_msg

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize('stamp_ns', [0, 1, -1, 5 * SECOND_NS, 2**31 * SECOND_NS - 1])
def test_what_a_message_holds_is_kept(make, stamp_ns):
    stamp = stamp_to_msg(make, stamp_ns)
    assert stamp_from_msg(stamp) == stamp_ns
    assert 0 <= stamp.nanosec < SECOND_NS


@pytest.mark.parametrize('sec', [-(2**31), 2**31 - 1])
@pytest.mark.parametrize('off_ns', [-5 * SECOND_NS, 2**32 - 1])
def test_what_no_message_holds_is_cut_off(make, sec, off_ns):
    stamp = stamp_to_msg(make, sec * SECOND_NS + off_ns)
    assert -(2**31) <= stamp.sec < 2**31
    assert abs(stamp.sec - sec) <= 5
    assert 0 <= stamp.nanosec < SECOND_NS
