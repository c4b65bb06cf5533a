"""RViz markers of a person: joints, bones and the label, each in its own namespace.

Joints are a SPHERE_LIST, bones a LINE_LIST, the label a TEXT_VIEW_FACING above the head, or above
the topmost joint if the head is not seen. The marker's id is the track's id. A lost track gets
DELETE, so no marker remains. Right limbs are orange, left limbs blue, the trunk white. Joints
without a position are skipped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.messages.stamp import duration_to_msg

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonPrediction
    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.messages.maker import MessageMaker

__all__ = ['MarkerBuilder', 'MarkerSettings', 'person_text']

_NAMESPACES = ('joints', 'bones', 'label')
_RIGHT, _LEFT, _TRUNK = (1.0, 0.55, 0.1), (0.2, 0.6, 1.0), (0.95, 0.95, 0.95)  # RGB
_TEXT_ABOVE_HEAD_M = 0.3


@dataclass(frozen=True)
class MarkerSettings:
    """Style of a person's markers in RViz."""

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
        default=2.0,
        metadata={
            'help': 'Markers disappear this long after the last image, seconds; 0: when the track '
            'ends.',
            'min': 0.0,
            'max': 60.0,
        },
    )
    root_distance_m: float = field(
        default=3.0,
        metadata={
            'help': 'Distance at which a pose without a known position is drawn, along the z axis '
            "of the camera, metres. Its label then says 'root-relative'.",
            'min': 0.0,
            'max': 100.0,
        },
    )


def person_text(person: PersonPrediction) -> str:
    """Return the displayed label.

    It is `wave 87%`, the track's number without an action, or `...` while the clip is not full or
    the score of the held label is too low.
    """
    action = person.action
    if action is None:
        return f'person {person.track_id}'
    if not (action.valid and action.carried):
        return '...'
    return f'{action.labels[action.best]} {action.scores[action.best]:.0%}'


class MarkerBuilder:
    """Builds the markers of one layout.

    Args:
        make: Makes messages.
        skeleton: The joint layout.
        settings: Sizes and lifetime.
    """

    def __init__(self, make: MessageMaker, skeleton: Skeleton, settings: MarkerSettings) -> None:
        self._make = make
        self._types = make.type_of('visualization_msgs/Marker')
        self._references = make.type_of('pose_action_ros/Pose3D')
        self._settings = settings
        self._links = np.array(skeleton.drawn_links)
        sides = {'right': self._color(_RIGHT), 'left': self._color(_LEFT)}
        self._trunk = self._color(_TRUNK)
        self._joint_colors = np.array(
            [sides.get(name.partition('_')[0], self._trunk) for name in skeleton.joint_names]
        )
        # A bone has the colour of its far end: the shoulder-elbow bone of the right arm is right.
        self._bone_colors = self._joint_colors[self._links[:, 1]]
        self._head = skeleton.index('head') if 'head' in skeleton.joint_names else 0

    def build(self, pose: Any, text: str) -> list[Any]:
        """Return the three markers of a person, or their DELETEs if no joint has a position.

        Args:
            pose: The Pose3D that the markers show, in its frame.
            text: The label.
        """
        settings, types = self._settings, self._types
        is_relative = pose.reference == self._references.REFERENCE_ROOT
        places = [joint.from_root if is_relative else joint.position for joint in pose.joints]
        positions = np.array([(place.x, place.y, place.z) for place in places])
        if is_relative:
            positions += (0.0, 0.0, settings.root_distance_m)
            text = f'{text} (root-relative)'
        seen = np.isfinite(positions).all(axis=1)
        if not seen.any():
            return self.delete(pose.header, pose.track_id)
        drawn = seen[self._links].all(axis=1)
        top = self._head if seen[self._head] else int(np.nanargmin(positions[:, 1]))  # y is down
        joints = {
            'type': types.SPHERE_LIST,
            'scale': self._cube(settings.joint_diameter_m),
            'points': self._points(positions[seen]),
            'colors': list(self._joint_colors[seen]),
        }
        bones = {
            'type': types.LINE_LIST,
            'scale': self._make('geometry_msgs/Vector3', x=settings.bone_width_m),
            'points': self._points(positions[self._links[drawn]].reshape(-1, 3)),
            'colors': list(self._bone_colors[drawn].repeat(2)),
        }
        label = {
            'type': types.TEXT_VIEW_FACING,
            'scale': self._cube(settings.text_height_m),
            'pose': self._pose(positions[top] - (0.0, _TEXT_ABOVE_HEAD_M, 0.0)),
            'color': self._trunk,
            'text': text,
        }
        return [
            self._marker(pose, namespace, shape)
            for namespace, shape in zip(_NAMESPACES, (joints, bones, label), strict=True)
        ]

    def delete(self, header: Any, track_id: int) -> list[Any]:
        """Return the markers that remove a track."""
        delete = self._types.DELETE
        return [
            self._make(
                'visualization_msgs/Marker', header=header, ns=name, id=track_id, action=delete
            )
            for name in _NAMESPACES
        ]

    def _marker(self, pose: Any, namespace: str, shape: dict[str, Any]) -> Any:
        return self._make(
            'visualization_msgs/Marker',
            header=pose.header,
            ns=namespace,
            id=pose.track_id,
            action=self._types.ADD,
            lifetime=duration_to_msg(self._make, self._settings.lifetime_s),
            **{'pose': self._pose(np.zeros(3)), **shape},
        )

    def _points(self, positions: NDArray[np.floating]) -> list[Any]:
        return [self._make('geometry_msgs/Point', x=x, y=y, z=z) for x, y, z in positions.tolist()]

    def _pose(self, position: NDArray[np.floating]) -> Any:
        upright = self._make('geometry_msgs/Quaternion', w=1.0)
        (point,) = self._points(position[None])
        return self._make('geometry_msgs/Pose', position=point, orientation=upright)

    def _cube(self, side: float) -> Any:
        return self._make('geometry_msgs/Vector3', x=side, y=side, z=side)

    def _color(self, rgb: tuple[float, float, float]) -> Any:
        r, g, b = rgb
        return self._make('std_msgs/ColorRGBA', r=r, g=g, b=b, a=1.0)
