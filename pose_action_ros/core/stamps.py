"""Stamps as messages hold them: whole seconds in 32 bits, and nanoseconds."""

from __future__ import annotations

__all__ = ['SECOND_NS', 'split_stamp']

SECOND_NS = 1_000_000_000
_FIRST_NS, _LAST_NS = -(2**31) * SECOND_NS, 2**31 * SECOND_NS - 1


def split_stamp(stamp_ns: int) -> tuple[int, int]:
    """Return the seconds and nanoseconds of a stamp; one that no message holds is cut off.

    Drivers send numbers that are no time, such as 4e9 nanoseconds beside the last second.

    Args:
        stamp_ns: Nanoseconds.
    """
    return divmod(min(max(stamp_ns, _FIRST_NS), _LAST_NS), SECOND_NS)
