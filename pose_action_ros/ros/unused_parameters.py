"""Warnings about parameters that were given at the start and have no effect.

rcl ignores a parameter that no node declares, and a parameter file whose keys name other nodes.
Both are easy slips: `body.heigth`, or `pose_action_node:` for `pose_action:`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pose_action_ros.core.spelling import did_you_mean
from pose_action_ros.ros.arguments import ros_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rclpy.node import Node

__all__ = ['unused_files', 'unused_parameters', 'warn_of_unused']

_VALUES = 'ros__parameters'
# Declared later, or by another version of ROS.
_FOREIGN = ('qos_overrides.', 'start_type_description_service')


def warn_of_unused(node: Node, arguments: Sequence[str]) -> None:
    """Log a warning for each parameter and each parameter file without effect.

    Args:
        node: A node that has declared its parameters.
        arguments: The command line, with `--ros-args`.
    """
    # rclpy has no public list of the values that were given.
    given = list(node._parameter_overrides)
    declared = list(node.get_parameters_by_prefix(''))
    texts = unused_files(node.get_fully_qualified_name(), arguments)
    for text in [*texts, *unused_parameters(given, declared)]:
        node.get_logger().warning(text)


def unused_parameters(given: Sequence[str], declared: Sequence[str]) -> list[str]:
    """Return a warning for each given name that is not declared."""
    texts = []
    for name in given:
        if name in declared or name.startswith(_FOREIGN):
            continue
        advice = did_you_mean(name, declared) or '; docs/ros_interface.md lists all'
        texts.append(f'parameter {name} is ignored: this node has no such parameter{advice}')
    return texts


def unused_files(node_name: str, arguments: Sequence[str]) -> list[str]:
    """Return a warning for each parameter file of which no key fits the node.

    Args:
        node_name: Name of the node with its namespace, `/left/pose_action`.
        arguments: The command line, with `--ros-args`.
    """
    texts = []
    for file in ros_values(arguments, '--params-file'):
        text = Path(file).read_text(encoding='utf-8')
        content = yaml.BaseLoader(text).get_single_data()  # only texts, so no date is wrong
        keys = list(_node_keys(content or {}))
        if keys and not any(_fits(key, node_name) for key in keys):
            texts.append(
                f'parameter file {file} is ignored: its keys ({", ".join(keys)}) do not fit this '
                f'node, {node_name}; the key /** fits every node'
            )
    return texts


def _node_keys(content: Mapping[str, Any], prefix: str = '') -> Iterator[str]:
    """The nodes that a file names: `robot: {left: ...}` is /robot/left."""
    for key, value in content.items():
        if key == _VALUES:
            yield prefix
        elif isinstance(value, dict):
            yield from _node_keys(value, f'{prefix}/{str(key).strip("/")}')


def _fits(key: str, node_name: str) -> bool:
    """Match as rcl does: `*` stands for one part of a name, `**` for any number of parts."""
    return re.fullmatch(key.replace('/*', r'(/\w+)'), node_name) is not None
