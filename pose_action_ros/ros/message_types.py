"""Makes the messages of rclpy."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

__all__ = ['MAKE', 'RosMessageMaker']


class RosMessageMaker:
    """A `messages.MessageMaker`; types are imported when they are first made."""

    def __call__(self, name: str, /, **fields: Any) -> Any:
        """Return a message of the type `package/Name`."""
        return _type_of(name)(**fields)

    def type_of(self, name: str, /) -> Any:
        """Return the class of a type, which carries its constants.

        Raises:
            ImportError: Its package is not installed.
        """
        return _type_of(name)


@cache
def _type_of(name: str) -> Any:
    package, _, kind = name.partition('/')
    return getattr(import_module(f'{package}.msg'), kind)


MAKE = RosMessageMaker()
"""It has no state: one serves all."""
