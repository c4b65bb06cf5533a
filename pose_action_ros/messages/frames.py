"""Frames: a transform that never changes, as tf2 reads it from /tf_static."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pose_action_ros.geometry.camera_placement import quaternion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pose_action_ros.messages.maker import MessageMaker

__all__ = ['transform_to_msg']


def transform_to_msg(
    make: MessageMaker, header: Any, child: str, placement: NDArray[np.float64]
) -> Any:
    """Return a `geometry_msgs/TransformStamped`.

    Args:
        make: Makes messages.
        header: Its stamp, and the parent frame.
        child: The frame that is placed.
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
