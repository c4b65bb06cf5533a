"""A figure with the proportions of the body prior, for tests that need a person."""

import numpy as np
import pytest

from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.geometry import Pose25D
from pose_action_ros.geometry.body import SEGMENTS


def walker(height_m=1.70):
    """(17, 3) root-relative metres, x right, y down, z forward: mid-stride, arms swinging."""
    lengths = {name.split('_')[-1]: share * height_m for name, share in SEGMENTS.items()}
    joints = {'pelvis': np.zeros(3), 'thorax': np.array([0.0, -lengths['trunk'], 0.0])}
    joints['spine'] = joints['thorax'] / 2.0
    joints['neck'] = joints['thorax'] + [0.0, -0.06, 0.0]
    joints['head'] = joints['neck'] + [0.0, -0.20, -0.03]
    for side, sign in (('right', -1.0), ('left', 1.0)):
        joints[f'{side}_shoulder'] = joints['thorax'] + [0.17 * sign, 0.0, 0.0]
        joints[f'{side}_hip'] = np.array([0.11 * sign, 0.0, 0.0])
        chain = (
            ('shoulder', 'elbow', 10.0, 25.0 * sign),
            ('elbow', 'wrist', 5.0, 60.0 * sign - 20.0),
            ('hip', 'knee', 2.0, -25.0 * sign - 5.0),
            ('knee', 'ankle', 0.0, -10.0 * sign + 15.0),
        )
        for start, end, out_deg, forth_deg in chain:
            out, forth = np.deg2rad([out_deg * sign, forth_deg])
            way = np.array([np.sin(out), np.cos(out) * np.cos(forth), np.cos(out) * np.sin(forth)])
            joints[f'{side}_{end}'] = joints[f'{side}_{start}'] + lengths[end] * way
    return np.array([joints[name] for name in PA17J.joint_names])


def seen(camera, joints_camera_m, **settings):
    """What an ideal network would make of joints in the camera's frame."""
    return Pose25D(
        'pa17j',
        camera.project(joints_camera_m),
        joints_camera_m[:, 2] - joints_camera_m[0, 2],
        np.ones(17),
        **settings,
    )


@pytest.fixture
def figure():
    return walker()


@pytest.fixture
def see():
    return seen
