"""Names of version 0.1 that are refused, each with its new name.

`people` was the topic of a detector, and is now a result of the node. Taken for what they were,
old names would be without effect, or would send results to a detector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rclpy.exceptions import ParameterNotDeclaredException

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.ros.remaps import is_remapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rclpy.node import Node

__all__ = ['RENAMED', 'RenamedParameterError', 'old_names', 'refuse_old_topics']

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


def old_names(names: Iterable[str]) -> str:
    """Return which of these parameters have new names; empty if none has."""
    texts = [f'{name} is now {RENAMED[name]}' for name in names if name in RENAMED]
    return '; '.join(texts)


def refuse_old_topics(node: Node, arguments: Sequence[str]) -> None:
    """Refuse a rule for `people` that is meant for the detector.

    Args:
        node: A node that wants detections.
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
