"""Errors of rclpy while a topic is opened, as one line with the topic and the remedy.

rclpy's own texts name no topic, and end with places in its source.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rclpy.exceptions import ParameterException

from pose_action_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rclpy.node import Node

__all__ = ['naming_topic', 'without_places']

_IN_SOURCE = ', at /'  # begins the places in rcl's code that its errors name


@contextmanager
def naming_topic(node: Node, name: str, side: str) -> Iterator[None]:
    """Give the errors of the block the name of a topic, and a remedy.

    Args:
        node: The node that opens the topic.
        name: The topic, before remapping.
        side: `publisher` or `subscription`.

    Raises:
        ConfigError: A QoS override has a wrong value, or the topic has another type.
    """
    try:
        yield
    except (RuntimeError, ValueError, ParameterException) as error:  # RCLError is the first
        topic = node.resolve_topic_name(name)
        raise ConfigError(
            f'the {side} of {topic} is refused: {without_places(error)}; correct '
            f'qos_overrides.{topic}.{side}.*, or remap {name} to another topic'
        ) from error


def without_places(error: Exception) -> str:
    """Return the text of an error of rclpy without the places in its source."""
    return str(error).partition(_IN_SOURCE)[0]
