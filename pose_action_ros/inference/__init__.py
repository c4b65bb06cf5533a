"""Inference: turns images into `FramePrediction`s; the whole product without ROS.

All names of this module are for users of the package: docs/python_api.md promises what stays.

`stream` is the entry point. It gets the windows from `people`, the registry of tracked people, and
`runtime` runs the network on them. A `person` has a `motion`, a `clip_buffer` of recent features,
and the filters of `smoothing`. `image_clock` skips images with implausible stamps. `settings`
holds every default, `annotate` draws a result, and `still_images` counts the people found in a
photograph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pose_action_ros.core.predictions import (
    ActionScores,
    FramePrediction,
    PersonBox,
    PersonPrediction,
    ScaleSource,
)
from pose_action_ros.geometry import Camera
from pose_action_ros.inference.annotate import annotate
from pose_action_ros.inference.settings import StreamSettings

if TYPE_CHECKING:
    from pose_action_ros.inference.stream import PoseActionStream

__all__ = [
    'ActionScores',
    'Camera',
    'FramePrediction',
    'PersonBox',
    'PersonPrediction',
    'PoseActionStream',
    'ScaleSource',
    'StreamSettings',
    'annotate',
]


def __getattr__(name: str) -> Any:
    """Load the stream, and PyTorch with it, on first use."""
    if name == 'PoseActionStream':
        from pose_action_ros.inference.stream import PoseActionStream

        return PoseActionStream
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
