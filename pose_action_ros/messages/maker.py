"""The maker of messages: `ros.message_types` for rclpy, `recordings.message_types` for rosbags.

Nothing else differs between the two, so the code that uses a maker is written once.
"""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ['MessageMaker']


class MessageMaker(Protocol):
    """Makes messages of one library."""

    def __call__(self, name: str, /, **fields: Any) -> Any:
        """Return a message; fields that are not given have ROS's defaults.

        Args:
            name: `package/Name`.
            fields: Arrays of numbers may be any sequence, images `array.array`.
        """

    def type_of(self, name: str, /) -> Any:
        """Return the class of `package/Name`, which carries its constants."""
