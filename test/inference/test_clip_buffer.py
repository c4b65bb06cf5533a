"""The clip in time: which stored frames stand for its moments, at any rate and with any pause."""

import numpy as np
import pytest

from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.geometry import crop_transform
from pose_action_ros.inference.clip_buffer import ClipBuffer, ClipFrame, ClipShape

WHOLE = crop_transform(PersonBox(0.5, 0.5, 1.0))  # source pixels are crop coordinates
PERIOD_S = 1 / 15
SECOND = 1_000_000_000


def frame(stamp_ns, mark=None):
    """A frame whose numbers say which one it is: its time in seconds."""
    mark = stamp_ns / SECOND if mark is None else mark
    return ClipFrame(
        int(stamp_ns),
        np.full((2, 3), mark, np.float32),
        np.full(2, mark, np.float32),
        np.full((2, 4), mark, np.float32),
    )


def filmed(rate_hz, seconds, start_s=1000.0, **settings):
    """A buffer after a film of that rate."""
    buffer = ClipBuffer(**{'frames': 16, 'period_s': PERIOD_S, 'max_gap_s': 0.5, **settings})
    for index in range(round(rate_hz * seconds) + 1):
        buffer.add(frame(round((start_s + index / rate_hz) * SECOND), mark=index / rate_hz))
    return buffer


@pytest.mark.parametrize('rate_hz', [15, 30, 45, 60])
def test_the_same_film_at_any_rate_gives_the_same_moments(rate_hz):
    clip = filmed(rate_hz, seconds=3.0).clip(WHOLE)
    expected = 3.0 - PERIOD_S * np.arange(15, -1, -1)
    np.testing.assert_allclose(clip.probability[:, 0], expected, atol=1e-6)
    np.testing.assert_allclose(clip.joint_features[:, 1, 3], expected, atol=1e-6)
    np.testing.assert_allclose(clip.joints[:, 1, 2], expected, atol=1e-6)
    assert clip.full
    assert clip.frames_used == 16
    assert clip.end_ns == 1003 * SECOND
    assert clip.start_ns == 1002 * SECOND


def test_odd_rates_are_off_by_half_a_frame_at_most():
    clip = filmed(25, seconds=3.0).clip(WHOLE)
    expected = 3.0 - PERIOD_S * np.arange(15, -1, -1)
    assert np.abs(clip.probability[:, 0] - expected).max() <= 0.5 / 25 + 1e-6


def test_a_slow_film_repeats_frames():
    buffer = filmed(5, seconds=3.0)
    clip = buffer.clip(WHOLE)
    assert clip.full
    assert clip.frames_used == 6
    np.testing.assert_allclose(np.unique(clip.probability), [2.0, 2.2, 2.4, 2.6, 2.8, 3.0])


@pytest.mark.parametrize('rate_hz', [3, 4, 5, 7, 9, 11, 13])
def test_a_slow_film_stays_full(rate_hz):
    buffer = filmed(rate_hz, seconds=2.0, max_gap_s=1.0)
    for index in range(2 * rate_hz, 4 * rate_hz):
        buffer.add(frame(round((1000 + (index + 1) / rate_hz) * SECOND)))
        assert buffer.clip(WHOLE).full
        assert buffer.fill == 1.0


def test_frames_that_shake_in_time():
    rng = np.random.default_rng(0)
    buffer = ClipBuffer(16, PERIOD_S, 0.5)
    times = np.arange(120) / 30 + rng.uniform(-0.01, 0.01, 120)
    for time_s in times:
        buffer.add(frame(round((time_s + 5) * SECOND), mark=time_s))
    clip = buffer.clip(WHOLE)
    moments = times[-1] - PERIOD_S * np.arange(15, -1, -1)
    nearest = times[np.abs(times[:, None] - moments).argmin(axis=0)]
    np.testing.assert_allclose(clip.probability[:, 0], nearest, atol=1e-6)


def test_of_two_equally_near_frames_the_earlier_one():
    buffer = ClipBuffer(2, 0.1, 1.0)
    for stamp_ns in (0, 100, 200):
        buffer.add(frame(stamp_ns * 1_000_000 + 50_000_000, mark=stamp_ns))
    buffer.add(frame(300_000_000, mark=300))
    assert buffer.clip(WHOLE).probability[0, 0] == 100  # moment 200 ms lies between 150 and 250


def test_the_beginning_is_filled_with_the_oldest_frame():
    buffer = filmed(15, seconds=4 / 15)  # five frames
    clip = buffer.clip(WHOLE)
    assert not clip.full
    assert clip.frames_used == 5
    np.testing.assert_allclose(clip.probability[:12, 0], 0.0, atol=1e-6)
    np.testing.assert_allclose(clip.probability[12:, 0], np.arange(1, 5) / 15, atol=1e-6)
    assert clip.start_ns == 1000 * SECOND
    assert buffer.fill == pytest.approx(5 / 16, abs=1e-6)


def test_full_with_the_first_frame_that_reaches_back():
    assert not filmed(15, seconds=14 / 15).clip(WHOLE).full
    full = filmed(15, seconds=15 / 15)
    assert full.clip(WHOLE).full
    assert full.fill == pytest.approx(1.0)


class TestForgetting:
    def test_a_gap(self):
        buffer = filmed(15, seconds=2.0)
        buffer.add(frame(round(1002.6 * SECOND), mark=9.0))
        assert len(buffer) == 1
        assert (buffer.clip(WHOLE).probability == 9.0).all()
        assert not buffer.clip(WHOLE).full

    def test_the_longest_pause_is_no_gap(self):
        buffer = filmed(15, seconds=1.0, max_gap_s=0.5)
        buffer.add(frame(1001.5 * SECOND))
        assert len(buffer) > 1
        buffer.add(frame(1002.0 * SECOND + 1))
        assert len(buffer) == 1

    def test_a_pause_that_is_no_gap(self):
        buffer = filmed(15, seconds=2.0)
        buffer.add(frame(round(1002.45 * SECOND)))
        assert buffer.clip(WHOLE).full

    def test_time_going_back(self):
        buffer = filmed(15, seconds=2.0)
        buffer.add(frame(1001 * SECOND, mark=9.0))
        assert len(buffer) == 1

    def test_the_same_stamp_again_takes_the_place_of_the_last_frame(self):
        buffer = filmed(15, seconds=2.0)
        before = len(buffer)
        buffer.add(frame(1002 * SECOND, mark=9.0))
        assert len(buffer) == before
        clip = buffer.clip(WHOLE)
        assert clip.full
        assert clip.probability[-1, 0] == 9.0
        assert clip.probability[-2, 0] == pytest.approx(2.0 - PERIOD_S)

    def test_clear(self):
        buffer = filmed(15, seconds=2.0)
        buffer.clear()
        assert len(buffer) == 0
        assert buffer.fill == 0.0
        with pytest.raises(ValueError, match='empty clip buffer'):
            buffer.clip(WHOLE)

    @pytest.mark.parametrize('rate_hz', [15, 60, 240])
    def test_no_more_is_kept_than_a_clip_needs(self, rate_hz):
        assert len(filmed(rate_hz, seconds=5.0)) <= rate_hz + 2


def test_joints_are_handed_out_in_the_crop_of_the_newest_frame():
    buffer = ClipBuffer(4, 0.1, 1.0)
    for index in range(4):
        joints = np.array([[100.0 + 10 * index, 50.0, 0.3]], np.float32)
        buffer.add(ClipFrame(index * 10**8, joints, np.ones(1, np.float32), np.ones((1, 2))))
    clip = buffer.clip(crop_transform(PersonBox(130.0, 50.0, 100.0)))
    np.testing.assert_allclose(clip.joints[:, 0, 0], [0.2, 0.3, 0.4, 0.5], atol=1e-6)
    np.testing.assert_allclose(clip.joints[:, 0, 1], 0.5, atol=1e-6)
    np.testing.assert_allclose(clip.joints[:, 0, 2], 0.3, atol=1e-6)
    assert clip.joints.dtype == np.float32


def test_a_clip_lasts_from_its_first_sample_to_its_last():
    assert ClipShape(16, 1 / 15, 0.5).duration_s == pytest.approx(1.0)
