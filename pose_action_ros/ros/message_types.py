"""Makes the messages of rclpy."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

__all__ = ['MAKE', 'RosMessageMaker', 'find_messages', 'find_vision_msgs']


class RosMessageMaker:
    """A `messages.MessageMaker`; packages are imported on first use."""

    def __call__(self, name: str, /, **fields: Any) -> Any:
        """Return a message of the type `package/Name`."""
        return self.type_of(name)(**fields)

    @staticmethod
    @cache
    def type_of(name: str, /) -> Any:
        """Return the class of a type, which carries its constants."""
        package, _, kind = name.partition('/')
        return getattr(import_module(f'{package}.msg'), kind)


MAKE = RosMessageMaker()
"""The maker for all; it has no state."""


def find_messages(package: str) -> Any:
    """Return the module `PACKAGE.msg`, None if it is not installed."""
    try:
        return import_module(f'{package}.msg')
    except ImportError:
        return None


def find_vision_msgs() -> Any:
    """Return the module `vision_msgs.msg`, None if it is not installed."""
    return find_messages('vision_msgs')
