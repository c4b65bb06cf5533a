"""Results in another frame than the camera's, by tf2 if it is installed.

The transform is looked up at the image's stamp. If tf2 does not know it, messages stay in the
optical frame, which their header names. So nothing is published in a wrong frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rclpy.duration import Duration
from rclpy.time import Time
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from pose_action_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from geometry_msgs.msg import Point, TransformStamped, Vector3
    from numpy.typing import NDArray
    from rclpy.node import Node

    from pose_action_ros.msg import Pose3D

__all__ = ['FrameTransform', 'TargetFrame', 'load_tf2']

_PATIENCE = Duration(seconds=0.05)  # for a transform that is late
_JUMP_BACK_S = 1.0


@dataclass(frozen=True, eq=False)
class FrameTransform:
    """From the optical frame to another one.

    Attributes:
        frame_id: The other frame.
        rotation: (3, 3).
        translation_m: (3,) position of the camera in the other frame.
    """

    frame_id: str
    rotation: NDArray[np.float64]
    translation_m: NDArray[np.float64]

    @classmethod
    def from_msg(cls, msg: TransformStamped) -> FrameTransform:
        """Return the transform of a message."""
        q, t = msg.transform.rotation, msg.transform.translation
        return cls(
            msg.header.frame_id, _rotation_matrix(q.w, q.x, q.y, q.z), np.array([t.x, t.y, t.z])
        )

    def header(self, header: Header) -> Header:
        """Return a header with the name of this frame."""
        return Header(stamp=header.stamp, frame_id=self.frame_id)

    def move_pose(self, pose: Pose3D) -> None:
        """Transform a pose in place: positions are moved, directions are rotated."""
        self._move([pose.root, *(joint.position for joint in pose.joints)])
        self._turn([pose.velocity, *(joint.from_root for joint in pose.joints)])
        covariance = np.reshape(pose.root_covariance, (3, 3))
        pose.root_covariance = (self.rotation @ covariance @ self.rotation.T).ravel()
        pose.header = self.header(pose.header)

    def move_markers(self, markers: Iterable[Marker]) -> None:
        """Transform the markers of a pose in place."""
        for marker in markers:
            is_text = marker.type == Marker.TEXT_VIEW_FACING
            self._move([marker.pose.position] if is_text else marker.points)
            marker.header = self.header(marker.header)

    def _move(self, points: Sequence[Point]) -> None:
        self._turn(points, self.translation_m)

    def _turn(
        self, vectors: Sequence[Point | Vector3], shift: NDArray[np.float64] | float = 0.0
    ) -> None:
        rows = np.array([(v.x, v.y, v.z) for v in vectors]).reshape(-1, 3)
        turned = rows @ self.rotation.T + shift
        for vector, (x, y, z) in zip(vectors, turned.tolist(), strict=True):
            vector.x, vector.y, vector.z = x, y, z


class TargetFrame:
    """Looks transforms up.

    Args:
        node: The node that receives the transforms; an executor must spin it.
        frame_id: The frame of the results.

    Attributes:
        problem: The reason if the results of the last image stay in its frame; otherwise empty.

    Raises:
        ConfigError: tf2 is not installed.
    """

    def __init__(self, node: Node, frame_id: str) -> None:
        self._tf2: Any = load_tf2(f'target_frame is {frame_id!r}', 'leave target_frame empty')
        self._frame_id = frame_id
        self._buffer = self._tf2.Buffer()
        self._listener = self._tf2.TransformListener(self._buffer, node)
        self._last_s = 0.0
        self.problem = ''

    def at(self, header: Header) -> FrameTransform | None:
        """Return the transform for an image, None if it is not known at its stamp."""
        stamp = Time.from_msg(header.stamp)
        stamp_s = stamp.nanoseconds * 1e-9
        if stamp_s < self._last_s - _JUMP_BACK_S:  # a recording starts again
            self._buffer.clear()
        self._last_s = stamp_s
        # While it is unknown, waiting for it would delay every image.
        patience = Duration() if self.problem else _PATIENCE
        try:
            found = self._buffer.lookup_transform(
                self._frame_id, header.frame_id, stamp, timeout=patience
            )
        except self._tf2.TransformException as error:
            self.problem = (
                f'no transform from {header.frame_id!r} to target_frame {self._frame_id!r} '
                f'({error}); results stay in {header.frame_id!r}'
            )
            return None
        self.problem = ''
        return FrameTransform.from_msg(found)

    def close(self) -> None:
        """End the subscriptions to transforms."""
        self._listener.unregister()


def load_tf2(wanted: str, otherwise: str) -> Any:
    """Return the module `tf2_ros`.

    Args:
        wanted: The setting that needs it, for the message.
        otherwise: A setting that does not need it.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import tf2_ros
    except ImportError as error:
        raise ConfigError(
            f'{wanted}, but tf2_ros does not import ({error}); install it '
            f'(ros-$ROS_DISTRO-tf2-ros-py) or {otherwise}'
        ) from error
    return tf2_ros


def _rotation_matrix(w: float, x: float, y: float, z: float) -> NDArray[np.float64]:
    """Rotation of a quaternion of any length but 0."""
    w, x, y, z = np.array([w, x, y, z]) / np.linalg.norm([w, x, y, z])
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
