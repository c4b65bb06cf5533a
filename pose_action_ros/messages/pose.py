"""A person's pose to `Pose3D`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonBox, PersonPrediction
    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.messages.maker import MessageMaker

__all__ = ['SourceImage', 'box_to_msg', 'pose_to_msg']


@dataclass(frozen=True)
class SourceImage:
    """The fields of every message that describe its image.

    Attributes:
        header: Header of its message: stamp and frame.
        size: Its width and height, pixels.
        model: Name of the network that saw it.
    """

    header: Any
    size: tuple[int, int]
    model: str


def pose_to_msg(
    make: MessageMaker, person: PersonPrediction, skeleton: Skeleton, source: SourceImage
) -> Any:
    """Return the Pose3D of one person.

    Args:
        make: Makes messages.
        person: The result; its best 3D pose is used (camera, else root-relative, else none).
        skeleton: The layout of its joints.
        source: The image; the box is clipped to it.
    """
    reference, positions = _best_position(make.type_of('pose_action_ros/Pose3D'), person)
    u, v = person.joints_image_px.T.tolist()
    joints = [
        make(
            'pose_action_ros/Joint',
            name=name,
            position=make('geometry_msgs/Point', x=x, y=y, z=z),
            u=u,
            v=v,
            confidence=confidence,
        )
        for name, (x, y, z), u, v, confidence in zip(
            skeleton.joint_names, positions.tolist(), u, v, person.confidence.tolist(), strict=True
        )
    ]
    return make(
        'pose_action_ros/Pose3D',
        header=source.header,
        track_id=person.track_id,
        layout=person.layout,
        joints=joints,
        reference=reference,
        scale_source=int(person.scale_source),
        roi=box_to_msg(make, person.box, source.size),
        confidence=float(person.confidence.mean()),
        model=source.model,
    )


def box_to_msg(make: MessageMaker, box: PersonBox, image_size: tuple[int, int]) -> Any:
    """Return the part of a box that lies inside an image, in whole pixels.

    Args:
        make: Makes the message.
        box: Square in source pixels.
        image_size: Width and height, pixels.
    """
    half = box.size / 2
    (left, right), (top, bottom) = (
        np.clip([center - half, center + half], 0, length).round().astype(int).tolist()
        for center, length in zip((box.center_x, box.center_y), image_size, strict=True)
    )
    return make(
        'sensor_msgs/RegionOfInterest',
        x_offset=left,
        y_offset=top,
        width=right - left,
        height=bottom - top,
    )


def _best_position(kind: Any, person: PersonPrediction) -> tuple[int, NDArray[np.floating]]:
    if person.joints_camera_m is not None:
        return kind.REFERENCE_CAMERA, person.joints_camera_m
    if person.joints_root_m is not None:
        return kind.REFERENCE_ROOT, person.joints_root_m
    return kind.REFERENCE_IMAGE, np.full((len(person.confidence), 3), np.nan)
