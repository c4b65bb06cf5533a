"""RViz markers of a person: joints, bones and the label, each in its own namespace.

Joints are a SPHERE_LIST, bones a LINE_LIST, the label a TEXT_VIEW_FACING above the head; the
marker's id is the track's id. A lost track gets DELETE, so no ghost is left behind. Right limbs
are orange, left limbs blue, the trunk white. Joints without a position are skipped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Vector3
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker

from pose_action_ros.msg import Pose3D

if TYPE_CHECKING:
    from std_msgs.msg import Header

    from pose_action_ros.core.skeleton import Skeleton

__all__ = ['MarkerBuilder', 'MarkerSettings']

_NAMESPACES = ('joints', 'bones', 'label')
_RIGHT = ColorRGBA(r=1.0, g=0.55, b=0.1, a=1.0)
_LEFT = ColorRGBA(r=0.2, g=0.6, b=1.0, a=1.0)
_TRUNK = ColorRGBA(r=0.95, g=0.95, b=0.95, a=1.0)


@dataclass(frozen=True)
class MarkerSettings:
    """How a person is drawn in RViz."""

    joint_diameter_m: float = field(
        default=0.06, metadata={'help': 'Diameter of a joint, metres.', 'min': 0.001, 'max': 1.0}
    )
    bone_width_m: float = field(
        default=0.03, metadata={'help': 'Width of a bone, metres.', 'min': 0.001, 'max': 1.0}
    )
    text_height_m: float = field(
        default=0.18, metadata={'help': 'Height of the label, metres.', 'min': 0.01, 'max': 2.0}
    )
    lifetime_s: float = field(
        default=1.0,
        metadata={
            'help': 'Markers vanish this long after the last frame, seconds; 0 keeps them until '
            'the track is lost.',
            'min': 0.0,
            'max': 60.0,
        },
    )
    root_distance_m: float = field(
        default=3.0,
        metadata={
            'help': 'Where a pose without a camera-frame position is drawn: this far along the '
            "camera's z axis, metres. Its label then says 'root-relative'.",
            'min': 0.0,
            'max': 100.0,
        },
    )


class MarkerBuilder:
    """Builds the markers of one layout.

    Args:
        skeleton: The joint layout.
        settings: Sizes and lifetime.
    """

    def __init__(self, skeleton: Skeleton, settings: MarkerSettings) -> None:
        self._links = np.array(skeleton.links)
        self._settings = settings
        self._joint_colors = np.array([_color(name) for name in skeleton.joint_names])
        # A bone has the colour of its far end: the shoulder-elbow bone of the right arm is right.
        self._bone_colors = self._joint_colors[self._links[:, 1]]
        self._head = skeleton.index('head') if 'head' in skeleton.joint_names else 0

    def build(self, pose: Pose3D, text: str) -> list[Marker]:
        """Return the three markers of a person, or their DELETEs where no joint has a position.

        Args:
            pose: The message that the markers show, in its frame.
            text: The label.
        """
        positions = np.array([(j.position.x, j.position.y, j.position.z) for j in pose.joints])
        if pose.reference == Pose3D.REFERENCE_ROOT:
            positions += (0.0, 0.0, self._settings.root_distance_m)
            text = f'{text} (root-relative)'
        seen = np.isfinite(positions).all(axis=1)
        if not seen.any():
            return self.delete(pose.header, pose.track_id)
        ends = self._links[seen[self._links].all(axis=1)]
        bone_colors = self._bone_colors[seen[self._links].all(axis=1)]
        above = positions[self._head if seen[self._head] else int(seen.argmax())] - (0, 0.3, 0)
        joints, bones, label = (self._marker(pose, namespace) for namespace in _NAMESPACES)
        joints.type, joints.scale = Marker.SPHERE_LIST, _cube(self._settings.joint_diameter_m)
        joints.points, joints.colors = _points(positions[seen]), list(self._joint_colors[seen])
        bones.type, bones.scale = Marker.LINE_LIST, Vector3(x=self._settings.bone_width_m)
        bones.points = _points(positions[ends].reshape(-1, 3))
        bones.colors = list(bone_colors.repeat(2))
        label.type, label.scale = Marker.TEXT_VIEW_FACING, _cube(self._settings.text_height_m)
        label.pose.position, label.color, label.text = _points(above[None])[0], _TRUNK, text
        return [joints, bones, label]

    @staticmethod
    def delete(header: Header, track_id: int) -> list[Marker]:
        """Return the markers that remove a track."""
        return [
            Marker(header=header, ns=namespace, id=track_id, action=Marker.DELETE)
            for namespace in _NAMESPACES
        ]

    def _marker(self, pose: Pose3D, namespace: str) -> Marker:
        lifetime_ns = round(self._settings.lifetime_s * 1e9)
        marker = Marker(header=pose.header, ns=namespace, id=pose.track_id, action=Marker.ADD)
        marker.lifetime = Duration(sec=lifetime_ns // 10**9, nanosec=lifetime_ns % 10**9)
        marker.pose.orientation.w = 1.0
        return marker


def _points(positions: np.ndarray) -> list[Point]:
    return [Point(x=x, y=y, z=z) for x, y, z in positions.tolist()]


def _cube(side: float) -> Vector3:
    return Vector3(x=side, y=side, z=side)


def _color(joint_name: str) -> ColorRGBA:
    return {'right': _RIGHT, 'left': _LEFT}.get(joint_name.partition('_')[0], _TRUNK)
