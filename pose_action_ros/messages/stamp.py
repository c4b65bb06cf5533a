"""Stamps: integer nanoseconds here, `builtin_interfaces/Time` in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pose_action_ros.messages.maker import MessageMaker

__all__ = ['duration_to_msg', 'stamp_from_msg', 'stamp_to_msg']

_SECOND_NS = 1_000_000_000
_FIRST_NS, _LAST_NS = -(2**31) * _SECOND_NS, 2**31 * _SECOND_NS - 1  # seconds have 32 bits


def stamp_from_msg(stamp: Any) -> int:
    """Return a stamp in nanoseconds."""
    return int(stamp.sec) * _SECOND_NS + int(stamp.nanosec)


def stamp_to_msg(make: MessageMaker, stamp_ns: int) -> Any:
    """Return a Time of a stamp in nanoseconds, limited to the range of messages.

    Drivers send impossible times, such as 4e9 nanoseconds beside the last second.
    """
    sec, nanosec = divmod(min(max(stamp_ns, _FIRST_NS), _LAST_NS), _SECOND_NS)
    return make('builtin_interfaces/Time', sec=sec, nanosec=nanosec)


def duration_to_msg(make: MessageMaker, duration_s: float) -> Any:
    """Return a Duration of seconds."""
    sec, nanosec = divmod(round(duration_s * _SECOND_NS), _SECOND_NS)
    return make('builtin_interfaces/Duration', sec=sec, nanosec=nanosec)
