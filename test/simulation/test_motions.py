import numpy as np
import pytest

from pose_action_ros.core.actions import OTHER, SIMULATED_ACTIONS
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.simulation.body import DOFS, mirrored
from pose_action_ros.simulation.motions import move
from pose_action_ros.simulation.style import Style, cycle_s, neutral, smooth_step

TIMES = np.linspace(0, 3, 301)


def style_of(seed):
    return Style.sample(np.random.default_rng(seed))


@pytest.mark.parametrize('action', [*SIMULATED_ACTIONS, OTHER])
def test_every_action_is_smooth_and_human(action):
    for seed in range(6):
        style = style_of(seed)
        poses = move(action, TIMES, style, neutral(style))
        assert poses.shape == (301, len(DOFS))
        assert np.isfinite(poses).all()
        speed = np.abs(np.diff(poses, axis=0)).max() / 0.01
        assert speed < 1600, f'{action} turns a joint by {speed:.0f} degrees a second'
        for side in ('right', 'left'):
            elbow = poses[:, DOFS.index(f'{side}_elbow')]
            knee = poses[:, DOFS.index(f'{side}_knee')]
            assert elbow.min() > -25
            assert elbow.max() < 155
            assert knee.min() > -25
            assert knee.max() < 155


@pytest.mark.parametrize('action', [a for a in (*SIMULATED_ACTIONS, OTHER) if a != 'stand'])
def test_every_action_moves(action):
    style = style_of(1)
    start = neutral(style)
    if action == 'stand up':
        start = move('sit down', np.array([9.0]), style, start)[0]
    poses = move(action, TIMES, style, start)
    assert np.ptp(poses, axis=0).max() > 30


def test_standing_is_the_quietest():
    def liveliness(action):
        style = style_of(4)
        return np.abs(np.diff(move(action, TIMES, style, neutral(style)), axis=0)).sum()

    assert min(SIMULATED_ACTIONS[:1] + SIMULATED_ACTIONS[1:5], key=liveliness) == 'stand'


def test_sitting_down_ends_where_standing_up_begins():
    style = style_of(2)
    seated = move('sit down', np.array([5.0]), style, neutral(style))[0]
    first = move('stand up', np.array([0.0]), style, seated)[0]
    np.testing.assert_allclose(first, seated)
    last = move('stand up', np.array([5.0]), style, seated)[0]
    knee = DOFS.index('right_knee')
    assert seated[knee] > 60
    assert abs(last[knee]) < 25


def test_only_jumping_and_running_leave_the_ground():
    lift = DOFS.index('lift')
    for action in SIMULATED_ACTIONS:
        style = style_of(7)
        height = move(action, TIMES, style, neutral(style))[:, lift].max()
        assert (height > 0.02) == (action in ('jump', 'run')), action


def test_left_handed_is_the_mirror_image():
    style = style_of(5)
    still = np.zeros_like(style.stance)
    plain = {'speed': 1.0, 'amplitude': 1.0, 'vary': style.vary, 'stance': still}
    right = Style(left=False, sway=np.zeros((3, len(DOFS))), **plain)
    left = Style(left=True, sway=np.zeros((3, len(DOFS))), **plain)
    np.testing.assert_array_equal(
        move('kick', TIMES, left, still), mirrored(move('kick', TIMES, right, still))
    )


def test_speed_shortens_the_cycle():
    style = style_of(0)
    assert cycle_s('walk', style) * style.speed == pytest.approx(1.10)
    with pytest.raises(ConfigError, match='juggle'):
        cycle_s('juggle', style)


def test_smooth_step_by_hand():
    np.testing.assert_allclose(smooth_step(np.array([-1, 0, 0.5, 1, 2])), [0, 0, 0.5, 1, 1])
    assert smooth_step(np.array([0.25]))[0] == pytest.approx(0.103515625)
