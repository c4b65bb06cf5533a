"""From messages to the live page: a pose, its label, and the state of the node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.demo.accuracy import joints_from_msg
from pose_action_ros.msg import ActionLabel, Pose3D
from pose_action_ros.view.frame import ShownFrame, ShownPerson

if TYPE_CHECKING:
    from pose_action_ros.demo.observer import ObservedFrame, Tally

__all__ = ['shown_message']


def shown_message(frame: ObservedFrame, tally: Tally) -> ShownFrame:
    """Return the content of the page for an image and its messages.

    Args:
        frame: The image, its pose and its label.
        tally: Rates and ages until now.
    """
    persons = () if frame.pose is None else (_person(frame.pose, frame.action),)
    return ShownFrame(
        stamp_ns=frame.stamp_ns,
        image_rgb=frame.image_rgb,
        persons=persons,
        rates_hz={'images': tally.rate_in_hz(), 'poses': tally.rate_out_hz()},
        ages_ms={'age of a pose': tally.newest_age_ms()},
    )


def _person(pose: Pose3D, action: ActionLabel | None) -> ShownPerson:
    joints = joints_from_msg(pose)
    in_camera = pose.reference == Pose3D.REFERENCE_CAMERA
    text, scores = f'person {pose.track_id}', {}
    if action is not None:
        scores = dict(zip(action.labels, action.scores, strict=True))
        text = f'{action.label} {action.confidence:.0%}' if action.valid else '...'
    return ShownPerson(
        text=text,
        layout=pose.layout,
        joints_image_px=joints[:, :2],
        joints_m=joints[:, 2:] if np.isfinite(joints[:, 2:]).any() else None,
        in_camera=in_camera,
        scores=scores,
    )
