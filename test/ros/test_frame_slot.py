"""The newest frame only, and every drop counted."""

import threading
import time

from pose_action_ros.ros.frame_slot import FrameSlot, PublisherGaps


def test_newest_wins_and_the_replaced_are_counted():
    slot = FrameSlot()
    for number in range(5):
        slot.put(number)
    assert slot.take() == 4
    assert (slot.received, slot.dropped) == (5, 4)


def test_a_taken_frame_is_no_drop():
    slot = FrameSlot()
    for number in range(3):
        slot.put(number)
        assert slot.take() == number
    assert (slot.received, slot.dropped) == (3, 0)


def test_take_waits_for_a_frame():
    slot = FrameSlot()
    timer = threading.Timer(0.05, slot.put, args=['late'])
    start = time.monotonic()
    timer.start()
    assert slot.take() == 'late'
    assert time.monotonic() - start > 0.04
    timer.join()


def test_close_wakes_the_consumer():
    slot = FrameSlot()
    timer = threading.Timer(0.05, slot.close)
    timer.start()
    assert slot.take() is None
    timer.join()


def test_what_the_middleware_drops_counts():
    slot = FrameSlot()
    slot.put('a', missed=3)
    assert slot.take() == 'a'
    assert (slot.received, slot.dropped) == (4, 3)


def test_gaps_in_the_numbering_of_each_publisher():
    gaps = PublisherGaps()

    def missed(number, sender):
        info = {'publication_sequence_number': number, 'publisher_gid': {'data': sender}}
        return gaps.missed(info)

    assert [missed(n, b'one') for n in (7, 8, 12, 13)] == [0, 0, 3, 0]  # 1 to 6: before our time
    assert [missed(n, b'two') for n in (1, 3)] == [0, 1]
    assert missed(1, b'one') == 0  # a publisher that starts again
    assert gaps.missed({}) == 0


def test_gaps_of_a_distribution_that_names_no_publisher():
    gaps = PublisherGaps()
    numbers = (7, 8, 12, 13, 1, 2)
    found = [gaps.missed({'publication_sequence_number': number}) for number in numbers]
    assert found == [0, 0, 3, 0, 0, 0]
