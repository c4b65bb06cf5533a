"""The number of CPU threads that is of use."""

import os

__all__ = ['usable_threads']


def usable_threads(wanted: int) -> int:
    """Return the wanted number, but not more than the machine's cores; 0 stays 0."""
    return min(wanted, os.cpu_count() or 1)
