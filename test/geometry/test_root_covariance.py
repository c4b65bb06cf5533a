"""The ellipsoid of a root joint: by hand, through a lens, and against errors that were made."""

from dataclasses import replace

import numpy as np
import pytest

from pose_action_ros.geometry import BodyPrior, Camera, localize
from pose_action_ros.geometry.localize import SURFACE_TO_JOINT_M
from pose_action_ros.geometry.root_covariance import root_covariance

CAMERA = Camera(400.0, 500.0, 320.0, 240.0, 640, 480)
POSES = 150
INSIDE_95 = 7.815  # squared distance of three standard normals that 95 % stay below


def test_on_the_axis_by_hand():
    found = root_covariance(CAMERA, [320.0, 240.0], depth_m=4.0, depth_sigma_m=0.3, sigma_px=5.0)
    np.testing.assert_allclose(found, np.diag([0.05, 0.04, 0.3]) ** 2, atol=1e-12)


def test_it_is_long_along_the_line_of_sight():
    sight = np.array([0.8, -0.4, 1.0])
    pixel = CAMERA.project(sight)
    found = root_covariance(CAMERA, pixel, depth_m=4.0, depth_sigma_m=0.3, sigma_px=0.5)
    sizes, axes = np.linalg.eigh(found)
    length = np.linalg.norm(sight)
    assert abs(axes[:, 2] @ sight / length) == pytest.approx(1.0, abs=1e-4)
    assert np.sqrt(sizes[2]) == pytest.approx(0.3 * length, rel=1e-3)
    assert np.sqrt(sizes[1]) < 0.01


def test_a_lens_that_shrinks_the_edge_makes_pixels_worth_more():
    corner = [600.0, 440.0]
    lens = replace(CAMERA, distortion=(-0.25, 0.05, 0.0, 0.0), distortion_model='plumb_bob')
    plain, bent = (
        root_covariance(camera, corner, depth_m=4.0, depth_sigma_m=0.0, sigma_px=1.0)
        for camera in (CAMERA, lens)
    )
    assert np.trace(bent) > 1.2 * np.trace(plain)


def test_a_pixel_without_a_ray_has_no_covariance():
    broken = replace(CAMERA, distortion=(-5.0, 0.0, 0.0, 0.0), distortion_model='plumb_bob')
    found = root_covariance(broken, [639.0, 479.0], depth_m=4.0, depth_sigma_m=0.3, sigma_px=1.0)
    assert np.isnan(found).any()


def distances(figure, see, source, height_sigma):
    """(N,) squared distances of true roots in their ellipsoids; each person has a height."""
    rng = np.random.default_rng(7)
    found = []
    for _ in range(POSES):
        height = 1.0 + height_sigma * rng.standard_normal()
        truth = height * figure + [rng.uniform(-1.0, 1.0), 0.1, rng.uniform(2.0, 6.0)]
        clean = see(CAMERA, truth)
        root_px, joint_px = clean.root_sigma_px, clean.sigma_px
        sigmas = np.where(np.arange(17) == 0, root_px, joint_px)[:, None]
        pose = replace(
            clean,
            joints_image_px=clean.joints_image_px + sigmas * rng.standard_normal((17, 2)),
            depth_m=clean.depth_m + clean.noise_depth_m * rng.standard_normal(17),
        )
        depth = None
        if source == 'depth':
            skin_m = truth[0, 2] - SURFACE_TO_JOINT_M + 0.05 * rng.standard_normal()
            depth = np.full((480, 640), skin_m, np.float32)
        body = BodyPrior(height_sigma=height_sigma)
        location = localize(pose, camera=CAMERA, depth_image_m=depth, body=body)
        off = location.root_m - truth[0]
        found.append(off @ np.linalg.solve(location.root_covariance_m2, off))
    return np.array(found)


@pytest.mark.parametrize(
    ('source', 'height_sigma'), [('depth', 0.06), ('bones', 0.0), ('bones', 0.06)]
)
def test_the_truth_lies_in_the_ellipsoid_as_often_as_it_says(figure, see, source, height_sigma):
    """Between 90 and 99 %; a covariance of four times or of a quarter of the size fails."""
    squared = distances(figure, see, source, height_sigma)
    assert 0.90 <= np.mean(squared <= INSIDE_95) <= 0.99
    assert 1.8 <= squared.mean() <= 4.0  # three in theory


def test_what_all_images_of_a_person_share_is_not_noise(figure, see):
    pose = see(CAMERA, figure + np.array([0.3, 0.1, 4.0]))
    sure, unsure = (
        localize(pose, camera=CAMERA, body=BodyPrior(height_sigma=sigma)) for sigma in (0.0, 0.1)
    )
    np.testing.assert_allclose(sure.root_noise_m2, unsure.root_noise_m2)
    assert unsure.root_covariance_m2[2, 2] > sure.root_covariance_m2[2, 2]
    assert sure.root_covariance_m2[2, 2] > sure.root_noise_m2[2, 2]


def test_in_a_window_that_is_too_large_it_is_less_sure(figure, see):
    pose = see(CAMERA, figure + np.array([0.3, 0.1, 4.0]))
    fitting, loose = (
        localize(replace(pose, window_px=share * pose.extent_px), camera=CAMERA)
        for share in (1.4, 4.5)
    )
    unknown = localize(pose, camera=CAMERA)
    np.testing.assert_allclose(fitting.root_covariance_m2, unknown.root_covariance_m2)
    across = [np.linalg.eigvalsh(found.root_covariance_m2)[0] for found in (fitting, loose)]
    assert across[1] == pytest.approx(81.0 * across[0], rel=1e-3)  # (4.5 / 1.5)^2, squared
    assert loose.root_covariance_m2[2, 2] > 2.0 * fitting.root_covariance_m2[2, 2]
    np.testing.assert_allclose(loose.root_m, fitting.root_m)


def test_without_a_camera_nothing_is_known(figure, see):
    location = localize(see(CAMERA, figure + np.array([0.0, 0.0, 3.0])))
    assert np.isnan(location.root_m).all()
    assert np.isnan(location.root_covariance_m2).all()
    assert np.isnan(location.root_noise_m2).all()
