"""Differences between performances: speed, amplitude, side, stance and idle sway.

Owns: `Style`, which is drawn for every performance of an action, and the common parts of all
motions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.actions import OTHER
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.simulation.body import DOFS, pose_vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Poses = NDArray[np.float64]

__all__ = ['Style', 'cycle_s', 'neutral', 'smooth_step']

_INDEX = {name: i for i, name in enumerate(DOFS)}
# Seconds of one cycle, or of one performance, at speed 1.
_CYCLE_S = {
    **{'stand': 2.4, 'walk': 1.10, 'run': 0.72, 'jump': 1.35, 'squat': 2.1, 'sit down': 1.35},
    **{'stand up': 1.35, 'wave': 0.62, 'clap': 0.46, 'point': 2.4, 'pick up': 2.3, 'kick': 1.35},
    **{'punch': 0.80, 'bow': 2.3, 'fall': 1.05, OTHER: 1.3},
}


@dataclass(frozen=True, eq=False)
class Style:
    """Differences of one performance from others.

    Attributes:
        speed: Over the usual speed.
        amplitude: Over the usual amplitude.
        left: The left side is the active one.
        vary: (6,) numbers from 0 to 1 that each action uses in its own way.
        stance: (D,) constant deviation of this actor's poses.
        sway: (3, D) amplitude, frequency (rad/s) and phase of small idle motions.
    """

    speed: float
    amplitude: float
    left: bool
    vary: NDArray[np.float64]
    stance: NDArray[np.float64]
    sway: NDArray[np.float64]

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Style:
        """Draw a performance."""
        moving = np.array([n not in ('lift', 'flat_feet') and 'plant' not in n for n in DOFS])
        stance = 3.0 * rng.standard_normal(len(DOFS)) * moving
        stance[[_INDEX[n] for n in ('lean', 'tilt', 'turn')]] *= 0.3
        sway = np.stack(
            [
                rng.uniform(0.3, 1.8, len(DOFS)) * moving,
                rng.uniform(0.8, 4.0, len(DOFS)),
                rng.uniform(0.0, 2 * np.pi, len(DOFS)),
            ]
        )
        return cls(
            speed=float(rng.uniform(0.82, 1.22)),
            amplitude=float(rng.uniform(0.82, 1.15)),
            left=bool(rng.random() < 0.5),
            vary=rng.random(6),
            stance=stance,
            sway=sway,
        )


def cycle_s(action: str, style: Style) -> float:
    """Return the duration of one cycle, or one performance, of an action.

    Raises:
        ConfigError: There is no such action.
    """
    if action not in _CYCLE_S:
        raise ConfigError(f'unknown action {action!r}; the actor knows {", ".join(_CYCLE_S)}')
    return _CYCLE_S[action] / style.speed


def neutral(style: Style) -> Poses:
    """Return the actor's pose between actions, (D,)."""
    v = style.vary
    return pose_vector(
        both_shoulder_abd=7 + 8 * v[0],
        both_shoulder_flex=-4 + 8 * v[1],
        both_elbow=8 + 18 * v[2],
        both_shoulder_twist=-20 * v[3],
        both_hip_abd=2 + 5 * v[4],
        both_hip_twist=4 + 8 * v[5],
        both_knee=3,
    )


def smooth_step(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Minimum-jerk transition from 0 to 1 (Flash and Hogan, 1985), clamped outside."""
    x = np.clip(x, 0.0, 1.0)
    return x**3 * (10.0 + x * (6.0 * x - 15.0))
