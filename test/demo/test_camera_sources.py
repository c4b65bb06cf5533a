"""What the camera node films, asked for moments: films in their own time, folders as they are."""

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from pose_action_ros.core.actions import SIMULATED_ACTIONS
from pose_action_ros.core.errors import ImageError
from pose_action_ros.demo.camera_settings import CameraSettings
from pose_action_ros.demo.camera_sources import open_source


def level(source, time_s):
    """Which image is shown: the number that `write_film` gave it."""
    shot = source.shoot(time_s)
    return None if shot is None else round(float(shot.image_rgb.mean()) / 10)


def test_a_film_of_variable_rate_is_shown_in_its_own_time(tmp_path, write_film):
    path = write_film(tmp_path / 'phone.mp4', count=8, runs=[(4, 1), (4, 4)])
    source = open_source(CameraSettings(source=str(path), loop=False))
    shown_from = np.array([0, 1, 2, 3, 4, 8, 12, 16]) / 25.0
    for number, start in enumerate(shown_from):
        assert level(source, start + 0.001) == number
    end = 16 / 25.0 + 1.0 / source.rate_hz
    assert level(source, end - 0.002) == 7
    assert level(source, end + 0.002) is None


def test_a_film_starts_again_after_its_last_image(tmp_path, write_film):
    path = write_film(tmp_path / 'film.mp4', count=5, rate_hz=10.0)
    source = open_source(CameraSettings(source=str(path)))
    assert [level(source, n / 10.0) for n in range(12)] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
    assert level(source, 7.35) == 3  # rounds that nobody looked at are passed


def test_a_film_that_goes_away_ends(tmp_path, write_film):
    path = write_film(tmp_path / 'film.mp4', count=3, rate_hz=10.0)
    source = open_source(CameraSettings(source=str(path)))
    path.unlink()
    assert level(source, 0.2) == 2
    assert level(source, 0.5) is None


def test_hidden_and_damaged_images_of_a_folder(tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f'{number}.png'), np.full((8, 9, 3), 10 * number, np.uint8))
    (tmp_path / '._0.png').write_bytes(bytes(100))
    (tmp_path / '1.png').write_bytes(b'damaged')
    (tmp_path / '.DS_Store').touch()
    settings = CameraSettings(source=str(tmp_path), rate_hz=1.0, field_of_view_deg=60.0)
    source = open_source(settings)
    assert (source.camera.width, source.camera.height) == (9, 8)
    assert [level(source, 0.0), level(source, 2.0), level(source, 3.0)] == [0, 2, 0]
    with pytest.raises(ImageError, match=r'1\.png cannot be read'):  # the node logs it and goes on
        source.shoot(1.0)
    for path in tmp_path.glob('*.png'):
        path.write_bytes(b'damaged')
    with pytest.raises(ImageError, match='cannot be read'):
        open_source(settings)


def test_each_simulated_actor_comes_with_the_truth():
    options = {'width': 160, 'height': 120, 'seed': 3}
    source = open_source(CameraSettings(actors=2, **options))
    shot = source.shoot(0.5)
    assert [actor.number for actor in shot.actors] == [0, 1]
    assert all(actor.action in SIMULATED_ACTIONS for actor in shot.actors)
    assert shot.image_rgb.shape == (120, 160, 3)
    assert (source.camera.width, source.placement.shape) == (160, (3, 4))


def test_a_visitor_is_an_actor_only_while_in_the_image():
    options = {'width': 160, 'height': 120, 'seed': 3}
    source = open_source(CameraSettings(**options))
    numbers = [[actor.number for actor in source.shoot(t).actors] for t in (0.5, 10.01, 12.5)]
    assert numbers == [[0], [0], [0, 1]]
    alone = open_source(CameraSettings(visitor=False, **options))
    assert len(alone.shoot(12.5).actors) == 1
