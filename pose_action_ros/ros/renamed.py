"""Names of version 0.1: they are refused, and the error states the new names.

`people` was the topic of a detector, and is now a result of the node. An old parameter would have
no effect, and an old rule would send results to the topic of the detector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rclpy.exceptions import ParameterNotDeclaredException

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.ros.remaps import is_remapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rclpy.node import Node
    from rclpy.parameter import Parameter

__all__ = [
    'RENAMED',
    'RenamedParameterError',
    'refuse_old_changes',
    'refuse_old_parameters',
    'refuse_old_topics',
]

RENAMED = {
    'people.class_id': 'detections.class_id',
    'people.min_score': 'detections.min_score',
    'people.max_age_s': 'detections.max_age_s',
    'track.lost_after': 'track.lost_after_s (seconds, not images)',
}
"""Old parameters to new ones."""


class RenamedParameterError(ParameterNotDeclaredException):
    """A parameter is set by its old name; rclpy answers with this text."""

    def __init__(self, text: str) -> None:
        Exception.__init__(self, text)


def refuse_old_parameters(node: Node) -> None:
    """Refuse old names that were given at the start.

    Args:
        node: A node with the parameters of version 0.2.

    Raises:
        ConfigError: One was given at the start.
    """
    if given := _renamed(node._parameter_overrides):  # which rclpy has no public list of
        raise ConfigError(f'parameter {given}')


def refuse_old_changes(changes: list[Parameter]) -> list[Parameter]:
    """Return the changes if none of them has an old name.

    Raises:
        RenamedParameterError: A change has an old name.
    """
    if renamed := _renamed(change.name for change in changes):
        raise RenamedParameterError(renamed)
    return changes


def refuse_old_topics(node: Node, arguments: Sequence[str]) -> None:
    """Refuse a rule for `people` that is meant for the detector.

    Args:
        node: A node that uses detections.
        arguments: The command line, with `--ros-args`.

    Raises:
        ConfigError: There is a rule for `people` and none for `detections`.
    """
    where = node.get_name(), node.get_namespace(), arguments
    if is_remapped('people', *where) and not is_remapped('detections', *where):
        raise ConfigError(
            'people is remapped, and detections is not: the detections are now on the topic '
            'detections, and people is a result; remap detections:=..., also if to its own name'
        )


def _renamed(names: Iterable[str]) -> str:
    """The new names of renamed parameters among these; empty if there are none."""
    return '; '.join(f'{name} is now {RENAMED[name]}' for name in names if name in RENAMED)
