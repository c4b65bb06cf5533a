import numpy as np
import pytest
import torch

from pose_action_ros.core.actions import SIMULATED_ACTIONS
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.simulation.scene import Scene, SimulatedFilm

SMALL = {'width': 160, 'height': 120}
J = {name: i for i, name in enumerate(PA17J.joint_names)}


@pytest.fixture(scope='module')
def film():
    return SimulatedFilm(seed=4, **SMALL, fps=20)


def test_a_moment_depends_on_seed_and_time_alone(film):
    late, early = film.frame(31.4), film.frame(2.0)
    again = SimulatedFilm(seed=4, **SMALL, fps=20)
    np.testing.assert_array_equal(again.frame(2.0).image_rgb, early.image_rgb)
    np.testing.assert_array_equal(again.frame(31.4).image_rgb, late.image_rgb)
    np.testing.assert_array_equal(again.frame(31.4).joints_camera_m, late.joints_camera_m)
    other = SimulatedFilm(seed=5, **SMALL, fps=20).frame(2.0)
    assert (other.image_rgb != early.image_rgb).mean() > 0.5


def test_frames_keep_their_contract(film):
    frame = film.frame(3.3)
    assert frame.image_rgb.shape == (120, 160, 3)
    assert frame.image_rgb.dtype == np.uint8
    assert frame.joints_camera_m.shape == (17, 3)
    assert frame.joints_camera_m.dtype == np.float32
    assert frame.visible.dtype == bool
    assert frame.action in SIMULATED_ACTIONS
    assert 0 <= frame.phase <= 1
    assert 0 <= frame.action_start_s <= 3.3
    projected = film.camera.project(frame.joints_camera_m)
    np.testing.assert_allclose(projected, frame.joints_image_px, atol=1e-2)


def test_a_round_shows_all_actions_in_view(film):
    seen, in_view = set(), []
    for t in np.arange(0, 45, 0.5):
        frame = film.frame(t)
        seen.add(frame.action)
        inside = (frame.joints_image_px > 0) & (frame.joints_image_px < (160, 120))
        in_view.append(inside.all(-1).mean())
    assert seen == set(SIMULATED_ACTIONS)
    assert np.mean(in_view) > 0.97


def test_the_label_starts_when_it_says(film):
    start = film.frame(20.0).action_start_s
    assert film.frame(start + 1e-3).action == film.frame(20.0).action
    assert film.frame(start - 1e-3).action_start_s < start


def test_no_time_before_the_start(film):
    with pytest.raises(ConfigError, match='no time'):
        film.frame(-0.1)


@pytest.mark.parametrize('seed', range(4))
def test_the_actor_is_drawn_where_its_joints_are(seed):
    scene = Scene(np.random.default_rng(seed), 320, 240)
    truth = scene.truth(np.array([1.0]))
    empty = np.full((240, 320, 3), 0, np.uint8)
    rays = scene.camera
    window = np.array(
        [[[1 / rays.fx, 0, -rays.cx / rays.fx], [0, 1 / rays.fy, -rays.cy / rays.fy]]]
    )
    drawn = scene.shots(truth, window, [empty]).expose()[0].numpy().any(-1)
    assert 0.01 < drawn.mean() < 0.35
    x, y = np.rint(truth.joints_image_px[0, :16]).astype(int).T
    inner = [J[name] for name in ('pelvis', 'thorax', 'neck', 'right_knee', 'left_elbow')]
    assert drawn[y[inner], x[inner]].all()
    rows, columns = np.nonzero(drawn)
    box = truth.joints_image_px[0]
    reach = 0.2 * np.ptp(box, axis=0).max()
    assert rows.min() > box[:, 1].min() - reach
    assert rows.max() < box[:, 1].max() + reach
    assert columns.min() > box[:, 0].min() - reach
    assert columns.max() < box[:, 0].max() + reach


def test_far_limbs_are_hidden_by_the_body():
    hidden = np.zeros(17)
    for seed in range(40):
        scene = Scene(np.random.default_rng(seed), 160, 120, opening=('stand',))
        truth = scene.truth(np.array([0.2]))
        moment = truth.moment
        visible = scene.visible(truth)[0]
        # Left of the actor in camera axes: beyond the body where it points away from the camera.
        left = (scene.to_camera[:, :3] @ moment.rotation[0])[:, 1]
        if left[2] > 0.9:
            hidden[J['left_elbow']] += not visible[J['left_elbow']]
            assert visible[J['right_elbow']]
        assert visible[J['head']]
    assert hidden[J['left_elbow']] >= 1


def test_other_work_keeps_its_threads(film):
    before = torch.get_num_threads()
    film.frame(0.5)
    assert torch.get_num_threads() == before
