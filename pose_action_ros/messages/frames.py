"""Frames for tf2: of a camera and of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.geometry.body_axes import body_axes
from pose_action_ros.geometry.camera_placement import quaternion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.messages.maker import MessageMaker

__all__ = ['person_frame_to_msg', 'transform_to_msg']


def transform_to_msg(
    make: MessageMaker, header: Any, child: str, placement: NDArray[np.float64]
) -> Any:
    """Return a `geometry_msgs/TransformStamped`.

    Args:
        make: Makes messages.
        header: Its stamp, and the parent frame.
        child: Name of the child frame.
        placement: (3, 4) from points of the child to points of the parent, metres.
    """
    x, y, z = placement[:, 3].tolist()
    turn = dict(zip('xyzw', quaternion(placement[:, :3]).tolist(), strict=True))
    return make(
        'geometry_msgs/TransformStamped',
        header=header,
        child_frame_id=child,
        transform=make(
            'geometry_msgs/Transform',
            translation=make('geometry_msgs/Vector3', x=x, y=y, z=z),
            rotation=make('geometry_msgs/Quaternion', **turn),
        ),
    )


def person_frame_to_msg(make: MessageMaker, pose: Any, skeleton: Skeleton) -> Any:
    """Return the frame `person_<track_id>` of a Pose3D as a `TransformStamped`, in its frame.

    The origin is the root joint. The axes are those of REP 155 (`geometry.body_axes`), or
    those of the pose's frame if shoulders or hips are not known.

    Args:
        make: Makes messages.
        pose: The Pose3D.
        skeleton: The layout of its joints.

    Returns:
        The message; None if the position of the root is not known.
    """
    root = np.array([pose.root.x, pose.root.y, pose.root.z])
    if not np.isfinite(root).all():
        return None
    offsets = [(j.from_root.x, j.from_root.y, j.from_root.z) for j in pose.joints]
    axes = body_axes(np.array(offsets), skeleton)
    placement = np.column_stack([np.eye(3) if axes is None else axes, root])
    return transform_to_msg(make, pose.header, f'person_{pose.track_id}', placement)
