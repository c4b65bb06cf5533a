"""Several actors before one camera."""

import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.simulation.company import SimulatedCompany


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
