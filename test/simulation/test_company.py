"""Several actors before one camera."""

import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.simulation.company import SimulatedCompany, SimulatedRoom
from pose_action_ros.simulation.scene import SimulatedFilm


def test_a_moment_depends_on_the_seed_alone():
    first, again = (SimulatedCompany(3, 2, 96, 72) for _ in range(2))
    first.frame(0.5)
    np.testing.assert_array_equal(first.frame(1.5).image_rgb, again.frame(1.5).image_rgb)


def test_everybody_is_where_the_camera_projects_them():
    company = SimulatedCompany(4, 3, 160, 120)
    frame = company.frame(2.0)
    assert frame.joints_image_px.shape == (3, 17, 2)
    projected = company.camera.project(frame.joints_camera_m.astype(np.float64))
    np.testing.assert_allclose(projected, frame.joints_image_px, atol=1e-2)


def test_actors_change_sides():
    company = SimulatedCompany(5, 4, 64, 48)
    order = {tuple(np.argsort(company.frame(t).joints_image_px[:, 0, 0])) for t in range(0, 12, 2)}
    assert len(order) > 1


def test_who_stands_behind_somebody_is_hidden():
    shares = []
    for seed in range(12):
        frame = SimulatedCompany(seed, 6, 96, 72).frame(1.0)
        inside = ((frame.joints_image_px > -0.5) & (frame.joints_image_px < (95.5, 71.5))).all(-1)
        shares.append(frame.visible.sum() / max(inside.sum(), 1))
        assert not (frame.visible & ~inside).any()
    alone = [
        f.visible.mean() for f in (SimulatedCompany(s, 1, 96, 72).frame(1.0) for s in range(12))
    ]
    assert 0.2 < np.mean(shares) < np.mean(alone)


def test_a_company_of_nobody_is_refused():
    with pytest.raises(ConfigError, match='0'):
        SimulatedCompany(1, 0)


def test_a_visitor_comes_for_a_third_of_the_time_and_leaves():
    room, film = SimulatedRoom(1, 96, 72), SimulatedFilm(1, 96, 72)
    seen = []
    for t_s in np.arange(0.0, 30.0, 0.25):
        frame = room.frame(t_s)
        seen.append(frame.visible.any(-1).sum())
        assert frame.actors in {(0,), (0, 1)}
        assert len(frame.actions) == len(frame.visible) == len(frame.actors)
    assert 0.22 < np.mean(np.array(seen) == 2) < 0.34
    assert seen[0] == seen[60] == 1
    alone, expected = room.frame(3.0), film.frame(3.0)
    np.testing.assert_array_equal(alone.image_rgb, expected.image_rgb)
    np.testing.assert_array_equal(alone.joints_camera_m[0], expected.joints_camera_m)
    assert alone.actions == (expected.action,)


def test_a_visitor_comes_from_beyond_the_edge_of_the_image():
    for seed in range(4):
        room = SimulatedRoom(seed, 96, 72)
        for t_s in (10.01, 14.99, 25.01, 29.99):
            frame = room.frame(t_s)
            assert frame.actors == (0, 1)
            assert not frame.visible[1].any()
        assert room.frame(12.5).visible[1].sum() >= 6


def test_without_a_visitor_the_actor_stays_alone():
    assert SimulatedRoom(1, 96, 72, visitor=False).frame(12.5).actors == (0,)
