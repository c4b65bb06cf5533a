"""Human3.6M's camera against the authors' own numbers."""

import numpy as np
import pytest

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.geometry import Human36mCamera

NAME = 'geometry_metrics_ref.npz'


@pytest.fixture(scope='module')
def reference(reference_file):
    with np.load(reference_file(NAME)) as file:
        return dict(file)


@pytest.mark.parity
class TestParity:
    def test_serialised_numbers(self, reference):
        camera = Human36mCamera.from_serialised(reference['serialized'])
        np.testing.assert_array_equal(camera.rotation, reference['R'])
        np.testing.assert_array_equal(camera.translation_mm, reference['t'].ravel())
        np.testing.assert_array_equal(camera.focal_px, reference['f'].ravel())
        np.testing.assert_array_equal(camera.center_px, reference['c'].ravel())
        np.testing.assert_array_equal(camera.tangential, reference['p'].ravel())
        np.testing.assert_array_equal(camera.radial, reference['k'].ravel())

    def test_project(self, reference):
        camera = Human36mCamera.from_serialised(reference['serialized'])
        found = camera.project(reference['points_w'])
        np.testing.assert_allclose(found, reference['points_uvd'], rtol=0, atol=1e-8)

    def test_back_project_takes_the_same_single_step(self, reference):
        camera = Human36mCamera.from_serialised(reference['serialized'])
        found = camera.back_project(reference['points_uvd'])
        np.testing.assert_allclose(found, reference['points_back'], rtol=0, atol=1e-8)
        error = np.linalg.norm(found - reference['points_w'], axis=1)
        assert 1e-4 < error.max() < 0.1  # millimetres: one step is not exact, and near enough


def test_a_camera_of_another_size_is_refused():
    with pytest.raises(DatasetError, match='21 numbers; found 20'):
        Human36mCamera.from_serialised(np.zeros(20))
