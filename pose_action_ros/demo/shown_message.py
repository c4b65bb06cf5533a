"""From messages to the live page: a pose, its label, and the state of the node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.demo.observed import joints_from_msg
from pose_action_ros.msg import Pose3D
from pose_action_ros.view.frame import ShownFrame, ShownPerson

if TYPE_CHECKING:
    from pose_action_ros.demo.observed import ObservedFrame
    from pose_action_ros.demo.observer import Tally
    from pose_action_ros.msg import Person

__all__ = ['shown_message']


def shown_message(frame: ObservedFrame, tally: Tally) -> ShownFrame:
    """Return the content of the page for an image and its messages.

    Args:
        frame: The image and its people.
        tally: Rates and ages until now.
    """
    return ShownFrame(
        stamp_ns=frame.stamp_ns,
        image_rgb=frame.image_rgb,
        persons=tuple(_person(person) for person in frame.people or ()),
        rates_hz={'images': tally.rate_in_hz(), 'poses': tally.rate_out_hz()},
        ages_ms={'age of a pose': tally.newest_age_ms()},
    )


def _person(person: Person) -> ShownPerson:
    pose, action = person.pose, person.action
    joints = joints_from_msg(pose)
    text = f'person {person.track_id}'
    if action.labels:
        text = f'{action.label} {action.confidence:.0%}' if action.valid else '...'
    return ShownPerson(
        text=text,
        layout=pose.layout,
        joints_image_px=joints[:, :2],
        joints_m=joints[:, 2:] if np.isfinite(joints[:, 2:]).any() else None,
        in_camera=pose.reference == Pose3D.REFERENCE_CAMERA,
        scores=dict(zip(action.labels, action.scores, strict=True)),
    )
