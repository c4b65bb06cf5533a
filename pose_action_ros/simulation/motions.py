"""The actor's actions: each is a smooth function of time with natural variation.

Owns: `move`, which gives the poses of an action at any moment. Gaits, waving and clapping are
sinusoids of a phase. The other actions go through key poses with minimum-jerk transitions. Ranges
of the joints stay within those of healthy adults (D. Neumann, Kinesiology of the Musculoskeletal
System). Right is the active side; a left-handed performance is the mirror image.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.actions import OTHER
from pose_action_ros.simulation.body import DOFS, mirrored, pose_change, pose_vector
from pose_action_ros.simulation.style import cycle_s, neutral, smooth_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pose_action_ros.simulation.style import Style

    Poses = NDArray[np.float64]

__all__ = ['ENDS_APART', 'fall_direction', 'move']

ENDS_APART = ('sit down', 'fall')
"""Actions that do not return to standing; the actor stands up next."""

_INDEX = {name: i for i, name in enumerate(DOFS)}
_GRAVITY = 9.81


def move(action: str, time_s: NDArray[np.float64], style: Style, start: Poses) -> Poses:
    """Return the poses of an action.

    Args:
        action: One of `SIMULATED_ACTIONS`, or `OTHER`.
        time_s: (T,) seconds since the action began.
        style: Style of the performance.
        start: (D,) pose at the beginning; only standing up uses it.

    Returns:
        (T, D) in the order of `body.DOFS`.
    """
    phase = time_s / cycle_s(action, style)
    if action == 'stand up':
        poses = _stand_up(phase, style, start)
        settled = smooth_step(phase)[:, None]
    else:
        poses = _MOTIONS[action](phase, style)
        poses = mirrored(poses) if style.left else poses
        settled = np.ones((len(phase), 1))
    sway = style.sway[0] * np.sin(style.sway[1] * time_s[:, None] + style.sway[2])
    return poses + settled * (style.stance + sway)


def fall_direction(style: Style) -> float:
    """Return the direction of an actor's fall, radians from the heading to the left."""
    side = np.pi / 2 if style.left else -np.pi / 2
    return float((0.0, np.pi, side)[_way_of_falling(style)])


def _through(phase: NDArray[np.float64], *keys: tuple[float, Poses]) -> Poses:
    """Go through key poses (phase, pose) in turn and stay at the last."""
    poses = np.repeat(keys[0][1][None], len(phase), axis=0)
    for (start, a), (end, b) in pairwise(keys):
        poses = poses + smooth_step((phase - start) / (end - start))[:, None] * (b - a)
    return poses


def _oscillate(base: Poses, phase: NDArray[np.float64], **swings) -> Poses:
    """Add (T,) swings in degrees to degrees of freedom of one base pose."""
    poses = np.repeat(base[None], len(phase), axis=0)
    for name, swing in swings.items():
        poses[:, _INDEX[name]] += swing
    return poses


def _stand(phase, style: Style) -> Poses:
    v = style.vary
    shift = 2.5 * np.sin(2 * np.pi * phase)
    if v[0] < 0.25:  # hands on the hips
        base = neutral(style) + pose_change(
            both_shoulder_abd=32, both_shoulder_twist=-48, both_elbow=75, both_shoulder_flex=-12
        )
    else:
        base = neutral(style)
    base[_INDEX['neck_turn']] += 60 * (v[1] - 0.5)
    return _oscillate(base, phase, spine_side=shift, tilt=-0.5 * shift, neck_turn=4 * shift)


def _walk(phase, style: Style) -> Poses:
    v, a = style.vary, style.amplitude
    p = 2 * np.pi * (phase + v[0])
    base = pose_vector(
        lean=2 + 3 * v[1], both_shoulder_abd=8, both_elbow=12 + 20 * v[2], both_hip_abd=2,
        both_hip_twist=5, flat_feet=0.75, plant_right=0, plant_left=0,
    )  # fmt: skip
    swings = _legs(p, hip=26 * a, hip_rest=4, knee=48 * a, knee_rest=10, lead=0.5)
    arm = (14 + 20 * v[3]) * a
    return _oscillate(
        base, phase, **swings,
        right_shoulder_flex=-arm * np.sin(p), left_shoulder_flex=arm * np.sin(p),
        right_elbow=-0.4 * arm * np.sin(p), left_elbow=0.4 * arm * np.sin(p),
        spine_twist=5 * np.sin(p),
    )  # fmt: skip


def _run(phase, style: Style) -> Poses:
    v, a = style.vary, style.amplitude
    p = 2 * np.pi * (phase + v[0])
    base = pose_vector(
        lean=7 + 8 * v[1], both_shoulder_abd=14, both_elbow=75 + 30 * v[2], both_hip_abd=1,
        both_shoulder_twist=-12, flat_feet=0.5, plant_right=0, plant_left=0,
    )  # fmt: skip
    swings = _legs(p, hip=38 * a, hip_rest=18, knee=82 * a, knee_rest=18, lead=0.75)
    arm = (28 + 16 * v[3]) * a
    return _oscillate(
        base, phase, **swings,
        right_shoulder_flex=-arm * np.sin(p) - 8, left_shoulder_flex=arm * np.sin(p) - 8,
        spine_twist=9 * np.sin(p),
        lift=0.07 * a * np.clip(np.sin(2 * p - 0.6), 0, 1) ** 1.5,
    )  # fmt: skip


def _legs(p, *, hip: float, hip_rest: float, knee: float, knee_rest: float, lead: float) -> dict:
    """Swings of both legs in a gait; the knee folds while its thigh comes forward."""
    swings = {}
    for side, q in (('right', p), ('left', p + np.pi)):
        swings[f'{side}_hip_flex'] = hip * np.sin(q) + hip_rest
        swings[f'{side}_knee'] = knee * np.clip(np.cos(q + lead), 0, 1) ** 1.6 + knee_rest
    return swings


def _crouch(depth: float, arms: float, lean: float) -> Poses:
    """Bend hips and knees so that the weight stays over the feet; depth 1 is a full squat."""
    return pose_vector(
        bend=lean, both_hip_flex=92 * depth, both_knee=112 * depth, both_hip_abd=8 * depth,
        both_hip_twist=12 * depth, both_shoulder_flex=arms, both_elbow=12, both_shoulder_abd=9,
    )  # fmt: skip


def _jump(phase, style: Style) -> Poses:
    v, a = style.vary, style.amplitude
    u = phase % 1.0
    stand = neutral(style)
    low = _crouch((0.48 + 0.15 * v[0]) * a, -35 * a, 25)
    high = pose_vector(both_shoulder_flex=50 + 80 * v[1], both_shoulder_abd=12, both_elbow=20,
                       both_knee=6, both_ankle=-35, flat_feet=0.2)  # fmt: skip
    land = _crouch(0.36 * a, 25, 14)
    poses = _through(
        u, (0.0, stand), (0.30, low), (0.50, high), (0.60, high), (0.78, land), (1.0, stand)
    )
    air_s = 0.25 * cycle_s('jump', style)
    flight = np.clip((u - 0.45) / 0.25, 0.0, 1.0)
    poses[:, _INDEX['lift']] += 0.5 * _GRAVITY * air_s**2 * flight * (1.0 - flight) * 2.0 * a
    return poses


def _squat(phase, style: Style) -> Poses:
    v, a = style.vary, style.amplitude
    stand = neutral(style)
    arms = 85 if v[0] < 0.6 else 20
    low = _crouch(min(0.98 * a, 1.08), arms, 18 + 18 * v[1])
    return _through(phase % 1.0, (0.0, stand), (0.40, low), (0.55, low), (0.95, stand))


def _seated(style: Style) -> Poses:
    v = style.vary
    return pose_vector(
        lean=-4 + 8 * v[0], both_hip_flex=78 + 10 * v[1], both_knee=82 + 12 * v[2],
        both_hip_abd=6 + 8 * v[3], both_shoulder_flex=22 + 14 * v[4], both_elbow=45 + 20 * v[5],
        both_shoulder_twist=-12, both_shoulder_abd=6,
    )  # fmt: skip


def _sit_down(phase, style: Style) -> Poses:
    middle = 0.5 * (_seated(style) + neutral(style)) + pose_change(bend=26 * style.amplitude)
    return _through(phase, (0.0, neutral(style)), (0.55, middle), (1.0, _seated(style)))


def _stand_up(phase, style: Style, start: Poses) -> Poses:
    """From the actor's pose, seated or lying; `start` already includes style and mirroring."""
    end = neutral(style)
    lying = max(abs(start[_INDEX['lean']]), abs(start[_INDEX['tilt']])) > 55
    if lying:
        low = _crouch(1.0, 20, 38)
        return _through(phase, (0.0, start), (0.6, low), (1.15, end))
    middle = 0.5 * (start + end) + pose_change(bend=30 * style.amplitude)  # fmt: skip
    return _through(phase, (0.0, start), (0.45, middle), (1.0, end))


def _wave(phase, style: Style) -> Poses:
    v, a = style.vary, style.amplitude
    base = neutral(style)
    if v[0] < 0.5:  # upper arm level, forearm up
        up = pose_vector(right_shoulder_abd=72 + 25 * v[1], right_shoulder_twist=75 + 20 * v[2],
                         right_elbow=75, right_shoulder_flex=8)  # fmt: skip
    else:  # overhead
        up = pose_vector(right_shoulder_abd=128 + 20 * v[1], right_shoulder_twist=70,
                         right_elbow=38)  # fmt: skip
    keep = np.array(['right_shoulder' in n or 'right_elbow' in n for n in DOFS])
    base = np.where(keep, up, base)
    swing = 32 * a * np.sin(2 * np.pi * phase)
    return _oscillate(base, phase, right_elbow=swing, right_shoulder_abd=0.25 * swing,
                      spine_side=0.06 * swing)  # fmt: skip


def _clap(phase, style: Style) -> Poses:
    v, a = style.vary, style.amplitude
    base = neutral(style) * np.array(['shoulder' not in n and 'elbow' not in n for n in DOFS])
    base = base + pose_change(both_shoulder_flex=24 + 28 * v[0], both_elbow=70 + 25 * v[1],
                              both_shoulder_abd=6, both_shoulder_twist=-13)  # fmt: skip
    swing = 19 * a * np.cos(2 * np.pi * phase)
    return _oscillate(base, phase, right_shoulder_twist=swing, left_shoulder_twist=swing,
                      right_shoulder_abd=0.3 * swing, left_shoulder_abd=0.3 * swing)  # fmt: skip


def _point(phase, style: Style) -> Poses:
    v = style.vary
    stand = neutral(style)
    aim = np.where(
        ['right_shoulder' in n or 'right_elbow' in n for n in DOFS],
        pose_vector(right_shoulder_flex=80 + 22 * v[0], right_shoulder_abd=-12 + 85 * v[1],
                    right_elbow=4),
        stand,
    )  # fmt: skip
    aim[_INDEX['neck_turn']] -= 50 * v[1]
    aim[_INDEX['spine_twist']] -= 12 * v[1]
    return _through(phase, (0.0, stand), (0.24, aim), (1.0, aim))


def _pick_up(phase, style: Style) -> Poses:
    v, a = style.vary, style.amplitude
    stand = neutral(style)
    low = _crouch(0.42 + 0.25 * v[0], 60, 52 * a) + pose_change(
        spine_bend=28, right_shoulder_flex=22, right_elbow=-8, left_shoulder_flex=-45,
        left_elbow=30,
    )  # fmt: skip
    holding = stand + pose_change(right_shoulder_flex=15, right_elbow=75)  # fmt: skip
    return _through(phase % 1.0, (0.0, stand), (0.38, low), (0.5, low), (0.85, holding),
                    (1.0, stand))  # fmt: skip


def _kick(phase, style: Style) -> Poses:
    v, a = style.vary, style.amplitude
    stand = neutral(style)
    held = {'plant_right': 0, 'plant_left': 1.0}
    back = pose_vector(lean=8, right_hip_flex=-22, right_knee=70, left_knee=10, left_hip_flex=8,
                       both_shoulder_abd=25, left_shoulder_flex=30, right_shoulder_flex=-25,
                       both_elbow=35, **held)  # fmt: skip
    out = pose_vector(lean=-14 * a, right_hip_flex=(62 + 30 * v[0]) * a - 14, right_knee=8,
                      left_hip_flex=-14 * a, left_knee=6, both_shoulder_abd=35, both_elbow=35,
                      right_shoulder_flex=20, left_shoulder_flex=-25, right_ankle=-15,
                      right_hip_abd=12 * v[1], **held)  # fmt: skip
    fold = pose_vector(right_hip_flex=45, right_knee=70, both_shoulder_abd=20, both_elbow=30,
                       **held)  # fmt: skip
    return _through(phase % 1.0, (0.0, stand), (0.24, back), (0.52, out), (0.58, out),
                    (0.74, fold), (1.0, stand))  # fmt: skip


def _punch(phase, style: Style) -> Poses:
    v, a = style.vary, style.amplitude
    guard = pose_vector(
        bend=6, both_shoulder_flex=30 + 12 * v[0], both_elbow=115, both_shoulder_abd=10,
        both_shoulder_twist=-14, both_knee=14, both_hip_flex=10, both_hip_abd=6,
        right_hip_flex=-10, left_hip_flex=12, spine_twist=-8,
    )  # fmt: skip
    height = 78 + 16 * v[1]
    right = guard + pose_change(right_shoulder_flex=height - 30, right_elbow=-107,
                                right_shoulder_twist=14, spine_twist=30 * a,
                                spine_bend=6)  # fmt: skip
    left = guard + pose_change(left_shoulder_flex=height - 30, left_elbow=-107,
                               left_shoulder_twist=14, spine_twist=-20 * a)  # fmt: skip
    hits = (right, left) if v[2] < 0.6 else (right, right)
    u = phase % 2.0
    return _through(u, (0.0, guard), (0.3, hits[0]), (0.45, hits[0]), (0.95, guard),
                    (1.05, guard), (1.3, hits[1]), (1.45, hits[1]), (1.95, guard))  # fmt: skip


def _bow(phase, style: Style) -> Poses:
    v, a = style.vary, style.amplitude
    stand = neutral(style)
    low = stand + pose_change(bend=(48 + 25 * v[0]) * a, spine_bend=18, neck_bend=12,
                              both_shoulder_flex=25 * (v[1] - 0.2))  # fmt: skip
    return _through(phase % 1.0, (0.0, stand), (0.36, low), (0.56, low), (0.92, stand))


def _way_of_falling(style: Style) -> int:
    """0 on the face, 1 on the back, 2 on the active side."""
    return int(style.vary[0] * 3)


def _fall(phase, style: Style) -> Poses:
    v = style.vary
    loose = {'plant_right': 0.2, 'plant_left': 0.2, 'flat_feet': 0.0}
    way = _way_of_falling(style)
    if way == 0:  # on the face
        buckle = {'lean': 32, 'both_knee': 40, 'both_hip_flex': 18, 'both_shoulder_flex': 60}
        down = {'lean': 88, 'both_knee': 12, 'both_shoulder_flex': 100 + 50 * v[1],
                'both_elbow': 35, 'both_shoulder_abd': 25 * v[2]}  # fmt: skip
    elif way == 1:  # on the back
        buckle = {'lean': -20, 'both_knee': 50, 'both_hip_flex': 40, 'both_shoulder_flex': 50}
        down = {'lean': -86, 'both_knee': 15 + 40 * v[1], 'both_hip_flex': 8 + 25 * v[1],
                'both_shoulder_abd': 25 + 50 * v[2], 'both_elbow': 20,
                'neck_bend': 10}  # fmt: skip
    else:  # on the right side
        buckle = {'tilt': 26, 'both_knee': 45, 'both_hip_flex': 25, 'right_shoulder_abd': 40}
        down = {'tilt': 86, 'both_knee': 20 + 40 * v[1], 'both_hip_flex': 12 + 30 * v[1],
                'right_shoulder_flex': 60 + 60 * v[2], 'both_elbow': 30,
                'left_shoulder_flex': 40}  # fmt: skip
    return _through(phase, (0.0, neutral(style)), (0.45, pose_vector(**buckle, **loose)),
                    (1.0, pose_vector(**down, **loose)))  # fmt: skip


def _other(phase, style: Style) -> Poses:
    """Arms and trunk go from one random pose to the next, without a named action."""
    rng = np.random.default_rng((2**32 * style.vary[:2]).astype(np.int64))
    poses = [neutral(style)]
    for _ in range(6):
        reach = {
            f'{side}_{dof}': rng.uniform(low, high)
            for side in ('right', 'left')
            for dof, low, high in _REACH
        }
        trunk = {dof: rng.uniform(low, high) for dof, low, high in _TRUNK}
        pose = neutral(style) + style.amplitude * pose_change(**reach, **trunk)
        poses.append(pose if rng.random() < 0.8 else poses[-1])
    times = np.cumsum(rng.uniform(0.2, 0.45, len(poses)))
    return _through(phase, *zip(times - times[0], poses, strict=True))


_REACH = (
    ('shoulder_flex', -25, 95), ('shoulder_abd', -5, 70), ('shoulder_twist', -50, 45),
    ('elbow', 0, 115), ('hip_flex', -8, 22), ('knee', 0, 25),
)  # fmt: skip
_TRUNK = (
    ('bend', -4, 22), ('spine_side', -16, 16), ('spine_twist', -28, 28), ('neck_turn', -45, 45),
    ('neck_bend', -15, 20),
)  # fmt: skip

_MOTIONS: dict[str, Callable[..., Poses]] = {
    **{'stand': _stand, 'walk': _walk, 'run': _run, 'jump': _jump, 'squat': _squat},
    **{'sit down': _sit_down, 'wave': _wave, 'clap': _clap, 'point': _point, 'pick up': _pick_up},
    **{'kick': _kick, 'punch': _punch, 'bow': _bow, 'fall': _fall, OTHER: _other},
}
