"""Between results and messages: `to_msg` and `from_msg`, nothing else.

Every message carries the stamp and frame of the image that it comes from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from sensor_msgs.msg import CameraInfo, RegionOfInterest

from pose_action_ros.core.predictions import PersonBox, PersonPrediction
from pose_action_ros.core.stamps import SECOND_NS, split_stamp
from pose_action_ros.msg import ActionLabel, Joint, Pose3D

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from std_msgs.msg import Header

    from pose_action_ros.core.predictions import ActionScores
    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.geometry.camera import Camera

__all__ = [
    'action_to_msg',
    'box_from_msg',
    'box_to_msg',
    'camera_to_msg',
    'pose_to_msg',
    'stamp_from_msg',
    'stamp_to_msg',
]


def stamp_from_msg(stamp: Time) -> int:
    """Return a stamp in nanoseconds."""
    return stamp.sec * SECOND_NS + stamp.nanosec


def stamp_to_msg(stamp_ns: int) -> Time:
    """Return a stamp message of a time in nanoseconds."""
    sec, nanosec = split_stamp(stamp_ns)
    return Time(sec=sec, nanosec=nanosec)


def pose_to_msg(
    person: PersonPrediction,
    skeleton: Skeleton,
    header: Header,
    image_size: tuple[int, int],
    model: str,
) -> Pose3D:
    """Fill a Pose3D from one person.

    Args:
        person: The result; its best 3D pose is used (camera, else root-relative, else none).
        skeleton: The layout of its joints.
        header: Header of the source image.
        image_size: Width and height of the source image in pixels; the box is clipped to it.
        model: Name of the network.
    """
    reference, positions = _best_position(person)
    u, v = person.joints_image_px.T.tolist()
    joints = [
        Joint(name=name, position=Point(x=x, y=y, z=z), u=u, v=v, confidence=confidence)
        for name, (x, y, z), u, v, confidence in zip(
            skeleton.joint_names, positions.tolist(), u, v, person.confidence.tolist(), strict=True
        )
    ]
    return Pose3D(
        header=header,
        track_id=person.track_id,
        layout=person.layout,
        joints=joints,
        reference=reference,
        scale_source=int(person.scale_source),
        roi=box_to_msg(person.box, image_size),
        confidence=float(person.confidence.mean()),
        model=model,
    )


def action_to_msg(action: ActionScores, track_id: int, header: Header, model: str) -> ActionLabel:
    """Fill an ActionLabel from the scores of one track."""
    return ActionLabel(
        header=header,
        track_id=track_id,
        valid=action.valid,
        label=action.labels[action.best],
        confidence=float(action.scores[action.best]),
        labels=list(action.labels),
        scores=action.scores.tolist(),
        clip_start=stamp_to_msg(action.clip_start_ns),
        clip_end=stamp_to_msg(action.clip_end_ns),
        frames_used=action.frames_used,
        model=model,
    )


def box_to_msg(box: PersonBox, image_size: tuple[int, int]) -> RegionOfInterest:
    """Return the part of the box that lies inside the image, in whole pixels."""
    width, height = image_size
    half = box.size / 2
    left, right = np.clip([box.center_x - half, box.center_x + half], 0, width).round().astype(int)
    top, bottom = (
        np.clip([box.center_y - half, box.center_y + half], 0, height).round().astype(int)
    )
    return RegionOfInterest(
        x_offset=int(left), y_offset=int(top), width=int(right - left), height=int(bottom - top)
    )


def box_from_msg(roi: RegionOfInterest) -> PersonBox | None:
    """Return the square around a region; None for an empty region, which means the whole image."""
    if not roi.width or not roi.height:
        return None
    return PersonBox(
        center_x=roi.x_offset + roi.width / 2,
        center_y=roi.y_offset + roi.height / 2,
        size=float(max(roi.width, roi.height)),
    )


def camera_to_msg(camera: Camera, header: Header) -> CameraInfo:
    """Fill a CameraInfo; an undistorted camera gets five zeros of `plumb_bob`."""
    fx, fy, cx, cy = camera.fx, camera.fy, camera.cx, camera.cy
    return CameraInfo(
        header=header,
        width=camera.width,
        height=camera.height,
        distortion_model=camera.distortion_model or 'plumb_bob',
        d=list(camera.distortion) or [0.0] * 5,
        k=[fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


def _best_position(person: PersonPrediction) -> tuple[int, NDArray[np.float64]]:
    if person.joints_camera_m is not None:
        return Pose3D.REFERENCE_CAMERA, person.joints_camera_m.astype(np.float64)
    if person.joints_root_m is not None:
        return Pose3D.REFERENCE_ROOT, person.joints_root_m.astype(np.float64)
    return Pose3D.REFERENCE_IMAGE, np.full((len(person.confidence), 3), np.nan)
