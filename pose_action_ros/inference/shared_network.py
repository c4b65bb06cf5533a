"""One network for all streams of a process that follow each other: loaded once, by name.

Owns: the last network that was asked for. A batch opens a stream for each film or recording; each
begins with nothing seen, so that its results do not depend on what came before it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2

from pose_action_ros.inference.stream import PoseActionStream

if TYPE_CHECKING:
    from pose_action_ros.inference.settings import StreamSettings

__all__ = ['stream_of']


def stream_of(
    weights: str,
    *,
    settings: StreamSettings | None = None,
    finder: str | None = None,
    device: str = 'auto',
    threads: int = 0,
) -> PoseActionStream:
    """Return a new stream; the network is loaded where the last call had another.

    Args:
        weights: As `PoseActionStream.open`.
        settings: All settings.
        finder: As `PoseActionStream.open`.
        device: As `PoseActionStream.open`.
        threads: CPU threads of the network and of the image library; 0 for all cores.

    Raises:
        CheckpointError: There are no such weights, or the file is damaged.
        ConfigError: There is no such preset.
        DeviceError: There is no such device, or its memory is full.
    """
    if threads:
        cv2.setNumThreads(threads)
    return _loaded(weights, finder, device, threads).fresh(settings)


@lru_cache(maxsize=1)
def _loaded(weights: str, finder: str | None, device: str, threads: int) -> PoseActionStream:
    return PoseActionStream.open(weights, finder=finder, device=device, threads=threads)
