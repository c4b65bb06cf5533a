"""The room of a film: plausible, lit as the actor is, and never in front of the actor."""

import numpy as np
import pytest

from pose_action_ros.simulation.furniture import furnish
from pose_action_ros.simulation.scene import Scene, SimulatedFilm

FREE_M = 1.2  # the actor walks no farther from the middle


def _scene(seed: int, width: int = 160, height: int = 120) -> Scene:
    return Scene(np.random.default_rng(seed), width, height)


def test_a_seed_decides_the_room() -> None:
    first, again, other = (_scene(4).draw_room(np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (120, 160, 3)
    assert (first != other).mean() > 0.3


@pytest.mark.parametrize('seed', range(12))
def test_the_actor_has_the_middle_of_the_room(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes = furnish(rng, np.array([-2.6, -2.6, 0.0]), np.array([5.0, 2.6, 2.6]))
    for low, high in zip(boxes.low, boxes.high, strict=True):
        nearest = np.clip(0.0, low[:2], high[:2])
        behind = high[0] < 0.0
        assert behind, 'a piece of furniture stands between the camera and the actor'
        assert np.hypot(*nearest) > FREE_M
    assert len(np.unique(boxes.piece)) >= 5


def test_the_floor_is_below_the_horizon_and_the_ceiling_above() -> None:
    scene = _scene(3, 320, 240)
    image = scene.draw_room(np.random.default_rng(3)).astype(float)
    feet = scene.to_camera @ (0.0, 0.0, 0.0, 1.0)
    column, row = (feet[:2] / feet[2] * scene.camera.fx) + (scene.camera.cx, scene.camera.cy)
    rug = image[int(row) - 1 : int(row) + 2, int(column) - 1 : int(column) + 2].mean((0, 1))
    up = scene.to_camera @ (-1.5, 0.0, 1.6, 1.0)
    column, row = (up[:2] / up[2] * scene.camera.fx) + (scene.camera.cx, scene.camera.cy)
    wall = image[int(row) - 1 : int(row) + 2, int(column) - 1 : int(column) + 2].mean((0, 1))
    assert np.abs(rug - wall).max() > 10.0


def test_a_film_is_shot_in_a_room_unless_there_are_photographs() -> None:
    film = SimulatedFilm(5, 160, 120)
    room = _scene_of(5).draw_room(np.random.default_rng([5, 0x524F4F4D]))
    shown = film.frame(1.0).image_rgb
    same = np.abs(shown.astype(int) - room.astype(int)).max(-1) < 25
    assert same.mean() > 0.6  # all but the actor, the shadow, and the sensor's noise


def _scene_of(seed: int) -> Scene:
    return Scene(np.random.default_rng([seed, 0x46494C4D]), 160, 120)
