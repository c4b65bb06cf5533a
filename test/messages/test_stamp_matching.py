"""Messages matched to images by stamp: which one serves, and which are worth waiting for."""

import pytest

from pose_action_ros.messages.stamp_matching import StampedItems

SECOND, MS = 10**9, 10**6
START = 1_700_000_000 * SECOND


def test_the_nearest_stamp_serves_and_the_oldest_goes():
    items = StampedItems(3)
    assert items.nearest(0, 1.0) is None
    for stamp in (10, 20, 30, 40):
        items.put(stamp * MS, stamp, 0)
    assert len(items) == 3
    stamps = (10, 16, 24, 26, 44, 46)
    assert [items.nearest(s * MS, 0.005) for s in stamps] == [None, 20, 20, 30, 40, None]


def test_a_fast_topic_is_kept_for_a_time_and_a_slow_one_by_number():
    """At 90 Hz eight items last for 89 ms, and a busy worker takes an image later than that."""
    fast, slow = StampedItems(8, 0.5), StampedItems(8, 0.5)
    for index in range(900):
        fast.put(START + index * SECOND // 90, index, index * SECOND // 90)
        slow.put(START + index * SECOND, index, index * SECOND)
    newest = START + 899 * SECOND // 90
    assert fast.nearest(newest - 400 * MS, 0.006) is not None
    assert 45 <= len(fast) <= 46
    assert len(slow) == 8
    for index in range(900):
        fast.put(START + index * MS, index, index * MS)
    assert len(fast) == 64


class Run:
    """Images of 15 Hz, and items that come some time after their image."""

    def __init__(self, delay_ms, offset_ms=0, every=1):
        self.items = StampedItems(8)
        self.waits = []  # ms, None: it was not awaited to the end
        for index in range(40):
            self.image(index, delay_ms, offset_ms, every)

    def image(self, index, delay_ms, offset_ms, every, wait_s=0.04):
        """As the node: the image waits while the item is awaited; then its item comes or not."""
        stamp = START + index * SECOND // 15
        self.items.note_image(stamp, stamp)
        awaited = self.items.awaited(stamp, wait_s)
        if delay_ms is not None and index % every == 0:
            self.items.put(stamp + offset_ms * MS, index, stamp + delay_ms * MS)
            came_in_time = delay_ms <= wait_s * 1e3 and not self.items.awaited(stamp, wait_s)
        else:
            came_in_time = False
        self.waits.append((awaited, came_in_time))


@pytest.mark.parametrize('delay_ms', [1, 25, 40])
def test_items_that_come_soon_after_their_image_are_awaited_from_the_first_on(delay_ms):
    assert Run(delay_ms).waits == [(True, True)] * 40


def test_items_that_come_too_late_are_soon_not_awaited():
    waits = Run(60).waits
    assert waits[0] == (True, False)
    assert not any(awaited for awaited, _ in waits[8:])


def test_a_topic_that_is_silent_is_soon_not_awaited():
    waits = Run(None).waits
    assert [awaited for awaited, _ in waits] == [True] * 8 + [False] * 32


def test_items_without_stamps_are_soon_not_awaited():
    assert not any(awaited for awaited, _ in Run(10, offset_ms=-START // MS).waits[9:])


def test_items_of_a_clock_ahead_are_not_awaited():
    assert not any(awaited for awaited, _ in Run(10, offset_ms=3000).waits[1:])


def test_a_topic_that_comes_in_time_again_is_awaited_again():
    run = Run(60)
    for index in range(40, 50):
        run.image(index, 10, 0, 1)
    assert run.waits[40:42] == [(False, True), (True, True)]


def test_an_item_that_is_there_is_not_awaited():
    items = StampedItems(8)
    items.put(START, 'a', 0)
    items.note_image(START, 5 * MS)
    assert not items.awaited(START, 0.04)
    items.note_image(START + 66 * MS, 71 * MS)
    assert items.awaited(START + 66 * MS, 0.04)


@pytest.mark.parametrize(
    ('stamp', 'text'),
    [
        (START - 66 * MS, 'the nearest is 0.07 s older'),
        (START + 3 * SECOND, 'the nearest is 3 s newer: do their stamps come from another clock?'),
        (0, 'their stamps are 0'),
    ],
)
def test_by_how_much_they_miss(stamp, text):
    items = StampedItems(8)
    assert items.missed_by(START) == 'none has come'
    items.put(stamp, 'a', 0)
    assert text in items.missed_by(START)


def test_a_topic_that_has_stopped_is_not_blamed_on_clocks():
    items = StampedItems(8)
    items.put(START, 'a', 0)
    for index in range(9):
        items.note_image(START + (2 + index) * SECOND, 0)
    assert items.missed_by(START + 10 * SECOND) == 'no more come'
    items.put(START + 10 * SECOND, 'b', 0)
    assert 'newer' in items.missed_by(START + 9 * SECOND)
