"""Every number of nanoseconds has seconds and nanoseconds that a message holds."""

import struct

import pytest

from pose_action_ros.core.stamps import SECOND_NS, split_stamp


@pytest.mark.parametrize('stamp_ns', [0, 1, -1, 5 * SECOND_NS, 2**31 * SECOND_NS - 1])
def test_what_a_message_holds_is_kept(stamp_ns):
    sec, nanosec = split_stamp(stamp_ns)
    assert sec * SECOND_NS + nanosec == stamp_ns
    assert 0 <= nanosec < SECOND_NS


@pytest.mark.parametrize('sec', [-(2**31), 2**31 - 1])
@pytest.mark.parametrize('off_ns', [-5 * SECOND_NS, 2**32 - 1])
def test_what_no_message_holds_is_cut_off(sec, off_ns):
    stamp = split_stamp(sec * SECOND_NS + off_ns)
    struct.pack('iI', *stamp)
    assert abs(stamp[0] - sec) <= 5
    assert stamp[1] < SECOND_NS
