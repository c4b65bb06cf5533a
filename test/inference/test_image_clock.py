"""Which stamps are believed: late ones never, those far off once others confirm them."""

import pytest

from pose_action_ros.inference.image_clock import ImageClock

MS = 1_000_000
START = 1_700_000_000 * 10**9
LATE, AHEAD, BEHIND = 'late', 'ahead of', 'behind'


def run(*offsets_ms, gap_s=0.5, back_after=3, start=START):
    """What is said of each image: '' where it is taken, '<' where time went back with it."""
    clock, said = ImageClock(), []
    for offset in offsets_ms:
        admission = clock.admit(start + offset * MS, gap_s, back_after)
        words = [word for word in (LATE, AHEAD, BEHIND) if word in admission.reason]
        said.append('<' if admission.went_back else ''.join(words))
    return said


def test_images_in_order_and_of_one_stamp_are_taken():
    assert run(0, 66, 133, 133, 200, 700) == [''] * 6


@pytest.mark.parametrize('distance', [1, 2])
def test_swapped_images_are_late(distance):
    order = list(range(0, 1000, 50))
    for place in range(3, 18, 5):
        order[place], order[place + distance] = order[place + distance], order[place]
    said = run(*order)
    assert said.count(LATE) == 3 * distance
    assert set(said) == {'', LATE}


@pytest.mark.parametrize(
    ('wrong', 'said'), [(5000, AHEAD), (90_000, AHEAD), (-5000, BEHIND), (-START // MS, BEHIND)]
)
def test_one_wrong_stamp_is_left_out(wrong, said):
    assert run(0, 50, wrong, 100, 150, wrong, 200) == ['', '', said, '', '', said, '']


def test_a_pause_costs_one_image():
    assert run(0, 50, 9000, 9050, 9100) == ['', '', AHEAD, '', '']


def test_a_recording_that_starts_again_is_followed():
    assert run(90_000, 90_050, 0, 50, 100) == ['', '', BEHIND, '<', '']


def test_a_wrong_first_stamp_is_forgotten():
    assert run(5000, 0, 50, 100) == ['', BEHIND, '<', '']
    assert run(-START // MS, 0, 50, 100) == ['', AHEAD, '', '']


def test_a_small_step_back_is_believed_after_some_images():
    assert run(400, 0, 50, 100, 150) == ['', LATE, LATE, '<', '']
    assert run(400, 0, 50, 100, 150, back_after=4) == ['', LATE, LATE, LATE, '<']


@pytest.mark.parametrize('side', [90_000, -90_000])
def test_a_clock_that_stands_still_elsewhere_is_followed(side):
    said = run(0, 50, *[side] * 5)
    assert said[2:4] == [AHEAD if side > 0 else BEHIND] * 2
    assert said[4:] == ['' if side > 0 else '<', '', '']


def test_two_publishers_of_different_clocks_do_not_mix():
    said = run(*(k for i in range(5) for k in (50 * i, 90_000 + 50 * i)))
    assert said == ['', AHEAD] * 5


@pytest.mark.parametrize('step', [600, 1000, 5000])
def test_slow_images_are_taken_once_their_pace_is_known(step):
    assert run(*range(0, 10 * step, step)) == ['', AHEAD, *[''] * 8]


def test_slow_images_have_late_and_wrong_ones_too():
    slow = [0, 1000, 2000, 3000, 60_000, 4000, 3000, 5000]
    assert run(*slow) == ['', AHEAD, '', '', AHEAD, '', BEHIND, '']


def test_reset_takes_any_stamp():
    clock = ImageClock()
    clock.admit(START, 0.5, 3)
    assert clock.admit(0, 0.5, 3).reason
    clock.reset()
    assert clock.admit(0, 0.5, 3).reason == ''


def test_slow_images_that_jump_are_doubted():
    assert run(0, 1000, 2000, 3000, 8000, 4000) == ['', AHEAD, '', '', AHEAD, '']
