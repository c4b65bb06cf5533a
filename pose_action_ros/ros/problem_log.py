"""Warnings that are logged when a problem begins, and again while it lasts."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rclpy.impl.rcutils_logger import RcutilsLogger

__all__ = ['ProblemLog']

_REPEAT_S = 30.0  # until a lasting warning is logged again
_PAUSE_S = 5.0  # between two texts of one cause, which may contain numbers


class ProblemLog:
    """Logs problems by their causes.

    Args:
        logger: The node's.
    """

    def __init__(self, logger: RcutilsLogger) -> None:
        self._logger = logger
        self._logged: dict[str, tuple[float, str]] = {}  # time and text by cause

    def warn(self, problems: Mapping[str, str], repeat_s: float = _REPEAT_S) -> None:
        """Log problems.

        Args:
            problems: A text for each cause; empty if there is none.
            repeat_s: Time until an unchanged text is logged again, seconds.
        """
        now_s = time.monotonic()
        for cause, text in problems.items():
            logged_s, logged = self._logged.get(cause, (-math.inf, ''))
            pause_s = repeat_s if text == logged else _PAUSE_S
            if text and now_s > logged_s + pause_s:
                self._logged[cause] = (now_s, text)
                self._logger.warning(text)
