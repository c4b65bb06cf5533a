"""Metres in the camera frame: from bones, from depth, and without a camera."""

from dataclasses import replace

import numpy as np
import pytest

from pose_action_ros.core.predictions import ScaleSource
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.geometry import BodyPrior, Camera, Pose25D, depth_from_root, localize
from pose_action_ros.geometry.body import SEGMENTS
from pose_action_ros.geometry.localize import SURFACE_TO_JOINT_M

SHARP = {'noise_px': 0.2, 'noise_depth_m': 0.005}
CAMERA = Camera.from_field_of_view(640, 480, 60.0)
WRIST = PA17J.index('right_wrist')


def placed(figure, camera, distance_m, share=0.0):
    """The figure with its root at that depth, `share` of the way to the right edge."""
    edge = camera.width / 2.0 / camera.fx
    return figure + np.array([share * edge * distance_m, 0.05, distance_m])


@pytest.mark.parametrize('share', [0.0, -0.7])
@pytest.mark.parametrize('fov_deg', [40.0, 60.0, 90.0])
@pytest.mark.parametrize('distance_m', [1.5, 3.0, 5.0, 8.0])
def test_bones_give_the_distance(figure, see, distance_m, fov_deg, share):
    camera = Camera.from_field_of_view(640, 480, fov_deg)
    truth = placed(figure, camera, distance_m, share)
    found = localize(see(camera, truth, **SHARP), camera=camera)
    assert found.scale_source == ScaleSource.BODY
    assert found.reason == ''
    assert found.root_depth_m == pytest.approx(distance_m, rel=5e-3)
    np.testing.assert_allclose(found.joints_camera_m, truth, atol=5e-3 * distance_m)
    np.testing.assert_allclose(found.joints_root_m, truth - truth[0], atol=5e-3)


def test_distance_by_hand(figure, see):
    # Flattened into the image plane all segments are as long as they look: z = f L / l.
    flat = figure * [1.0, 1.0, 0.0]
    flat = _stretched(flat)
    camera = Camera(500.0, 500.0, 320.0, 240.0, 640, 480)
    pose = see(camera, flat + np.array([0.0, 0.0, 4.0]), noise_px=1e-3, noise_depth_m=1e-4)
    thigh_px = np.linalg.norm(
        pose.joints_image_px[PA17J.index('right_knee')]
        - pose.joints_image_px[PA17J.index('right_hip')]
    )
    assert thigh_px == pytest.approx(500.0 * 0.2275 * 1.70 / 4.0)
    found = localize(pose, camera=camera)
    assert found.root_depth_m == pytest.approx(4.0, abs=1e-3)
    child = localize(pose, camera=camera, body=BodyPrior(height_m=0.85))
    assert child.root_depth_m == pytest.approx(2.0, abs=1e-3)


def _stretched(flat):
    """Give flattened segments their lengths back, from the root outwards."""
    joints = flat.copy()
    for name, share in SEGMENTS.items():
        if '-' not in name:
            continue
        start, end = (PA17J.index(joint) for joint in name.split('-'))
        way = flat[end] - flat[start]
        joints[end] = joints[start] + 1.70 * share * way / np.linalg.norm(way)
    return joints


def test_a_lens_is_undone(figure, see):
    camera = replace(CAMERA, distortion=(-0.25, 0.08, 1e-3, -1e-3), distortion_model='plumb_bob')
    truth = placed(figure, camera, 2.5, 0.5)
    found = localize(see(camera, truth, **SHARP), camera=camera)
    np.testing.assert_allclose(found.joints_camera_m, truth, atol=0.0125)


def test_noise_stays_within_the_reported_sigma(figure, see):
    rng = np.random.default_rng(0)
    truth = placed(figure, CAMERA, 4.0, 0.4)
    clean = see(CAMERA, truth)
    errors, sigmas = [], []
    for _ in range(60):
        noisy = replace(
            clean,
            joints_image_px=clean.joints_image_px + rng.normal(0.0, clean.sigma_px, (17, 2)),
            depth_m=clean.depth_m + rng.normal(0.0, clean.noise_depth_m, 17),
        )
        found = localize(noisy, camera=CAMERA, body=BodyPrior(height_sigma=0.0))
        errors.append(found.root_depth_m - 4.0)
        sigmas.append(found.root_depth_sigma_m)
    assert abs(np.mean(errors)) < 0.06  # unbiased: 1.5 % of the distance
    assert np.std(errors) < np.mean(sigmas) < 4.0 * np.std(errors)


def test_an_uncertain_height_is_an_uncertain_distance(figure, see):
    pose = see(CAMERA, placed(figure, CAMERA, 4.0), **SHARP)
    sure = localize(pose, camera=CAMERA, body=BodyPrior(height_sigma=0.0))
    unsure = localize(pose, camera=CAMERA, body=BodyPrior(height_sigma=0.1))
    expected = np.hypot(sure.root_depth_sigma_m, 0.1 * unsure.root_depth_m)
    assert unsure.root_depth_sigma_m == pytest.approx(expected)


def test_a_joint_that_is_wrong_does_little_harm(figure, see):
    pose = see(CAMERA, placed(figure, CAMERA, 3.0))
    pose.joints_image_px[WRIST] += 80.0
    found = localize(pose, camera=CAMERA)
    assert found.root_depth_m == pytest.approx(3.0, rel=0.05)


def test_joints_without_confidence_do_not_vote_but_are_placed(figure, see):
    pose = see(CAMERA, placed(figure, CAMERA, 3.0), **SHARP)
    pose.joints_image_px[WRIST] = [1e4, -1e4]
    pose.confidence[WRIST] = 0.1
    found = localize(pose, camera=CAMERA)
    assert found.root_depth_m == pytest.approx(3.0, rel=5e-3)
    assert np.isfinite(found.joints_camera_m[WRIST]).all()


def test_missing_joints_stay_missing(figure, see):
    pose = see(CAMERA, placed(figure, CAMERA, 3.0), **SHARP)
    pose.joints_image_px[WRIST] = np.nan
    found = localize(pose, camera=CAMERA)
    assert np.isnan(found.joints_camera_m[WRIST]).all()
    assert np.isfinite(np.delete(found.joints_camera_m, WRIST, axis=0)).all()


def test_too_few_segments_say_so(figure, see):
    pose = see(CAMERA, placed(figure, CAMERA, 3.0))
    pose.confidence[4:] = 0.0
    found = localize(pose, camera=CAMERA)
    assert found.scale_source == ScaleSource.NONE
    assert found.joints_root_m is None
    assert found.joints_camera_m is None
    assert np.isnan(found.root_depth_m)
    assert '0 segments are seen well enough, 3 are needed' in found.reason


def test_all_joints_on_one_point_say_so():
    pose = Pose25D('pa17j', np.full((17, 2), 99.0), np.zeros(17), np.ones(17))
    found = localize(pose, camera=CAMERA)
    assert found.joints_root_m is None
    assert 'on one point' in found.reason


def test_without_a_camera_the_pose_is_about_its_root(figure, see):
    truth = placed(figure, CAMERA, 6.0)
    found = localize(see(CAMERA, truth, **SHARP))
    assert found.joints_camera_m is None
    assert found.scale_source == ScaleSource.BODY
    assert 'no camera' in found.reason
    # Weak perspective: parts nearer than the root look larger, here by up to 0.5 m of 6 m.
    np.testing.assert_allclose(found.joints_root_m, truth - truth[0], atol=0.06)
    np.testing.assert_array_equal(found.joints_root_m[0], 0.0)


def test_a_network_that_shifts_all_depths_moves_nobody_about_the_root(figure, see):
    pose = see(CAMERA, placed(figure, CAMERA, 6.0), **SHARP)
    found = localize(pose).joints_root_m
    pose.depth_m[:] += 0.1
    np.testing.assert_allclose(localize(pose).joints_root_m, found, atol=1e-6)


def test_without_a_camera_or_a_root_there_is_nothing(figure, see):
    pose = see(CAMERA, placed(figure, CAMERA, 6.0))
    pose.joints_image_px[0] = np.nan
    found = localize(pose)
    assert found.joints_root_m is None
    assert found.reason


def test_rays_that_do_not_exist_leave_the_pose_about_its_root(figure, see):
    # With this much barrel distortion the far corners of the image belong to no ray.
    broken = replace(CAMERA, distortion=(-5.0, 0.0, 0.0, 0.0), distortion_model='plumb_bob')
    found = localize(see(CAMERA, placed(figure, CAMERA, 2.0, 0.8)), camera=broken)
    assert found.joints_camera_m is None
    assert found.joints_root_m is not None
    assert 'segments' in found.reason


class TestDepth:
    @pytest.fixture
    def truth(self, figure):
        return placed(figure, CAMERA, 3.0, 0.2)

    @pytest.fixture
    def pose(self, see, truth):
        return see(CAMERA, truth)

    @pytest.fixture
    def depth(self):
        """A wall that stands as far before the root as skin does."""
        return np.full((480, 640), 3.0 - SURFACE_TO_JOINT_M, np.float32)

    def patch(self, depth, pose, joint, value, half=20):
        column, row = np.rint(pose.joints_image_px[PA17J.index(joint)]).astype(int)
        depth[row - half : row + half + 1, column - half : column + half + 1] = value

    def test_depth_beats_bones(self, pose, depth, truth):
        found = localize(pose, camera=CAMERA, depth_image_m=depth, body=BodyPrior(height_m=1.2))
        assert found.scale_source == ScaleSource.DEPTH
        assert found.root_depth_m == pytest.approx(3.0, abs=1e-6)
        np.testing.assert_allclose(found.joints_camera_m, truth, atol=1e-5)
        assert 0.05 < found.root_depth_sigma_m < 0.06

    def test_holes_and_an_arm_do_no_harm(self, pose, depth):
        depth[::2] = np.nan
        self.patch(depth, pose, 'spine', np.nan)
        self.patch(depth, pose, 'right_hip', 2.3, half=6)
        found = localize(pose, camera=CAMERA, depth_image_m=depth)
        assert found.scale_source == ScaleSource.DEPTH
        assert found.root_depth_m == pytest.approx(3.0, abs=1e-6)

    def test_a_joints_own_depth_is_taken_off(self, pose, depth):
        thorax = PA17J.index('thorax')
        pose.confidence[[j for j in range(17) if j != thorax]] = 0.0
        pose.depth_m[thorax] = 0.25
        found = localize(pose, camera=CAMERA, depth_image_m=depth)
        assert found.root_depth_m == pytest.approx(2.75, abs=1e-6)

    def test_speckles_are_no_measurement(self, pose, depth):
        speckled = np.full_like(depth, np.nan)
        speckled[::7, ::7] = 1.0  # 2 % of the pixels
        found = localize(pose, camera=CAMERA, depth_image_m=speckled)
        assert found.scale_source == ScaleSource.BODY

    def test_an_empty_depth_image_leaves_the_bones(self, pose, depth):
        found = localize(pose, camera=CAMERA, depth_image_m=np.full_like(depth, np.nan))
        assert found.scale_source == ScaleSource.BODY
        assert found.root_depth_m == pytest.approx(3.0, rel=0.03)  # clean joints, judged as noisy
        assert 'does not measure the trunk of the person, so the distance comes' in found.reason
        assert localize(pose, camera=CAMERA, depth_image_m=depth).reason == ''
        assert localize(pose, camera=CAMERA).reason == ''

    def test_a_trunk_that_is_not_seen_has_no_depth(self, pose, depth):
        pose.confidence[:] = 0.0
        found = localize(pose, camera=CAMERA, depth_image_m=depth)
        assert found.joints_camera_m is None
        assert found.reason == (
            'the distance is unknown: no joint of the trunk is seen well enough; '
            '0 segments are seen well enough, 3 are needed'
        )

    def test_outside_the_image_there_is_no_depth(self, pose, depth):
        away = replace(pose, joints_image_px=pose.joints_image_px + 2000.0)
        found = localize(away, camera=CAMERA, depth_image_m=depth)
        assert found.scale_source == ScaleSource.BODY

    def test_depth_without_a_camera_is_not_used(self, pose, depth):
        found = localize(pose, depth_image_m=depth)
        assert found.joints_camera_m is None

    def test_what_would_lie_behind_the_camera_is_missing(self, pose, depth):
        depth[:] = 0.2
        pose.depth_m[WRIST] = -0.5
        found = localize(pose, camera=CAMERA, depth_image_m=depth)
        assert np.isnan(found.joints_camera_m[WRIST]).all()


def test_depth_box():
    joints = np.array([[0.1, 0.2, 0.5], [0.1, 0.2, 1.0], [0.1, 0.2, 0.25]])
    np.testing.assert_allclose(depth_from_root(joints), [0.0, 1.0, -0.5])


def test_a_pose_collapsed_to_a_point_has_no_distance():
    """What an untrained network gives must not become a person kilometres away."""
    rng = np.random.default_rng(0)
    pose = Pose25D(
        'pa17j',
        np.full((17, 2), 128.0) + rng.normal(0.0, 0.05, (17, 2)),
        rng.normal(0.0, 0.01, 17),
        np.ones(17),
    )
    location = localize(pose, camera=Camera.from_field_of_view(640, 480, 60.0))
    assert location.joints_camera_m is None
    assert location.reason
