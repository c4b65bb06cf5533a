"""Suggestions for mistyped names."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ['did_you_mean']


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean X?" for the known name that is nearest; empty if none is near."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f'; did you mean {near[0]}?' if near else ''
