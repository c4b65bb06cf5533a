"""The accuracy gate: a check of a reduced precision on pictures of people.

The pictures are eight windows of four simulated actors, none of them in any training set. Empty
pictures would not do, because their flat heat maps do not represent people. The pictures are
processed one at a time as in a stream, because a library may round a batch of eight differently.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import CheckpointError, ImageError
from pose_action_ros.geometry import CROP_PX
from pose_action_ros.geometry.media import read_picture
from pose_action_ros.runtime.network import FrameArrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.models import ModelConfig
    from pose_action_ros.runtime.network import Network

__all__ = ['MAX_JOINT_PX', 'MAX_SCORE', 'as_clip', 'deviation', 'gate_pictures', 'one_by_one']

MAX_JOINT_PX = 0.5
"""Largest allowed shift of a joint in the crop by a reduced precision, pixels."""

MAX_SCORE = 0.01
"""Largest allowed change of a score by a reduced precision."""

_PICTURES = Path(__file__).with_name('accuracy_gate_pictures.jpg')


def deviation(network: Network, reference: Network, config: ModelConfig) -> tuple[float, float]:
    """Return the difference of a network and a reference on the stored pictures.

    Returns:
        Largest distance of a joint in the crop, pixels; largest difference of a probability.
    """
    found, exact = (one_by_one(each, gate_pictures()) for each in (network, reference))
    offset = (found.joints[..., :2] - exact.joints[..., :2]) * CROP_PX
    scores = [found.visibility - exact.visibility]
    if config.actions:
        actions = network.actions(*as_clip(found, config.clip_frames))
        scores.append(actions - reference.actions(*as_clip(exact, config.clip_frames)))
    largest_score = max(float(np.abs(difference).max()) for difference in scores)
    return float(np.linalg.norm(offset, axis=-1).max()), largest_score


def one_by_one(network: Network, crops: NDArray[np.uint8]) -> FrameArrays:
    """Return the outputs for pictures (N, 256, 256, 3), computed one at a time."""
    rows = [network.frames(crop[None]) for crop in crops]
    return FrameArrays(*(np.concatenate(column) for column in zip(*rows, strict=True)))


@lru_cache(maxsize=1)
def gate_pictures() -> NDArray[np.uint8]:
    """Return (8, 256, 256, 3) uint8 RGB, windows with a person each.

    Raises:
        CheckpointError: The file beside this module is missing or damaged.
    """
    try:
        strip = read_picture(_PICTURES)
    except ImageError as error:
        raise CheckpointError(f'{error}; install the package again') from error
    return strip.reshape(-1, CROP_PX, CROP_PX, 3)


def as_clip(frames: FrameArrays, length: int) -> tuple[NDArray[np.float32], ...]:
    """A clip that repeats the frames: joints, probability, features."""
    order = np.arange(length) % len(frames.joints)
    return tuple(
        np.ascontiguousarray(array[order][None])
        for array in (frames.joints, frames.probability, frames.joint_features)
    )
