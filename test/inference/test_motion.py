"""The window that follows one person: its growth, its look-ahead, and when it stops."""

import pytest

from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.inference.motion import Motion

STEP = 50_000_000
GRID = 2 ** (1 / 16)  # a window's size differs from the wanted one by at most this factor


def box(x=300.0, size=100.0):
    return PersonBox(x, 200.0, size)


def walking():
    """Somebody who walks to the right, 5 pixels an image, last seen at x = 400."""
    motion = Motion(box(), 0, box())
    for index in range(1, 21):
        motion.follow(box(300.0 + 5 * index), index * STEP, box())
    return motion


def expected(motion, after_s):
    """The column where the person is expected so long after the last image, and its tolerance."""
    window = motion.window(20 * STEP + round(after_s * 1e9), velocity=True)
    return pytest.approx(window.center_x, abs=window.size / 48)


@pytest.mark.parametrize('size', [250.0, 400.0, 1000.0])
def test_a_window_covers_nine_tenths_of_somebody_who_grows_at_once(size):
    motion = Motion(box(), 0, box())
    motion.follow(box(size=size), STEP, box())
    window = motion.window(2 * STEP, velocity=False)
    assert 0.9 * size / GRID <= window.size <= 0.9 * size * GRID


def test_a_small_change_of_size_is_averaged():
    motion = Motion(box(), 0, box())
    motion.follow(box(size=110.0), STEP, box())
    assert motion.box.size == pytest.approx(105.0)


def test_the_look_ahead_is_longer_while_somebody_is_hidden():
    motion = walking()
    motion.miss(hidden=True)
    assert expected(motion, 0.6) == 400 + 100 * 0.6
    assert expected(motion, 2.0) == 400 + 100 * 0.7


def test_somebody_seen_again_is_no_longer_hidden():
    motion = walking()
    motion.miss(hidden=True)
    assert motion.is_missed
    motion.follow(box(400.0), 20 * STEP, box())
    assert not motion.hidden
    assert not motion.is_missed
    motion.follow(box(405.0), 21 * STEP, box())
    far = motion.window(21 * STEP + 10**9, velocity=True).center_x
    assert far <= 405 + 100 * 0.2 + 100 / 48  # images stopped: no farther than for anybody


def test_a_window_that_stops_waits_where_somebody_was_seen():
    moving, waiting = walking(), walking()
    moving.miss()
    waiting.miss(stop=True)
    assert expected(moving, 0.15) == 400 + 100 * 0.15
    assert expected(waiting, 0.15) == 400
