"""The command-line arguments for ROS, between `--ros-args` and `--`."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ['ros_values']


def ros_values(arguments: Sequence[str], *options: str) -> Iterator[str]:
    """Yield the words that follow an option of ROS.

    Args:
        arguments: The command line.
        options: The spellings of the option: `-r`, `--remap`.
    """
    is_ros = False
    for word, following in itertools.zip_longest(arguments, arguments[1:], fillvalue=''):
        if word in ('--ros-args', '--'):
            is_ros = word == '--ros-args'
        elif is_ros and word in options:
            yield following
