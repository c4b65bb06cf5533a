"""A human body as a chain of rigid parts: proportions of an actor and forward kinematics.

Owns: the degrees of freedom of a pose, `Proportions` (sampled per actor) and `forward`, which
turns poses into joints (layout pa17j) and the rotations of the parts. Frame of the body: x
forward, y left, z up, metres; angles in degrees.

Sources: lengths between joint centres P. de Leva, J. Biomechanics 29(9), 1996, table 4 (as in
`geometry.body`); height of the ankle, length of the foot, breadths R. Drillis and R. Contini,
Body Segment Parameters, NYU 1966 (as in D. Winter, Biomechanics and Motor Control of Human
Movement, figure 4.1), the breadths reduced to joint centres; stature of adults C. Fryar et al.,
Anthropometric Reference Data, NCHS Series 3 no. 46, 2021 (175.3 cm and 161.3 cm), its spread
about 7 cm; girths after C. Gordon et al., ANSUR II, 2014.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.skeleton import PA17J

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

__all__ = [
    'DOFS',
    'PARTS',
    'BodyFrames',
    'Proportions',
    'cross',
    'forward',
    'mirrored',
    'pose_change',
    'pose_vector',
]

_LIMB_DOFS = (
    *('shoulder_flex', 'shoulder_abd', 'shoulder_twist', 'elbow'),
    *('hip_flex', 'hip_abd', 'hip_twist', 'knee', 'ankle'),
)
_TRUNK_DOFS = (
    *('lean', 'tilt', 'turn', 'lift', 'plant_right', 'plant_left', 'flat_feet'),
    *('spine_bend', 'spine_side', 'spine_twist', 'neck_bend', 'neck_turn'),
)
DOFS = (*_TRUNK_DOFS, *(f'{side}_{dof}' for side in ('right', 'left') for dof in _LIMB_DOFS))
"""Names of the D numbers of a pose. Angles are in degrees.

`lean` turns the whole body forward, and `tilt` to the right. Flexion is forward (knee and elbow
fold), abduction and twist are outward, and `ankle` lifts the toes. `lift` is a height over the
ground in metres. `plant_*` are the weights with which the feet, rather than the pelvis, stay in
place on the ground. If `flat_feet` is 1, the soles are level.
"""

PARTS = (
    *('pelvis', 'belly', 'chest', 'head'),
    *(f'{side}_{part}' for part in ('upper_arm', 'forearm') for side in ('right', 'left')),
    *(f'{side}_{part}' for part in ('thigh', 'shank', 'foot') for side in ('right', 'left')),
)
"""Names of the rigid parts, in the order of `BodyFrames.rotations`."""

_INDEX = {name: i for i, name in enumerate(DOFS)}
_J = {name: i for i, name in enumerate(PA17J.joint_names)}
_P = {name: i for i, name in enumerate(PARTS)}
_EYE = np.eye(3)
_LATERAL = ('tilt', 'turn', 'spine_side', 'spine_twist', 'neck_turn')
_MIRROR = [
    _INDEX[name.replace('right', 'left') if 'right' in name else name.replace('left', 'right')]
    for name in DOFS
]
_MIRROR_SIGN = np.array([-1.0 if name in _LATERAL else 1.0 for name in DOFS])
_SIGN = {'right': -1.0, 'left': 1.0}  # of y


@dataclass(frozen=True)
class Proportions:
    """Lengths of one actor in metres.

    Attributes:
        stature: Standing height.
        female: Whether it was drawn from the sources' women, not from the men.
        girth: Thickness of trunk and limbs over the mean of the population.
        upper_arm: Shoulder to elbow.
        forearm: Elbow to wrist.
        thigh: Hip to knee.
        shank: Knee to ankle.
        trunk: Pelvis to the middle of the shoulders.
        shoulder: Half the distance between the shoulders' centres.
        hip: Half the distance between the hips' centres.
        neck: Middle of the shoulders to the neck.
        head: Neck to the top of the head.
    """

    stature: float
    female: bool
    girth: float
    upper_arm: float
    forearm: float
    thigh: float
    shank: float
    trunk: float
    shoulder: float
    hip: float
    neck: float
    head: float

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Proportions:
        """Draw an adult."""
        female = bool(rng.random() < 0.5)
        spread = np.clip(rng.standard_normal(10), -2.2, 2.2)
        stature = (1.613 if female else 1.753) + 0.070 * spread[0]
        vary = 1.0 + 0.03 * spread[2:]
        return cls(
            stature=float(stature),
            female=female,
            girth=float(1.0 + 0.10 * spread[1]),
            upper_arm=float(0.1602 * stature * vary[0]),
            forearm=float(0.1534 * stature * vary[1]),
            thigh=float(0.2275 * stature * vary[2]),
            shank=float(0.2492 * stature * vary[3]),
            trunk=float(0.2915 * stature * vary[4]),
            shoulder=float((0.098 if female else 0.107) * stature * vary[5]),
            hip=float((0.052 if female else 0.049) * stature * vary[6]),
            neck=float(0.060 * stature),
            head=float(0.132 * stature * vary[7]),
        )


@dataclass(frozen=True, eq=False)
class BodyFrames:
    """Positions of the parts of a body at T times.

    Attributes:
        joints_m: (T, 17, 3) float64, layout pa17j.
        rotations: (T, 14, 3, 3) float64, axes of `PARTS` as columns.
    """

    joints_m: NDArray[np.float64]
    rotations: NDArray[np.float64]


def pose_change(**angles: float) -> NDArray[np.float64]:
    """Return a change of pose (D,) from named degrees of freedom; all others are 0.

    `both_x` sets the x of both sides; `bend` leans the trunk while the legs stay upright.
    """
    change = np.zeros(len(DOFS))
    for name, value in angles.items():
        if name == 'bend':
            targets = ['lean', 'right_hip_flex', 'left_hip_flex']
        elif name.startswith('both_'):
            targets = [name.replace('both', side) for side in ('right', 'left')]
        else:
            targets = [name]
        for target in targets:
            change[_INDEX[target]] += value
    return change


def pose_vector(**angles: float) -> NDArray[np.float64]:
    """Return a pose (D,) as `pose_change` does; the feet are level and stay in place."""
    angles = {'flat_feet': 1.0, 'plant_right': 0.5, 'plant_left': 0.5, **angles}
    return pose_change(**angles)


def mirrored(poses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Swap right and left of poses (..., D)."""
    return poses[..., _MIRROR] * _MIRROR_SIGN


def forward(body: Proportions, poses: NDArray[np.float64]) -> BodyFrames:
    """Forward kinematics, pelvis at the origin, heading along x.

    Args:
        body: Lengths.
        poses: (T, D) in the order of `DOFS`; the caller handles the positions (`lift`, `plant_*`).
    """
    dof = {name: poses[:, i] for name, i in _INDEX.items()}
    joints = np.zeros((len(poses), PA17J.num_joints, 3))
    parts = np.empty((len(poses), len(PARTS), 3, 3))
    pelvis = _turn('z', dof['turn']) @ _turn('y', dof['lean']) @ _turn('x', dof['tilt'])
    half = (
        _turn('y', dof['spine_bend'] / 2)
        @ _turn('x', dof['spine_side'] / 2)
        @ _turn('z', dof['spine_twist'] / 2)
    )
    belly = pelvis @ half
    chest = belly @ half
    head = chest @ _turn('z', dof['neck_turn']) @ _turn('y', dof['neck_bend'])
    for name, rotation in (('pelvis', pelvis), ('belly', belly), ('chest', chest), ('head', head)):
        parts[:, _P[name]] = rotation
    joints[:, _J['spine']] = 0.45 * body.trunk * belly[..., 2]
    joints[:, _J['thorax']] = joints[:, _J['spine']] + 0.55 * body.trunk * chest[..., 2]
    joints[:, _J['neck']] = joints[:, _J['thorax']] + body.neck * (
        0.97 * (chest[..., 2] + head[..., 2]) / 2 + 0.2 * chest[..., 0]
    )
    joints[:, _J['head']] = joints[:, _J['neck']] + body.head * head[..., 2]
    frames = BodyFrames(joints, parts)
    for side in _SIGN:
        _move_arm(body, dof, frames, side)
        _move_leg(body, dof, frames, side)
    return frames


def _move_arm(body: Proportions, dof: dict[str, Array], frames: BodyFrames, side: str) -> None:
    joints, parts, sign = frames.joints_m, frames.rotations, _SIGN[side]
    chest = parts[:, _P['chest']]
    upper = (
        _turn('y', -dof[f'{side}_shoulder_flex'])
        @ _turn('x', sign * dof[f'{side}_shoulder_abd'])
        @ _turn('z', sign * dof[f'{side}_shoulder_twist'])
    )
    # A raised arm lifts its shoulder (the shoulder blade turns with the arm).
    raised = 0.020 * body.stature * np.clip(0.3 - upper[:, 2, 2], 0.0, 1.2)
    shoulder = joints[:, _J['thorax']] + sign * body.shoulder * chest[..., 1]
    shoulder = shoulder + raised[:, None] * (chest[..., 2] - 0.4 * sign * chest[..., 1])
    upper = chest @ upper
    lower = upper @ _turn('y', -dof[f'{side}_elbow'])
    joints[:, _J[f'{side}_shoulder']] = shoulder
    joints[:, _J[f'{side}_elbow']] = shoulder - body.upper_arm * upper[..., 2]
    joints[:, _J[f'{side}_wrist']] = joints[:, _J[f'{side}_elbow']] - body.forearm * lower[..., 2]
    parts[:, _P[f'{side}_upper_arm']] = upper
    parts[:, _P[f'{side}_forearm']] = lower


def _move_leg(body: Proportions, dof: dict[str, Array], frames: BodyFrames, side: str) -> None:
    joints, parts, sign = frames.joints_m, frames.rotations, _SIGN[side]
    pelvis = parts[:, _P['pelvis']]
    thigh = (
        pelvis
        @ _turn('y', -dof[f'{side}_hip_flex'])
        @ _turn('x', sign * dof[f'{side}_hip_abd'])
        @ _turn('z', sign * dof[f'{side}_hip_twist'])
    )
    shank = thigh @ _turn('y', dof[f'{side}_knee'])
    level_deg = np.rad2deg(np.arctan2(-shank[:, 2, 0], shank[:, 2, 2]))
    flat = np.clip(level_deg, -50.0, 40.0) * dof['flat_feet']
    foot = shank @ _turn('y', -dof[f'{side}_ankle'] - flat)
    joints[:, _J[f'{side}_hip']] = sign * body.hip * pelvis[..., 1]
    joints[:, _J[f'{side}_knee']] = joints[:, _J[f'{side}_hip']] - body.thigh * thigh[..., 2]
    joints[:, _J[f'{side}_ankle']] = joints[:, _J[f'{side}_knee']] - body.shank * shank[..., 2]
    for name, rotation in (('thigh', thigh), ('shank', shank), ('foot', foot)):
        parts[:, _P[f'{side}_{name}']] = rotation


def cross(a: ArrayLike, b: ArrayLike) -> list[float]:
    """Return the cross product of two vectors (3,); numpy's own is slow for single ones."""
    (ax, ay, az), (bx, by, bz) = a, b
    return [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx]


def _turn(axis: str, angle_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, 3, 3) rotations about a coordinate axis."""
    cos, sin = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    first, second = {'x': (1, 2), 'y': (2, 0), 'z': (0, 1)}[axis]
    out = np.zeros((len(cos), 3, 3))
    out[:] = _EYE
    out[:, first, first] = out[:, second, second] = cos
    out[:, first, second], out[:, second, first] = -sin, sin
    return out
