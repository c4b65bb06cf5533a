"""The remapping rules of the command line, even those that map a name to itself.

rcl resolves names but does not tell whether a rule applied. `-r camera_info:=camera_info` looks
like no rule at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rclpy.expand_topic_name import expand_topic_name

from pose_action_ros.ros.arguments import ros_values

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['is_remapped']


def is_remapped(name: str, node_name: str, namespace: str, arguments: Sequence[str]) -> bool:
    """Tell whether a rule for a topic was given.

    Args:
        name: Name of the topic in the node's code.
        node_name: Name of the node.
        namespace: Its namespace.
        arguments: The command line, with `--ros-args`.
    """
    wanted = expand_topic_name(name, node_name, namespace)
    for rule in ros_values(arguments, '-r', '--remap'):
        match, separator, _ = rule.partition(':=')
        node, has_node, topic = match.rpartition(':')
        if not separator or (has_node and node not in (node_name, 'rostopic')):
            continue
        topic = topic.removeprefix('//')  # of rostopic://
        if not topic.startswith('__') and _expanded(topic, node_name, namespace) == wanted:
            return True
    return False


def _expanded(topic: str, node_name: str, namespace: str) -> str:
    try:
        return expand_topic_name(topic, node_name, namespace)
    except ValueError:  # such a rule applies to no topic
        return ''
