"""The newest frame only, and every drop counted."""

import threading
import time

from pose_action_ros.ros.intake import NewestFrame


def test_newest_wins_and_the_replaced_are_counted():
    slot = NewestFrame()
    for number in range(5):
        slot.put(number)
    assert slot.take() == 4
    assert (slot.received, slot.dropped) == (5, 4)


def test_a_taken_frame_is_no_drop():
    slot = NewestFrame()
    for number in range(3):
        slot.put(number)
        assert slot.take() == number
    assert (slot.received, slot.dropped) == (3, 0)


def test_take_waits_for_a_frame():
    slot = NewestFrame()
    timer = threading.Timer(0.05, slot.put, args=['late'])
    start = time.monotonic()
    timer.start()
    assert slot.take() == 'late'
    assert time.monotonic() - start > 0.04
    timer.join()


def test_close_wakes_the_consumer():
    slot = NewestFrame()
    timer = threading.Timer(0.05, slot.close)
    timer.start()
    assert slot.take() is None
    timer.join()
