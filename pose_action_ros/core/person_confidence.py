"""How probably a window shows a person, from the confidences of the joints.

A person who is close to the camera, or partly hidden, has few visible joints, all of them
certain. A thing that resembles a person has many joints, none of them certain. So the most certain
joints tell the two apart, and the mean over all joints does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ['certainty', 'person_confidence']

_CERTAIN_JOINTS = 3
_CLIP = 1e-3  # nearer to 0 and 1, bfloat16 has too few values


def certainty(joint_confidence: ArrayLike, count: int = _CERTAIN_JOINTS) -> NDArray[np.float64]:
    """Return the mean logit of the most certain joints, from -6.9 to 6.9.

    Args:
        joint_confidence: (..., J) from 0 to 1.
        count: Number of these joints.

    Returns:
        (...,).
    """
    values = np.clip(np.asarray(joint_confidence, np.float64), _CLIP, 1.0 - _CLIP)
    best = np.sort(values, axis=-1)[..., -count:]
    return np.asarray(np.log(best / (1.0 - best)).mean(axis=-1))


def person_confidence(
    joint_confidence: ArrayLike, gain: float = 1.0, offset: float = 0.0
) -> NDArray[np.float64]:
    """Return the probability that a window shows a person.

    Args:
        joint_confidence: (..., J) from 0 to 1.
        gain: Of a logistic function of the certainty, fitted to a network (`ModelConfig`).
        offset: The same.

    Returns:
        (...,) from 0 to 1.
    """
    return np.exp(-np.logaddexp(0.0, -(gain * certainty(joint_confidence) + offset)))
