"""Prior knowledge of a body: the lengths of its rigid segments relative to its height.

Owns: `BodyPrior`, which turns pixels into metres if there is no depth camera. Source: P. de Leva,
Adjustments to Zatsiorsky-Seluyanov's segment inertia parameters, J. Biomechanics 29(9), 1996,
table 4: lengths between joint centres of 100 men (1.741 m) and 15 women (1.735 m); here the mean
of both sexes over stature. Shoulder and hip widths and the neck are ignored: data sets do not
agree on where those joints are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import get_skeleton

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ['SEGMENTS', 'BodyPrior', 'segment_matrix']

TRUNK = 'trunk'

SEGMENTS: dict[str, float] = {
    'right_shoulder-right_elbow': 0.1602,
    'left_shoulder-left_elbow': 0.1602,
    'right_elbow-right_wrist': 0.1534,
    'left_elbow-left_wrist': 0.1534,
    'right_hip-right_knee': 0.2275,
    'left_hip-left_knee': 0.2275,
    'right_knee-right_ankle': 0.2492,
    'left_knee-left_ankle': 0.2492,
    TRUNK: 0.2915,
}
"""Length over stature by segment; the trunk is pelvis to the middle of the shoulders."""


@dataclass(frozen=True)
class BodyPrior:
    """The assumed size of a person and its uncertainty.

    Attributes:
        height_m: Stature in metres.
        height_sigma: One standard deviation of the stature, relative; 0.06 is that of adults:
            0.07 m within each sex, and the means of the sexes 0.14 m apart (C. Fryar et al., NCHS
            Series 3 no. 46, 2021). It bounds how well a distance can be known from bone lengths.
        segment_sigma: One standard deviation of a single segment's share of the stature,
            relative; it averages out over the segments.
    """

    height_m: float = 1.70
    height_sigma: float = 0.06
    segment_sigma: float = 0.08

    def __post_init__(self) -> None:
        """Refuse impossible bodies.

        Raises:
            ConfigError: A value is out of range.
        """
        if not 0.3 <= self.height_m <= 3.0:
            raise ConfigError(f'body height must lie in 0.3 to 3.0 m; got {self.height_m}')
        if not (0.0 <= self.height_sigma < 1.0 and 0.0 < self.segment_sigma < 1.0):
            raise ConfigError(
                'height_sigma must lie in [0, 1) and segment_sigma in (0, 1); '
                f'got {self.height_sigma} and {self.segment_sigma}'
            )

    @property
    def lengths_m(self) -> NDArray[np.float64]:
        """(S,) lengths of `SEGMENTS` in metres, in their order."""
        return self.height_m * np.array(list(SEGMENTS.values()))


@lru_cache(maxsize=16)
def segment_matrix(layout: str) -> NDArray[np.float64]:
    """Return the matrix that maps joints to segments.

    Args:
        layout: Name of a joint layout that has a root, shoulders, elbows, wrists, hips, knees and
            ankles.

    Returns:
        (S, J) float64: row s times the joints is the vector from one end of segment s to the
        other. Read-only.

    Raises:
        ConfigError: The layout is unknown, has no root or lacks a joint.
    """
    skeleton = get_skeleton(layout)
    if skeleton.root is None:
        raise ConfigError(f'layout {layout} has no root joint; metres need one')
    matrix = np.zeros((len(SEGMENTS), skeleton.num_joints))
    for row, segment in zip(matrix, SEGMENTS, strict=True):
        if segment == TRUNK:
            row[skeleton.root] = -1.0
            row[[skeleton.index('right_shoulder'), skeleton.index('left_shoulder')]] = 0.5
        else:
            start, end = segment.split('-')
            row[skeleton.index(start)], row[skeleton.index(end)] = -1.0, 1.0
    matrix.setflags(write=False)
    return matrix
