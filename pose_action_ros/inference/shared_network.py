"""One network for consecutive streams of a process, loaded once.

Owns: the last network that was chosen. A batch opens a stream for each film or recording. Each
stream begins empty, so its results do not depend on the films before it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2

from pose_action_ros.core.cores import usable_threads
from pose_action_ros.inference.stream import PoseActionStream

if TYPE_CHECKING:
    from pose_action_ros.core.weights import NetworkChoice
    from pose_action_ros.inference.settings import StreamSettings

__all__ = ['stream_of']


def stream_of(network: NetworkChoice, settings: StreamSettings | None = None) -> PoseActionStream:
    """Return a new stream; the network is loaded if the last call chose another one.

    Args:
        network: The choice; its threads are also those of the image library.
        settings: All settings of the stream.

    Raises:
        CheckpointError: There are no such weights, or the file is damaged.
        ConfigError: There is no such preset.
        DeviceError: There is no such device, or its memory is full.
    """
    if network.threads:
        cv2.setNumThreads(usable_threads(network.threads))
    return _loaded(network).fresh(settings)


@lru_cache(maxsize=1)
def _loaded(network: NetworkChoice) -> PoseActionStream:
    return PoseActionStream.open(
        network.weights,
        finder=network.finder or None,
        device=network.device,
        threads=network.threads,
    )
