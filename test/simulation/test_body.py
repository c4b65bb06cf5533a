import numpy as np
import pytest

from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.simulation.body import (
    DOFS,
    PARTS,
    Proportions,
    forward,
    mirrored,
    pose_change,
    pose_vector,
)

J = {name: i for i, name in enumerate(PA17J.joint_names)}


@pytest.fixture
def body():
    return Proportions.sample(np.random.default_rng(3))


def joints_of(body, **angles):
    return forward(body, pose_vector(**angles)[None]).joints_m[0]


def test_rest_pose_by_hand(body):
    joints = joints_of(body)
    np.testing.assert_allclose(joints[J['pelvis']], 0)
    np.testing.assert_allclose(joints[J['thorax']], (0, 0, body.trunk))
    np.testing.assert_allclose(
        joints[J['left_wrist']],
        joints[J['left_shoulder']] - (0, 0, body.upper_arm + body.forearm),
        atol=1e-12,
    )
    np.testing.assert_allclose(
        joints[J['right_ankle']], (0, -body.hip, -body.thigh - body.shank), atol=1e-12
    )


def test_bent_joints_go_where_they_do_in_people(body):
    forward_x = joints_of(body, right_elbow=90)[J['right_wrist'], 0]
    assert forward_x == pytest.approx(body.forearm)
    heel_x = joints_of(body, left_knee=90)[J['left_ankle'], 0]
    assert heel_x == pytest.approx(-body.shank)
    side = joints_of(body, left_hip_abd=90)[J['left_ankle']]
    np.testing.assert_allclose(side, (0, body.hip + body.thigh + body.shank, 0), atol=1e-12)
    up = joints_of(body, both_shoulder_flex=180)
    assert (up[[J['right_wrist'], J['left_wrist']], 2] > up[J['head'], 2]).all()
    lying = joints_of(body, lean=90)
    np.testing.assert_allclose(lying[J['thorax']], (body.trunk, 0, 0), atol=1e-12)


def test_limbs_keep_their_lengths(body):
    poses = np.random.default_rng(0).uniform(-60, 60, (50, len(DOFS)))
    joints = forward(body, poses).joints_m
    for a, b, length in (
        ('right_shoulder', 'right_elbow', body.upper_arm),
        ('left_elbow', 'left_wrist', body.forearm),
        ('right_hip', 'right_knee', body.thigh),
        ('left_knee', 'left_ankle', body.shank),
        ('neck', 'head', body.head),
    ):
        np.testing.assert_allclose(
            np.linalg.norm(joints[:, J[a]] - joints[:, J[b]], axis=-1), length
        )


def test_rotations_are_rotations(body):
    poses = np.random.default_rng(1).uniform(-90, 90, (5, len(DOFS)))
    rotations = forward(body, poses).rotations
    assert rotations.shape == (5, len(PARTS), 3, 3)
    eye = rotations @ np.swapaxes(rotations, -1, -2)
    np.testing.assert_allclose(eye, np.broadcast_to(np.eye(3), eye.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(rotations), 1)


def test_mirrored_pose_is_the_mirror_image(body):
    poses = np.random.default_rng(2).uniform(-40, 40, (20, len(DOFS)))
    # Rotations about x and z of the trunk do not commute, so take one of them at a time.
    poses[:, [DOFS.index(n) for n in ('tilt', 'turn', 'spine_side', 'neck_turn')]] = 0
    there = forward(body, poses).joints_m
    back = forward(body, mirrored(poses)).joints_m[:, list(PA17J.flip)] * (1, -1, 1)
    np.testing.assert_allclose(back, there, atol=1e-12)
    np.testing.assert_array_equal(mirrored(mirrored(poses)), poses)


def test_flat_feet_are_level(body):
    pose = pose_vector(bend=20, both_hip_flex=70, both_knee=80)
    feet = forward(body, pose[None]).rotations[0, PARTS.index('right_foot')]
    assert feet[2, 2] == pytest.approx(1.0, abs=1e-6)


def test_bend_keeps_the_legs_upright(body):
    pose = pose_vector() + pose_change(bend=50)
    ankle = forward(body, pose[None]).joints_m[0, J['right_ankle']]
    np.testing.assert_allclose(ankle, (0, -body.hip, -body.thigh - body.shank), atol=1e-12)


def test_people_are_as_tall_as_they_should_be():
    rng = np.random.default_rng(0)
    people = [Proportions.sample(rng) for _ in range(300)]
    for female, mean in ((True, 1.613), (False, 1.753)):
        tall = [p.stature for p in people if p.female == female]
        assert np.mean(tall) == pytest.approx(mean, abs=0.02)
    for person in people:
        # 0.039: height of the ankle over stature (Drillis and Contini).
        parts = (person.thigh, person.shank, person.trunk, person.neck, person.head)
        assert sum(parts) + 0.039 * person.stature == pytest.approx(person.stature, rel=0.05)
