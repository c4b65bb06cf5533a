"""What a node at work says of its health, without a process."""

from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from pose_action_ros.messages.camera import NO_CALIBRATION, Calibration
from pose_action_ros.ros.frame_history import FrameHistory
from pose_action_ros.ros.health import Health

GOOD = Calibration(None)
DEPTH = {'depth': 'depth image skipped: it is 640 x 480'}


class Work:
    """A node at work whose last image is as old as the test says."""

    def __init__(self, frame_problems=()):
        self.now_s, self.silent_s, self.since_start_s = 0.0, 0.0, 60.0
        history = FrameHistory(lambda: self.now_s)
        self.health = Health(
            inputs=SimpleNamespace(
                silence=lambda for_s: f'no image for {for_s:g} s',
                misfits=dict,
                frame_problems=lambda: dict(frame_problems),
                camera_info_topic='/camera_info',
                matched=SimpleNamespace(problems=lambda: DEPTH),
            ),
            statistics=SimpleNamespace(
                history=history,
                seconds_since_arrival=lambda: self.silent_s,
                seconds_since_start=lambda: self.since_start_s,
            ),
            stream=SimpleNamespace(is_3d=True, clip_s=1.0),
            target=SimpleNamespace(problem='no transform'),
            clock=SimpleNamespace(ros_time_is_active=False),
        )
        self.history = history

    def problems(self, calibration=GOOD):
        return self.health.problems(calibration, 0.5)


def test_what_only_an_image_renews_counts_while_images_are_processed():
    work = Work()
    assert work.problems() == {}
    work.history.add_result(1, 0, valid=True)
    assert work.problems() == {**DEPTH, 'tf': 'no transform'}
    work.now_s = 5.1  # paused, or nobody subscribes
    assert work.problems() == {}


def test_without_images_nothing_else_is_said_of_them():
    work = Work({'frame': 'no frame'})
    assert work.problems() == {'frame': 'no frame'}
    work.silent_s = 2.5
    assert work.problems(NO_CALIBRATION) == {'silence': 'no image for 2 s'}


def test_the_frames_of_several_cameras_are_not_compared():
    work = Work({'frame of depth': 'another'})
    for index in range(6):
        work.history.add_arrival(index + 1, 'left' if index % 2 else 'right')
    assert list(work.problems()) == ['frames']


def test_a_calibration_is_given_time_to_come():
    work = Work()
    assert 'no CameraInfo has arrived' in work.problems(NO_CALIBRATION)['calibration']
    work.since_start_s = 1.0
    assert work.problems(NO_CALIBRATION) == {}


def test_simulated_time_that_does_not_come_is_said():
    work = Work()
    clock = work.health.clock
    clock.ros_time_is_active, clock.now = True, lambda: SimpleNamespace(nanoseconds=0)
    assert list(work.problems()) == ['clock']
    clock.now = lambda: SimpleNamespace(nanoseconds=1)
    assert work.problems() == {}
