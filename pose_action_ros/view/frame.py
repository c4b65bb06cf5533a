"""The content of the page for one image: pixels, people and figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import FramePrediction, PersonPrediction

__all__ = ['ShownFrame', 'ShownPerson', 'shown_prediction']


@dataclass(frozen=True, eq=False)
class ShownPerson:
    """One person.

    Attributes:
        text: The displayed label.
        layout: Name of the joint layout.
        joints_image_px: (J, 2) pixels, NaN if not seen.
        joints_m: (J, 3) metres in the camera's optical frame or relative to the root joint, NaN
            if not seen; None without 3D.
        in_camera: `joints_m` are in the camera's frame.
        scores: Probability of each action by its name; empty without actions.
    """

    text: str
    layout: str
    joints_image_px: NDArray[np.floating]
    joints_m: NDArray[np.floating] | None = None
    in_camera: bool = False
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ShownFrame:
    """One image and its results.

    Attributes:
        stamp_ns: The image's stamp.
        image_rgb: (H, W, 3) uint8.
        persons: Everybody in it; the scores of the first one are drawn over time.
        rates_hz: Rates by name.
        ages_ms: Ages and durations by name.
    """

    stamp_ns: int
    image_rgb: NDArray[np.uint8]
    persons: tuple[ShownPerson, ...] = ()
    rates_hz: Mapping[str, float] = field(default_factory=dict)
    ages_ms: Mapping[str, float] = field(default_factory=dict)


def shown_prediction(image_rgb: NDArray[np.uint8], prediction: FramePrediction) -> ShownFrame:
    """Return the content of the page for a result without ROS."""
    return ShownFrame(
        stamp_ns=prediction.stamp_ns,
        image_rgb=image_rgb,
        persons=tuple(_person(person) for person in prediction.persons),
        ages_ms={
            'preprocess': prediction.preprocess_ms,
            'inference': prediction.inference_ms,
        },
    )


def _person(person: PersonPrediction) -> ShownPerson:
    action, in_camera = person.action, person.joints_camera_m is not None
    text, scores = f'person {person.track_id}', {}
    if action is not None:
        scores = dict(zip(action.labels, action.scores.tolist(), strict=True))
        shown = action.valid and action.carried
        text = f'{action.labels[action.best]} {action.scores[action.best]:.0%}' if shown else '...'
    return ShownPerson(
        text=text,
        layout=person.layout,
        joints_image_px=person.joints_image_px,
        joints_m=person.joints_camera_m if in_camera else person.joints_root_m,
        in_camera=in_camera,
        scores=scores,
    )
