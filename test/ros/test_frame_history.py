"""Each cause of "it does not work" has a text, and the text goes when the cause does."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from pose_action_ros.ros.frame_history import SKIPPED, FrameHistory

SECOND = 10**9
START = 1_700_000_000 * SECOND
CLIP_S, MAX_GAP_S = 1.0, 0.5


class Film:
    """Images at a pace, on a clock of its own."""

    def __init__(self):
        self.now_s = 0.0
        self.history = FrameHistory(lambda: self.now_s)

    def run(
        self,
        seconds,
        *,
        step_s=0.1,
        stamp=None,
        people=1,
        valid=False,
        failure=None,
        frames=('optical',),
        distance=lambda index: '',
    ):
        """Images for some time; `failure` says of their numbers which ones give no result."""
        for index in range(round(seconds / step_s)):
            self.now_s += step_s
            stamp_ns = START + round(self.now_s * 1e9) if stamp is None else stamp(index)
            self.history.add_arrival(stamp_ns, frames[index % len(frames)])
            if failure is not None and failure(index):
                self.history.add_failure('cannot be decoded', f'broken {index}')
            else:
                problems = [distance(index)] * people if distance(index) else []
                self.history.add_result(stamp_ns, people, valid, problems)

    def problems(self):
        return self.history.problems(CLIP_S, MAX_GAP_S)


@pytest.fixture
def film():
    return Film()


def test_nothing_is_wrong_with_a_good_film(film):
    assert film.problems() == {}
    film.run(1.0)
    film.run(30.0, valid=True)
    assert film.problems() == {}
    film.run(30.0, people=0)
    assert film.problems() == {}


def test_undecodable_images_are_said_with_the_last_reason_and_forgotten(film):
    film.run(5.0, valid=True, failure=lambda index: index % 10 == 0)
    assert film.problems() == {'images': '5 of the last 50 images cannot be decoded: broken 40'}
    film.run(5.0, valid=True)
    assert film.problems() == {}
    film.run(5.0, valid=True, failure=lambda index: index % 25 == 0)  # 4 %
    assert film.problems() == {}
    film.run(5.0, failure=lambda index: True)
    assert '50 of the last 50' in film.problems()['images']


def test_a_late_image_now_and_then_is_none_of_it(film):
    film.run(2.0, valid=True)
    for _ in range(2):
        film.history.add_failure(SKIPPED, 'late')
    assert film.problems() == {}
    film.history.add_failure(SKIPPED, 'late')
    assert '3 of the last 23 images are skipped: late' in film.problems()['images']


def test_failures_of_all_kinds_count_together(film):
    """Each kind alone is rare enough."""
    film.run(4.0, step_s=0.04, valid=True)
    for what in (SKIPPED, 'cannot be decoded', 'have failed'):
        for _ in range(4):
            film.history.add_failure(what, f'{what[:3]} reason')
    assert film.problems() == {
        'images': '4 of the last 112 images are skipped: are reason; 4 cannot be decoded: '
        'can reason; 4 have failed: hav reason'
    }
    film.run(5.1, valid=True)
    assert film.problems() == {}


def test_late_images_hide_no_others(film):
    film.run(3.0, step_s=0.1, valid=True)
    for what, reason in ((SKIPPED, 'late'), (SKIPPED, 'late'), ('cannot be decoded', 'cut')):
        film.history.add_failure(what, reason)
    assert film.problems() == {
        'images': '2 of the last 33 images are skipped: late; 1 cannot be decoded: cut'
    }


def test_poses_without_the_distance_that_was_asked_for_are_said(film):
    film.run(5.0, valid=True, distance=lambda index: 'far' if index % 2 else '')
    assert film.problems() == {}
    film.run(4.0, valid=True, distance=lambda index: 'far' if index % 4 else 'near')
    assert film.problems() == {'distance': 'far (most poses of the last 5 s)'}
    film.run(5.0, valid=True)
    assert film.problems() == {}
    film.run(5.0, valid=True, people=2, distance=lambda index: 'far')
    film.run(5.1, valid=True, people=0)
    assert film.problems() == {}


def test_results_are_recent_or_not(film):
    assert not film.history.has_results()
    film.run(1.0)
    assert film.history.has_results()
    film.run(5.1, failure=lambda index: True)
    assert not film.history.has_results()


@pytest.mark.parametrize('step_s', [0.1, 1.25, 4.0])
@pytest.mark.parametrize(
    ('stamp', 'words'), [(lambda _: 0, 'without stamps'), (lambda _: START, 'the same stamp')]
)
def test_stamps_that_tell_no_time_are_said(film, stamp, words, step_s):
    film.run(50 * step_s, step_s=step_s, stamp=stamp)
    assert list(film.problems()) == ['stamps']
    assert words in film.problems()['stamps']
    film.run(55 * step_s, step_s=step_s, valid=True)
    assert film.problems() == {}


def test_two_slow_cameras_on_one_topic_are_said(film):
    film.run(6.0, step_s=1.25, valid=True, frames=('left', 'right'))
    assert 'several cameras publish on one topic' in film.problems()['frames']
    film.run(6.0, step_s=1.25, valid=True, frames=('left',))
    assert film.problems() == {}


def test_two_cameras_on_one_topic_are_said_until_one_leaves(film):
    film.run(0.3, valid=True, frames=('left', 'right'))
    assert film.problems() == {}
    film.run(0.4, valid=True, frames=('left', 'right'))
    assert (
        "several cameras publish on one topic (frames 'left', 'right')"
        in (film.problems()['frames'])
    )
    film.run(5.0, valid=True, frames=('left',))
    assert film.problems() == {}
    film.run(5.0, valid=True, frames=('again',))  # a camera that was started with another name
    assert film.problems() == {}


def test_images_too_slow_for_a_clip_are_said(film):
    film.run(20.0, step_s=1.0)
    assert 'is processed every 1 s, and clip.max_gap is 0.5 s' in film.problems()['labels']
    film.run(1.0, valid=True)
    assert film.problems() == {}


def test_pauses_in_every_clip_are_said(film):
    for _ in range(8):
        film.run(0.4)
        film.now_s += 0.6
    assert '7 pauses between images were longer than clip.max_gap' in film.problems()['labels']


def test_stamps_that_jump_back_are_said(film):
    for _ in range(10):
        film.run(0.5, stamp=lambda index: START + index * SECOND // 10)
    assert 'jump back' in film.problems()['labels']


def test_people_who_are_never_followed_long_enough_are_said(film):
    film.run(5.0)
    assert 'nobody is tracked for a whole clip (1 s)' in film.problems()['labels']
    film.run(6.0, people=0)
    assert film.problems() == {}


def test_a_clip_that_fills_is_given_its_time(film):
    film.run(2.9)
    assert film.problems() == {}


def test_a_node_that_becomes_active_again_has_no_past(film):
    film.run(5.0, failure=lambda index: True)
    film.history.clear()
    assert film.problems() == {}
