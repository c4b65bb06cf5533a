"""RViz markers for a recording: what the node's `ros.markers` draws with its default settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import PersonPrediction
    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.recordings.message_types import MessageFactory

__all__ = ['delete_markers', 'person_markers', 'person_text']

_NAMESPACES = ('joints', 'bones', 'label')
_RIGHT, _LEFT, _TRUNK = (1.0, 0.55, 0.1, 1.0), (0.2, 0.6, 1.0, 1.0), (0.95, 0.95, 0.95, 1.0)
_JOINT_DIAMETER_M, _BONE_WIDTH_M, _TEXT_HEIGHT_M = 0.06, 0.03, 0.18
_LIFETIME_S = 1
_ROOT_DISTANCE_M = 3.0
_TEXT_ABOVE_HEAD_M = 0.3


def person_text(person: PersonPrediction) -> str:
    """Return the label of a person: `wave 87 %`, or the track's number without an action."""
    action = person.action
    if action is None:
        return f'person {person.track_id}'
    if not action.valid:
        return '...'
    return f'{action.labels[action.best]} {action.scores[action.best]:.0%}'


def person_markers(make: MessageFactory, pose: Any, skeleton: Skeleton, text: str) -> list[Any]:
    """Return joints, bones and label of a person; DELETEs where no joint has a position.

    Args:
        make: Makes messages.
        pose: The Pose3D that is shown, in its frame.
        skeleton: The layout of its joints.
        text: The label.
    """
    positions = np.array([(j.position.x, j.position.y, j.position.z) for j in pose.joints])
    if pose.reference == make.constants('pose_action_ros/Pose3D').REFERENCE_ROOT:
        positions += (0.0, 0.0, _ROOT_DISTANCE_M)
        text = f'{text} (root-relative)'
    seen = np.isfinite(positions).all(axis=1)
    if not seen.any():
        return delete_markers(make, pose.header, pose.track_id)
    links = np.array(skeleton.links)
    links = links[seen[links].all(axis=1)]
    colors = np.array([_color(name) for name in skeleton.joint_names])
    head = skeleton.index('head') if 'head' in skeleton.joint_names else 0
    above = positions[head if seen[head] else int(seen.argmax())] - (0.0, _TEXT_ABOVE_HEAD_M, 0.0)
    types = make.constants('visualization_msgs/Marker')
    shapes: tuple[dict[str, Any], ...] = (
        {
            'type': types.SPHERE_LIST,
            'scale': _cube(make, _JOINT_DIAMETER_M),
            'points': _points(make, positions[seen]),
            'colors': _colors(make, colors[seen]),
        },
        {
            'type': types.LINE_LIST,
            'scale': make('geometry_msgs/Vector3', x=_BONE_WIDTH_M),
            'points': _points(make, positions[links].reshape(-1, 3)),
            'colors': _colors(make, colors[links[:, 1]].repeat(2, axis=0)),
        },
        {
            'type': types.TEXT_VIEW_FACING,
            'scale': _cube(make, _TEXT_HEIGHT_M),
            'pose': _pose(make, above),
            'color': _colors(make, [_TRUNK])[0],
            'text': text,
        },
    )
    return [
        make(
            'visualization_msgs/Marker',
            header=pose.header,
            ns=namespace,
            id=pose.track_id,
            action=types.ADD,
            lifetime=make('builtin_interfaces/Duration', sec=_LIFETIME_S),
            **{'pose': _pose(make, np.zeros(3))} | shape,
        )
        for namespace, shape in zip(_NAMESPACES, shapes, strict=True)
    ]


def delete_markers(make: MessageFactory, header: Any, track_id: int) -> list[Any]:
    """Return the markers that remove a track."""
    delete = make.constants('visualization_msgs/Marker').DELETE
    return [
        make('visualization_msgs/Marker', header=header, ns=name, id=track_id, action=delete)
        for name in _NAMESPACES
    ]


def _points(make: MessageFactory, positions: NDArray[np.floating]) -> list[Any]:
    return [make('geometry_msgs/Point', x=x, y=y, z=z) for x, y, z in positions.tolist()]


def _colors(make: MessageFactory, colors: Iterable[Iterable[float]]) -> list[Any]:
    rows = np.asarray(colors, np.float64).tolist()
    return [make('std_msgs/ColorRGBA', r=r, g=g, b=b, a=a) for r, g, b, a in rows]


def _pose(make: MessageFactory, position: NDArray[np.floating]) -> Any:
    return make(
        'geometry_msgs/Pose',
        position=_points(make, position[None])[0],
        orientation=make('geometry_msgs/Quaternion', w=1.0),
    )


def _cube(make: MessageFactory, side: float) -> Any:
    return make('geometry_msgs/Vector3', x=side, y=side, z=side)


def _color(joint_name: str) -> tuple[float, float, float, float]:
    return {'right': _RIGHT, 'left': _LEFT}.get(joint_name.partition('_')[0], _TRUNK)
