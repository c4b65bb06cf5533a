"""A person's pose to `Pose3D`, and the layout of its joints to `JointLayout`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonBox, PersonPrediction
    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.messages.maker import MessageMaker

__all__ = ['SourceImage', 'box_to_msg', 'layout_to_msg', 'pose_to_msg']


@dataclass(frozen=True)
class SourceImage:
    """The fields of every message that describe its image.

    Attributes:
        header: Header of its message: stamp and frame.
        size: Its width and height, pixels.
        model: Name of the network.
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
        person: The result.
        skeleton: The layout of its joints.
        source: The image; the box is clipped to it.
    """
    joints = [
        make(
            'pose_action_ros/Joint',
            name=name,
            position=_xyz(make, 'Point', place),
            from_root=_xyz(make, 'Vector3', offset),
            u=u,
            v=v,
            confidence=confidence,
        )
        for name, place, offset, (u, v), confidence in zip(
            skeleton.joint_names,
            _rows(person, person.joints_camera_m),
            _rows(person, person.joints_root_m),
            person.joints_image_px.tolist(),
            person.confidence.tolist(),
            strict=True,
        )
    ]
    return make(
        'pose_action_ros/Pose3D',
        header=source.header,
        track_id=person.track_id,
        layout=person.layout,
        joints=joints,
        reference=_reference(make, person),
        scale_source=int(person.scale_source),
        root=_xyz(make, 'Point', person.root_m.tolist()),
        root_covariance=person.root_covariance_m2.ravel(),
        velocity=_xyz(make, 'Vector3', person.velocity_m_per_s.tolist()),
        roi=box_to_msg(make, person.box, source.size),
        confidence=person.person_confidence,
        model=source.model,
    )


def layout_to_msg(make: MessageMaker, skeleton: Skeleton) -> Any:
    """Return the JointLayout of a skeleton."""
    return make(
        'pose_action_ros/JointLayout',
        name=skeleton.name,
        joint_names=list(skeleton.joint_names),
        bone_from=[start for start, _ in skeleton.drawn_links],
        bone_to=[end for _, end in skeleton.drawn_links],
        root=-1 if skeleton.root is None else skeleton.root,
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


def _reference(make: MessageMaker, person: PersonPrediction) -> int:
    """The reference of the joints' coordinates."""
    kind = make.type_of('pose_action_ros/Pose3D')
    if person.joints_camera_m is not None:
        return int(kind.REFERENCE_CAMERA)
    return int(kind.REFERENCE_IMAGE if person.joints_root_m is None else kind.REFERENCE_ROOT)


def _rows(person: PersonPrediction, joints_m: NDArray[np.floating] | None) -> list[list[float]]:
    """J rows of x, y, z; NaN if there are no joints."""
    if joints_m is None:
        joints_m = np.full((len(person.confidence), 3), np.nan)
    rows: list[list[float]] = joints_m.tolist()
    return rows


def _xyz(make: MessageMaker, kind: str, row: list[float]) -> Any:
    x, y, z = row
    return make(f'geometry_msgs/{kind}', x=x, y=y, z=z)
